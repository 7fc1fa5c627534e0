import { join } from "node:path";
import { DevCloudProgram } from "../harness/dev-cloud-program.ts";
import { forgetPeak, memoryOf } from "../harness/proc-files.ts";
import { AGENT_NODE_FLAGS } from "../../start/programs.ts";
import type { Figure } from "../figure.ts";

const MIB = 1024 * 1024;
const GROWTH_MIB_MAX = 15;
const SETTLE_MS = 1_000;

/** Memory that a backlog adds, during a long outage and its drain. */
export const backlog: Figure = {
  name: "backlog",
  title: "memory growth with a backlog, queued and drained",
  needsBuild: true,
  async run(bench) {
    const count = bench.pick(1_000_000, 100_000);
    const warmUp = bench.pick(20_000, 10_000);
    const cloud = await DevCloudProgram.start(bench);
    const program = bench.nodeAsShipped(AGENT_NODE_FLAGS, join(bench.root, "scripts/bench/programs/backlog.ts"), [bench.folder("outbox"), cloud.address, String(warmUp), String(count)]);
    const { pid } = program;
    await program.next();
    await bench.sleep(SETTLE_MS);
    const idleRss = memoryOf(pid).rss;
    const peaks: number[] = [];
    const tookMs: number[] = [];
    let warmRss = idleRss;
    for (const name of ["warm", "queued", "drained"]) {
      bench.say(`backlog: ${name}`);
      forgetPeak(pid);
      program.tell("go");
      tookMs.push(await program.nextNumber("ms"));
      await bench.sleep(SETTLE_MS);
      peaks.push(memoryOf(pid).peak);
      if (name === "warm") warmRss = memoryOf(pid).peak;
    }
    const peak = Math.max(...peaks.slice(1));
    const rate = (at: number): number => (count * 1000) / (tookMs[at] ?? Number.NaN);
    const how = `one backlog of ${count} proofs of play; peak of resident memory by the kernel`;
    return [
      {
        name: "backlog.growth", value: (peak - warmRss) / MIB, unit: "MiB", floor: { name: `the same with ${warmUp} records: its peak`, value: warmRss / MIB, unit: "MiB" },
        target: { of: "value", atMost: GROWTH_MIB_MAX }, how: `${how}, above the peak with ${warmUp} records queued and drained`,
      },
      { name: "backlog.growth-from-idle", value: (peak - idleRss) / MIB, unit: "MiB", floor: { name: "the same process before the first record", value: idleRss / MIB, unit: "MiB" }, how: `${how}, above a process that has done nothing yet: most of it is V8's young generation, which any work fills` },
      { name: "backlog.queue-rate", value: rate(1), unit: "records/s", how: "256 writers, durable" },
      { name: "backlog.drain-rate", value: rate(2), unit: "records/s", how: "outbox and link alone, from connecting to the last record let go" },
    ];
  },
};
