import { AgentProgram } from "../harness/agent-program.ts";
import type { Bench } from "../harness/bench.ts";
import { DevCloudProgram } from "../harness/dev-cloud-program.ts";
import type { Figure } from "../figure.ts";
import { median, rateOf } from "../harness/statistics.ts";

const LOOK_MS = 20;
const FRAME_RECORDS = 500;
const WINDOW_RECORDS = 5_000;

/** Drains a backlog from disk over loopback to a cloud in another process, which stores it on the same disk before it answers. */
export const drain: Figure = {
  name: "drain",
  title: "drain of a stored backlog, the cloud storing it",
  needsBuild: true,
  async run(bench) {
    const count = bench.pick(150_000, 40_000);
    const runs = bench.pick(3, 1);
    const cloud = await DevCloudProgram.start(bench);
    const peer: number[] = [];
    const ours: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      bench.say(`drain: run ${run + 1} of ${runs}`);
      const { ms } = await bench.program("blast", [cloud.base, String(count), String(FRAME_RECORDS), String(WINDOW_RECORDS)]).next();
      peer.push((count * 1000) / Number(ms));
      ours.push(await drainOnce(bench, cloud, count));
    }
    return [
      {
        name: "drain.rate", value: median(ours), unit: "records/s", floor: { name: "ready-made frames to the same cloud", value: median(peer), unit: "records/s" },
        target: { of: "value", atLeast: 30_000 }, how: `median of ${runs} backlogs of ${count} proofs of play, by the shipped agent, by turns with the peer`,
      },
    ];
  },
};

async function drainOnce(bench: Bench, cloud: DevCloudProgram, count: number): Promise<number> {
  const data = bench.folder("agent");
  await bench.program("fill-outbox", [data, String(count)]).nextNumber("filled");
  const before = await cloud.recordsStored();
  const trace: { atMs: number; count: number }[] = [];
  const agent = new AgentProgram(bench, { data, cloud: cloud.address, platform: "simulated", args: ["--outbox-bytes-max", String(1024 ** 3)] });
  await bench.until("the last record of the backlog", async () => {
    const stored = (await cloud.recordsStored()) - before;
    trace.push({ atMs: performance.now(), count: stored });
    return stored >= count || undefined;
  }, { everyMs: LOOK_MS, timeoutMs: 120_000 });
  await agent.child.stop();
  const rate = rateOf(trace, count);
  if (rate === undefined) throw new Error("the drain was over before it was looked at");
  return rate;
}
