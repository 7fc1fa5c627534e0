import { expect, test } from "vitest";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { OneAtATime } from "./one-at-a-time.ts";

test("work runs in the order of the calls, one at a time, whatever its duration", async () => {
  const time = new VirtualTime();
  const lane = new OneAtATime();
  const log: string[] = [];
  const work = (name: string, durationMs: number) =>
    lane.run(async () => {
      log.push(`${name} begins`);
      await new Promise<void>((resolve) => time.after(name, durationMs, resolve));
      log.push(`${name} ends`);
      return name;
    });
  expect(await time.settled(Promise.all([work("a", 50), work("b", 1), work("c", 10)]))).toEqual(["a", "b", "c"]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("a failure reaches only its caller", async () => {
  const lane = new OneAtATime();
  const broken = lane.run(() => Promise.reject(new Error("no")));
  const next = lane.run(() => Promise.resolve("yes"));
  await expect(broken).rejects.toThrow("no");
  expect(await next).toBe("yes");
});
