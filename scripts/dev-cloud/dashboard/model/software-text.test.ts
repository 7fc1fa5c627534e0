import { expect, test } from "vitest";
import { softwareLines } from "./software-text.ts";

test("tells the release, whether it is confirmed, and how updates ended", () => {
  expect(softwareLines({ running: "1.1.0", confirmed: "1.1.0", lastConfirmed: { version: "1.1.0", job: "c-1" } })).toEqual({ release: "1.1.0, confirmed", outcomes: ["1.1.0 was confirmed"] });
  const failed = { version: "1.2.0", job: "c-2", code: "update.no-picture", message: "the screen was dark" };
  expect(softwareLines({ running: "1.1.0", confirmed: "1.1.0", lastFailed: failed }).outcomes).toEqual(["1.2.0 went back: the screen was dark (update.no-picture)"]);
});

test("a release on trial is not called confirmed, and names the one it goes back to", () => {
  expect(softwareLines({ running: "1.2.0", confirmed: "1.1.0", trial: { version: "1.2.0", job: "c-2" } }).release).toBe("1.2.0, on trial: goes back to 1.1.0 unless it proves itself");
});

test("a device that nothing updates, and one that reports nonsense, have no release", () => {
  for (const software of [undefined, null, "1.1.0", []]) expect(softwareLines(software)).toEqual({ release: "not updated by the agent", outcomes: [] });
});
