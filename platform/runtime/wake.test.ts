import { expect, test } from "vitest";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { Wake } from "./wake.ts";

function loop(timeoutMs: number) {
  const time = new VirtualTime();
  const wake = new Wake();
  const stop = new AbortController();
  const seen: string[] = [];
  const wait = (name: string): Promise<void> => wake.wait(time, "test.wake", timeoutMs, stop.signal).then(() => void seen.push(name));
  return { time, wake, stop, seen, wait };
}

test("waiting ends when the bell rings, after the time, or when the work is to stop", async () => {
  const { time, wake, stop, seen, wait } = loop(1_000);
  void wait("rung");
  wake.ring();
  await time.advance(0);
  void wait("timed out");
  await time.advance(999);
  expect(seen).toEqual(["rung"]);
  await time.advance(1);
  void wait("stopped");
  stop.abort();
  await time.advance(0);
  expect(seen).toEqual(["rung", "timed out", "stopped"]);
});

test("ringing while nobody waits is kept, once", async () => {
  const { time, wake, seen, wait } = loop(1_000);
  wake.ring();
  wake.ring();
  void wait("kept");
  await time.advance(0);
  void wait("not rung again");
  await time.advance(0);
  expect(seen).toEqual(["kept"]);
});

test("without a time to wait for there is no timer, and the bell still ends it", async () => {
  const { time, wake, seen, wait } = loop(Infinity);
  void wait("rung");
  expect(time.pending()).toEqual([]);
  wake.ring();
  await time.advance(0);
  expect(seen).toEqual(["rung"]);
});
