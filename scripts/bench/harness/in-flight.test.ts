import { expect, test } from "vitest";
import { InFlight } from "./in-flight.ts";

class Slow {
  readonly #name = "slow";
  finish = (): void => {};
  work(): Promise<string> {
    return new Promise((resolve) => (this.finish = () => resolve(this.#name)));
  }
  name(): string {
    return this.#name;
  }
}

test("settles only when all pending work has ended", async () => {
  const inFlight = new InFlight();
  const slow = new Slow();
  const watched = inFlight.watch(slow);
  expect(watched.name()).toBe("slow");
  const working = watched.work();
  expect(inFlight.count).toBe(1);
  const order: string[] = [];
  const settled = inFlight.settle().then(() => order.push("settled"));
  await new Promise((resolve) => setImmediate(resolve));
  order.push("finishing");
  slow.finish();
  await settled;
  expect(order).toEqual(["finishing", "settled"]);
  expect(await working).toBe("slow");
});

test("failed work counts as ended", async () => {
  const inFlight = new InFlight();
  const broken = inFlight.watch({ fail: () => Promise.reject(new Error("no")) });
  await expect(broken.fail()).rejects.toThrow("no");
  await inFlight.settle();
  expect(inFlight.count).toBe(0);
});
