import { join } from "node:path";
import { AgentProgram } from "../harness/agent-program.ts";
import type { Bench } from "../harness/bench.ts";
import { BenchCloud } from "../harness/bench-cloud.ts";
import { memoryOf, processorSecondsOf, type ProcessMemory } from "../harness/proc-files.ts";
import type { Figure, Measured } from "../figure.ts";
import { median } from "../harness/statistics.ts";

const MIB = 1024 * 1024;
const MEMORY_TIMES_MAX = 1.6;
const CPU_PERCENT_MAX = 0.5;
/** A device of a shop has one, and a time zone to open for it. */
const SCHEDULE = { timeZone: "Europe/Madrid", weekly: [{ days: ["mon", "tue", "wed", "thu", "fri", "sat"], on: "08:00", off: "20:00" }] };

interface Rest {
  readonly memory: ProcessMemory;
  readonly cpuPercent: number;
  /** Share of the programs it ran and waited for. */
  readonly childrenPercent: number;
}

/** The idle agent: connected, claimed, with a weekly schedule, default telemetry, real probes of this machine. */
export const idle: Figure = {
  name: "idle",
  title: "agent at rest: memory and processor time",
  needsBuild: true,
  async run(bench) {
    const count = bench.pick(3, 1);
    const settleMs = bench.pick(20_000, 6_000);
    const windowMs = bench.pick(60_000, 15_000);
    const cloud = await BenchCloud.start();
    bench.onEnd(() => cloud.stop());
    const bare = Array.from({ length: count }, () => bench.node("-e", ["setInterval(()=>{},1e6)"]).pid);
    const agents = Array.from({ length: count }, () => new AgentProgram(bench, { data: bench.folder("agent"), cloud: cloud.address, platform: "linux" }));
    const parts = bench.node(join(bench.root, "scripts/bench/programs/bare-parts.mjs"), [bench.folder("parts")]);
    await parts.next();
    for (const { deviceId } of await Promise.all(agents.map((agent) => agent.online()))) cloud.setSchedule(deviceId, SCHEDULE);
    await bench.sleep(settleMs);
    const pids = [...bare, ...agents.map(({ pid }) => pid)];
    const rests = await watch(bench, pids, windowMs);
    const how = `${count} agents with a schedule open beside ${count} bare Nodes, ${settleMs / 1000} s after connecting, over ${windowMs / 1000} s; medians`;
    const least = memoryOf(parts.pid).rss / MIB;
    const peer: Measured = {
      name: "idle.memory.peer", value: least, unit: "MiB", floor: { name: "bare Node", value: median(rests.slice(0, count).map(({ memory }) => memory.rss)) / MIB, unit: "MiB" },
      how: "one Node that has opened a SQLite file, signed with Ed25519 and loaded ws, and has no code of ours: what the agent's own ground costs",
    };
    return [...lines(rests.slice(0, count), rests.slice(count), how), peer];
  },
};

async function watch(bench: Bench, pids: readonly number[], windowMs: number): Promise<readonly Rest[]> {
  const before = pids.map(processorSecondsOf);
  const startMs = performance.now();
  await bench.sleep(windowMs);
  const tookS = (performance.now() - startMs) / 1000;
  return pids.map((pid, at): Rest => {
    const after = processorSecondsOf(pid);
    const then = before[at] ?? after;
    return { memory: memoryOf(pid), cpuPercent: (100 * (after.own - then.own)) / tookS, childrenPercent: (100 * (after.children - then.children)) / tookS };
  });
}

function lines(bare: readonly Rest[], agents: readonly Rest[], how: string): readonly Measured[] {
  const memory = (name: "rss" | "anonymous" | "pss"): Measured => {
    const of = (rests: readonly Rest[]): number => median(rests.map((rest) => rest.memory[name])) / MIB;
    return { name: `idle.memory.${name}`, value: of(agents), unit: "MiB", floor: { name: "bare Node", value: of(bare), unit: "MiB" }, how };
  };
  const floor = { name: "bare Node", value: median(bare.map((rest) => rest.cpuPercent)), unit: "% of a core" };
  return [
    { ...memory("rss"), target: { of: "ratio", atMost: MEMORY_TIMES_MAX } },
    memory("anonymous"),
    memory("pss"),
    {
      name: "idle.cpu", value: median(agents.map((rest) => rest.cpuPercent)), unit: "% of a core", floor,
      target: { of: "value", atMost: CPU_PERCENT_MAX }, how,
    },
    { name: "idle.cpu-of-children", value: median(agents.map((rest) => rest.childrenPercent)), unit: "% of a core", how: `programs the agent ran meanwhile; ${how}` },
  ];
}
