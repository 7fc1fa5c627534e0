import { expect, test } from "vitest";
import { ok, type Result } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { CALL_DEADLINE_MS, HANGS, KernelCalls, NO_THREAD } from "./kernel-calls.ts";
import type { SystemError } from "./native.ts";

type Back = (result: Result<number, SystemError>) => void;

test("two drivers that hang leave the other threads alone, and a third is asked again once one has come back", async () => {
  const time = new VirtualTime();
  const threads = { hanging: 0, hangingMax: 2 };
  const [first, second, third] = ["first", "second", "third"].map((name) => new KernelCalls(time, name, threads));
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
