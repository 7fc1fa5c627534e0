import { expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { GroupCommit, type CommitJob } from "./group-commit.ts";

class Bench {
  readonly store = new MemoryStore();
  readonly seen: string[] = [];
  readonly commit = new GroupCommit(this.store, new VirtualTime(), {
    onFailure: (thrown, sender) => this.seen.push(`failure ${(thrown as Error).message} ${sender ?? "all"}`),
    onSettled: () => this.seen.push("settled"),
  });

  add(name: string, sender: string, change: Partial<CommitJob> = {}): void {
    this.commit.add({
      sender,
      weight: 1,
      write: () => this.store.addToCounter(name, 1),
      done: () => this.seen.push(`done ${name}`),
      failed: () => this.seen.push(`failed ${name}`),
      ...change,
    });
  }
}

test("a job that cannot be written fails with the later ones of its sender, and the others are committed", () => {
  const bench = new Bench();
  bench.add("a1", "a");
  bench.add("a2", "a", {
    write: () => {
      bench.store.addToCounter("a2", 1);
      throw new Error("bad");
    },
  });
  bench.add("b1", "b");
  bench.add("a3", "a");
  bench.commit.flush();
  expect(bench.seen).toEqual(["failure bad a", "done a1", "failed a2", "done b1", "failed a3", "settled"]);
  expect(bench.store.counters()).toEqual({ a1: 1, b1: 1 });
});

test("an answer that throws fails its own job, and the others are answered", () => {
  const bench = new Bench();
  bench.add("a1", "a", {
    done: () => {
      throw new Error("no answer");
    },
  });
  bench.add("b1", "b");
  bench.commit.flush();
  expect(bench.seen).toEqual(["failure no answer a", "failed a1", "done b1", "settled"]);
});

test("a commit that fails fails every job, and what waits for it to settle goes on", () => {
  const bench = new Bench();
  bench.store.transaction = () => {
    throw new Error("disk full");
  };
  bench.add("a1", "a");
  bench.add("b1", "b");
  bench.commit.flush();
  expect(bench.seen).toEqual(["failure disk full all", "failed a1", "failed b1", "settled"]);
});
