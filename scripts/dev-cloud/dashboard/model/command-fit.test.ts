import { expect, test } from "vitest";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import type { Profile } from "./api-types.ts";
import { choicesOf } from "./command-fit.ts";

const profile = { choices: { "display.input": { input: ["hdmi-1"] }, "display.mode": { display: ["main", "menu"] } } } as unknown as Profile;
const device = (document: JsonObject) => ({ profile, reported: { version: 1, receivedMs: 0, document } });

test("a form offers the modes that the connected displays report, besides the choices of the profile", () => {
  const shown = device({ display: { choices: { mode: ["1920x1080@60", "1280x720@50"] } }, displays: { menu: { choices: { mode: ["1920x1080@60", "3840x2160@30"] } } } });
  expect(choicesOf({ name: "display.mode" }, shown)).toEqual({ display: ["main", "menu"], mode: ["1920x1080@60", "1280x720@50", "3840x2160@30"] });
  expect(choicesOf({ name: "display.input" }, shown)).toEqual({ input: ["hdmi-1"] });
  expect(choicesOf({ name: "reboot" }, shown)).toEqual({});
});

test("a form survives a device that reports nothing or nonsense", () => {
  const odd: readonly JsonObject[] = [{}, { display: 5, displays: [] }, { display: { choices: { mode: "all" } } }];
  for (const document of odd) expect(choicesOf({ name: "display.mode" }, device(document))).toEqual({ display: ["main", "menu"] });
  expect(choicesOf({ name: "display.mode" }, { profile: null, reported: null })).toEqual({});
});
