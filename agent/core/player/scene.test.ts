import { expect, test } from "vitest";
import type { StageContent } from "../../../player-host/contract/link-messages.ts";
import { chooseScene, type SceneFacts } from "./scene.ts";

const content: StageContent = { kind: "url", id: "a", url: "http://127.0.0.1/a", grants: [] };
const facts: SceneFacts = { deviceId: "d", owned: true, linkStatus: "Not connected yet.", blank: false };

test.each<[string, Partial<SceneFacts>, object]>([
  ["content that is there, whatever the link does", { content }, { kind: "content", content }],
  ["content even where nobody owns the device any more", { content, owned: false }, { kind: "content" }],
  ["nothing, where the schedule says so and the display cannot be switched", { content, blank: true }, { kind: "blank" }],
  ["the code, on a device nobody owns", { owned: false, pairing: { code: "K7QF3M", claimUrl: "http://127.0.0.1/claim" } }, { kind: "pairing", code: "K7QF3M" }],
  ["which step of connecting fails, while there is no code", { owned: false }, { kind: "pairing", status: "Not connected yet." }],
  ["a fault a technician has to see", { contentError: { code: "content.bad-package", message: "no manifest" } }, { kind: "fault", code: "content.bad-package" }],
  ["that it waits, where content cannot be reached yet", { contentError: { code: "content.unreachable", message: "nobody there" } }, { kind: "offline", message: "nobody there" }],
  ["that it waits, where nothing was wanted yet", {}, { kind: "offline", message: "Not connected yet." }],
])("shows %s", (_what, change, scene) => {
  expect(chooseScene({ ...facts, ...change })).toMatchObject(scene);
});
