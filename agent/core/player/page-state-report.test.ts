import { beforeEach, expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { PAGE_STATE_FLOOR_MS, PageStateReport } from "./page-state-report.ts";

let time: VirtualTime;
let reported: unknown[];
let page: PageStateReport;
beforeEach(() => {
  time = new VirtualTime();
  reported = [];
  page = new PageStateReport({ reporter: { set: (_section, value) => void reported.push(value) }, clock: time, timers: time });
});

test("a page that counts seconds causes two reports a minute, each with the newest state", async () => {
  for (let second = 0; second < 60; second += 1) {
    page.set({ second });
    await time.advance(1_000);
  }
  expect(reported).toEqual([{ second: 0 }, { second: 29 }, { second: 59 }]);
});

test("after a quiet time the first state is reported at once, and the last is never lost", async () => {
  page.set({ slide: 1 });
  await time.advance(PAGE_STATE_FLOOR_MS);
  page.set({ slide: 2 });
  expect(reported).toEqual([{ slide: 1 }, { slide: 2 }]);
  page.set({ slide: 3 });
  page.set({ slide: 4 });
  expect(reported).toHaveLength(2);
  await time.advance(PAGE_STATE_FLOOR_MS);
  expect(reported.at(-1)).toEqual({ slide: 4 });
  expect(time.pending()).toEqual([]);
});

test("clearing takes effect at once, drops a waiting state, and lets the next content report at once", async () => {
  page.set({ old: 1 });
  page.set({ old: 2 });
  page.clear();
  expect(reported).toEqual([{ old: 1 }, undefined]);
  page.set({ fresh: 1 });
  expect(reported.at(-1)).toEqual({ fresh: 1 });
  await time.advance(PAGE_STATE_FLOOR_MS);
  expect(reported).toHaveLength(3);
});

test("a waiting state is reported on stop", () => {
  page.set({ n: 1 });
  page.set({ n: 2 });
  page.stop();
  expect(reported.at(-1)).toEqual({ n: 2 });
  expect(time.pending()).toEqual([]);
});
