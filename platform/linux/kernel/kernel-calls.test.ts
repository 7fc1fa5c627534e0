import { expect, test } from "vitest";
import { ok, type Result } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { CALL_DEADLINE_MS, CallThreads, HANGS, KernelCalls, NO_THREAD } from "./kernel-calls.ts";
import type { SystemError } from "./native.ts";

type Back = (result: Result<number, SystemError>) => void;

test("two drivers that hang leave the other threads alone, and a third is asked again once one has come back", async () => {
  const time = new VirtualTime();
  const threads = new CallThreads();
  const [first, second, third] = ["first", "second", "third"].map((name) => new KernelCalls(time, name, { threads }));
  const pending: Back[] = [];
  const hangs = (): Promise<Result<number, SystemError>> => new Promise((resolve) => pending.push(resolve));

  const both = Promise.all([first?.run(hangs), second?.run(hangs)]);
  await time.advance(CALL_DEADLINE_MS);
  expect(await both).toEqual([{ ok: false, error: { name: HANGS } }, { ok: false, error: { name: HANGS } }]);
  expect(await third?.run(hangs)).toEqual({ ok: false, error: { name: NO_THREAD } });
  expect(pending).toHaveLength(2);

  pending[0]?.(ok(0));
  await time.advance(0);
  expect(await third?.run(() => Promise.resolve(ok(7)))).toEqual({ ok: true, value: 7 });
});

test("drivers that begin to hang in the same moment leave a thread to files, and calls of others wait or say so", async () => {
  const time = new VirtualTime();
  const threads = new CallThreads();
  const pending: Back[] = [];
  const hangs = (): Promise<Result<number, SystemError>> => new Promise((resolve) => pending.push(resolve));
  const drivers = [1, 2, 3, 4, 5].map((number) => new KernelCalls(time, `driver-${number}`, { threads }));
  const asked = Promise.all(drivers.map((driver) => driver.run(hangs)));
  await time.advance(0);
  expect(pending).toHaveLength(3);
  await time.advance(CALL_DEADLINE_MS);
  expect((await asked).map((each) => (each.ok ? "" : each.error.name))).toEqual([HANGS, HANGS, HANGS, NO_THREAD, NO_THREAD]);
  expect(pending).toHaveLength(3);
  for (const back of pending.splice(0)) back(ok(0));
  await time.advance(0);
  expect(await Promise.all(drivers.map((driver) => driver.run(() => Promise.resolve(ok(7)))))).toEqual(drivers.map(() => ({ ok: true, value: 7 })));
});
