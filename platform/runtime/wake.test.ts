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

test("a wait ends when the bell rings, after its time, or on abort", async () => {
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

test("one ring without a waiter is kept", async () => {
  const { time, wake, seen, wait } = loop(1_000);
  wake.ring();
  wake.ring();
  void wait("kept");
  await time.advance(0);
  void wait("not rung again");
  await time.advance(0);
  expect(seen).toEqual(["kept"]);
});

test("a wait without a time has no timer and still ends with the bell", async () => {
  const { time, wake, seen, wait } = loop(Infinity);
  void wait("rung");
  expect(time.pending()).toEqual([]);
  wake.ring();
  await time.advance(0);
  expect(seen).toEqual(["rung"]);
});
