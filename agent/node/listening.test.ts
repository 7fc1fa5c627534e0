import { expect, test } from "vitest";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { Listening } from "./listening.ts";

test("is ready once all sockets listen, or after a time limit when the disk accepts none", async () => {
  const time = new VirtualTime();
  const good = new Listening(["a", "b"]);
  const all = good.all(time, new AbortController().signal);
  good.note("a");
  good.note("b");
  expect(await all).toBeUndefined();
  expect(time.pending()).toEqual([]);

  const poor = new Listening(["a", "b"]);
  const some = poor.all(time, new AbortController().signal);
  poor.note("b");
  await time.advance(10_000);
  expect(await some).toBe("a");
});
