import { expect, test } from "vitest";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { TokenBucket } from "./token-bucket.ts";

test("the bucket allows a burst at once, then the rate, and never more than the burst", async () => {
  const time = new VirtualTime();
  const bucket = new TokenBucket(time, { burst: 3, perSecond: 2 });
  const takeAll = (): number => {
    let taken = 0;
    while (bucket.take()) taken += 1;
    return taken;
  };
  expect(takeAll()).toBe(3);
  await time.advance(499);
  expect(takeAll()).toBe(0);
  await time.advance(1);
  expect(takeAll()).toBe(1);
  await time.advance(3_600_000);
  expect(takeAll()).toBe(3);
});

test("checking for a token takes none", () => {
  const bucket = new TokenBucket(new VirtualTime(), { burst: 1, perSecond: 1 });
  expect([bucket.has(), bucket.has(), bucket.take(), bucket.has(), bucket.take()]).toEqual([true, true, true, false, false]);
});
