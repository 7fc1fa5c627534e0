import { join } from "node:path";
import { AGENT_NODE_FLAGS } from "../../start/programs.ts";
import { numbersOf } from "../harness/child-answer.ts";
import type { Figure } from "../figure.ts";
import { median, percentile } from "../harness/statistics.ts";

/** Durable append: a record is accepted once it is on disk. */
export const append: Figure = {
  name: "append",
  title: "durable append to the outbox, one writer and 64",
  needsBuild: false,
  async run(bench) {
    const pairs = bench.pick(1_000, 200);
    const runs = bench.pick(5, 3);
    const runMs = bench.pick(2_000, 700);
    const answer = await bench.nodeAsShipped(AGENT_NODE_FLAGS, join(bench.root, "scripts/bench/programs/append.ts"), [bench.folder("append"), String(pairs), String(runs), String(runMs)]).next();
    const raw = numbersOf(answer, "rawMs");
    const ours = numbersOf(answer, "oursMs");
    const bytes = Number(answer["recordBytes"]);
    const how = `${pairs} appends of ${bytes} bytes by turns with the floor, with the agent's flags for Node`;
    return [
      {
        name: "append.one-writer.p50", value: percentile(ours, 0.5), unit: "ms", floor: { name: "raw write + fdatasync p50", value: percentile(raw, 0.5), unit: "ms" },
        target: { of: "ratio", atMost: 2 }, how,
      },
      { name: "append.one-writer.p99", value: percentile(ours, 0.99), unit: "ms", floor: { name: "raw write + fdatasync p99", value: percentile(raw, 0.99), unit: "ms" }, how },
      {
        name: "append.64-writers.rate", value: median(numbersOf(answer, "writerRates")), unit: "records/s",
        floor: { name: "64 raw records for each fdatasync", value: median(numbersOf(answer, "syncedRates")), unit: "records/s" },
        target: { of: "value", atLeast: 20_000 }, how: `median of ${runs} runs of ${runMs / 1000} s by turns with the peer`,
      },
    ];
  },
};
