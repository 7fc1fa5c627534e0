import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SoftwareReporter } from "./software-reporter.ts";

test("an updater that does not answer is asked again, and one that answered is left alone", async () => {
  const time = new VirtualTime({ monotonicMs: 0 });
  const stop = new AbortController();
  const answers = [fail("update.no-updater", "no answer"), fail("update.no-updater", "no answer")];
  const reported: unknown[] = [];
  let asked = 0;
  const never = (): Promise<never> => Promise.reject(new Error("only the status is asked for"));
  const status = () => {
    asked += 1;
    return Promise.resolve(answers.shift() ?? ok({ running: "1.0.0", confirmed: "1.0.0" }));
  };
  const reporter = new SoftwareReporter({ status, check: never, install: never, confirm: never, back: never }, { set: (_section, value) => void reported.push(value) }, time, silentLog);
  const run = reporter.run(stop.signal);
  for (let passed = 0; passed < 60; passed += 1) await time.advance(60_000);
  expect([asked, reported]).toEqual([3, [{ running: "1.0.0", confirmed: "1.0.0" }]]);
  stop.abort();
  await run;
});
