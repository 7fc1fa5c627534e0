import { join } from "node:path";
import { AgentProgram } from "../harness/agent-program.ts";
import type { Bench } from "../harness/bench.ts";
import { BenchCloud } from "../harness/bench-cloud.ts";
import { EchoPeer } from "../harness/echo-peer.ts";
import { RawLog } from "../harness/raw-log.ts";
import type { Figure } from "../figure.ts";
import { percentile } from "../harness/statistics.ts";

const WARM_UP = 30;
/** Approximate size of a command's journal entry and frame. */
const ENTRY_BYTES = 600;
/** Takes every step of a command. One that changes simulated hardware would add two syncs of the simulated world's file. */
const COMMAND = "gpio.read";
const LINE = "GPIO17";
/** Pause between two commands, so that they do not overlap. */
const PAUSE_MS = 10;

/** Time from sending a signed command until its outcome record arrives, including all journal writes. */
export const command: Figure = {
  name: "command",
  title: "round trip of a signed command with its journal writes",
  needsBuild: true,
  async run(bench) {
    const rounds = bench.pick(500, 150);
    const cloud = await BenchCloud.start();
    bench.onEnd(() => cloud.stop());
    const agent = new AgentProgram(bench, { data: bench.folder("agent"), cloud: cloud.address, platform: "simulated" });
    const { deviceId } = await agent.online();
    const echo = await EchoPeer.start(bench);
    const raw = new RawLog(join(bench.folder("raw"), "raw.log"));
    bench.onEnd(() => raw.close());
    const { oursMs, floorMs } = await measure(bench, rounds, { cloud, deviceId, echo, raw });
    const how = `${rounds} times ${COMMAND}, signed here, by the shipped agent on simulated hardware, by turns with the floor`;
    const floor = (fraction: number) => ({ name: `ws echo + 2 × fdatasync p${fraction * 100}`, value: percentile(floorMs, fraction), unit: "ms" });
    const p99Ms = percentile(oursMs, 0.99);
    return [
      { name: "command.round-trip.p50", value: percentile(oursMs, 0.5), unit: "ms", floor: floor(0.5), target: { of: "ratio", atMost: 3 }, how },
      { name: "command.round-trip.p99", value: p99Ms, unit: "ms", floor: floor(0.5), target: { of: "ratio", atMost: 5 }, how: `${how}; beside the floor's median` },
      { name: "command.round-trip.p99-of-both", value: p99Ms, unit: "ms", floor: floor(0.99), target: { of: "ratio", atMost: 2 }, how: "the same beside the floor's own p99, which the disk decides" },
    ];
  },
};

interface Parts {
  readonly cloud: BenchCloud;
  readonly deviceId: string;
  readonly echo: EchoPeer;
  readonly raw: RawLog;
}

async function measure(bench: Bench, rounds: number, { cloud, deviceId, echo, raw }: Parts) {
  const oursMs: number[] = [];
  const floorMs: number[] = [];
  const frame = "x".repeat(ENTRY_BYTES);
  const bytes = Buffer.from(frame);
  for (let at = -WARM_UP; at < rounds; at += 1) {
    const startMs = performance.now();
    await echo.send(frame);
    raw.append(bytes);
    raw.append(bytes);
    const middleMs = performance.now();
    await bench.sleep(PAUSE_MS);
    const { row, tookMs } = await cloud.command(deviceId, COMMAND, { line: LINE });
    if (row.state !== "succeeded") throw new Error(`${COMMAND} ended as ${row.state}: ${row.error?.message ?? ""}`);
    if (at >= 0) {
      floorMs.push(middleMs - startMs);
      oursMs.push(tookMs);
    }
    await bench.sleep(PAUSE_MS);
  }
  return { oursMs, floorMs };
}
