import { expect, test } from "vitest";
import { SAME_CTRL_C_MS, stopSignals } from "./stop-signals.ts";

test("one Ctrl-C that arrives twice stops in order; a second one kills", () => {
  let nowMs = 10_000;
  const done: string[] = [];
  const signal = stopSignals({ clock: { monotonicMs: () => nowMs }, stop: () => done.push("stop"), force: () => done.push("force") });
  signal();
  nowMs += SAME_CTRL_C_MS;
  signal();
  expect(done).toEqual(["stop"]);
  nowMs += 1;
  signal();
  signal();
  expect(done).toEqual(["stop", "force", "force"]);
});
