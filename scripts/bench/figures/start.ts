import type { Bench } from "../harness/bench.ts";
import { AgentProgram } from "../harness/agent-program.ts";
import { BenchCloud } from "../harness/bench-cloud.ts";
import type { Figure } from "../figure.ts";
import { median } from "../harness/statistics.ts";

/** Interval of attempts on the socket, and so about the precision of the figure. */
const LOOK_MS = 2;
const TIMES_MAX = 5;

/** Time from spawning the agent until its local socket answers `status`, on a used data folder. */
export const start: Figure = {
  name: "start",
  title: "start of the agent until it answers",
  needsBuild: true,
  async run(bench) {
    const cloud = await BenchCloud.start();
    bench.onEnd(() => cloud.stop());
    const data = bench.folder("agent");
    const runs = bench.pick(9, 4);
    const firstMs = await startOnce(bench, data, cloud.address);
    const bareMs: number[] = [];
    const oursMs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      bareMs.push(await bareNode(bench));
      oursMs.push(await startOnce(bench, data, cloud.address));
    }
    const floor = { name: "node -e 0", value: median(bareMs), unit: "ms" };
    return [
      { name: "start.ready", value: median(oursMs), unit: "ms", floor, target: { of: "ratio", atMost: TIMES_MAX }, how: `median of ${runs} starts by turns with the floor` },
      { name: "start.first", value: firstMs, unit: "ms", floor, how: "one start on an empty folder: makes the key and the databases" },
    ];
  },
};

async function startOnce(bench: Bench, data: string, cloud: string): Promise<number> {
  const startMs = performance.now();
  const agent = new AgentProgram(bench, { data, cloud, platform: "simulated" });
  await agent.ready(LOOK_MS);
  const tookMs = performance.now() - startMs;
  await agent.online();
  await agent.child.stop();
  return tookMs;
}

async function bareNode(bench: Bench): Promise<number> {
  const startMs = performance.now();
  await bench.node("-e", ["0"]).ended();
  return performance.now() - startMs;
}
