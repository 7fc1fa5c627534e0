import { expect, test } from "vitest";
import type { StageContent } from "../../../player-host/contract/link-messages.ts";
import { chooseScene, type SceneFacts } from "./scene.ts";

const content: StageContent = { kind: "url", id: "a", url: "http://127.0.0.1/a", grants: [] };
const facts: SceneFacts = { deviceId: "d", owned: true, linkStatus: "Not connected yet.", blank: false };

test.each<[string, Partial<SceneFacts>, object]>([
  ["available content, whatever the state of the link", { content }, { kind: "content", content }],
  ["content even if the device no longer has an owner", { content, owned: false }, { kind: "content" }],
  ["nothing, if the screen should be dark and the display cannot be switched off", { content, blank: true }, { kind: "blank" }],
  ["the pairing code, on a device without an owner", { owned: false, pairing: { code: "K7QF3M", claimUrl: "http://127.0.0.1/claim" } }, { kind: "pairing", code: "K7QF3M" }],
  ["which step of connecting fails, while there is no code", { owned: false }, { kind: "pairing", status: "Not connected yet." }],
  ["a fault that a technician must see", { contentError: { code: "content.bad-package", message: "no manifest" } }, { kind: "fault", code: "content.bad-package" }],
  ["that it is waiting, if content cannot be reached yet", { contentError: { code: "content.unreachable", message: "nobody there" } }, { kind: "offline", message: "nobody there" }],
  ["that it is waiting, if no content is wanted yet", {}, { kind: "offline", message: "Not connected yet." }],
])("shows %s", (_what, change, scene) => {
  expect(chooseScene({ ...facts, ...change })).toMatchObject(scene);
});
