/** GPIO edges on the kernel's PL061 driver: each line `PULSE` on the console makes QEMU raise line 3 for 100 ms. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LinuxGpio } from "../../../platform/linux/gpio/linux-gpio.ts";
import { openGpio } from "../../../platform/linux/gpio/open-gpio.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import type { GpioEdge } from "../../../platform/ports/gpio.ts";

const LINE = 3;
const ROUNDS = 10;
const setup = [{ name: "button", aliases: [], offset: LINE }];

async function pass(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** Waits until `holds`, at most 10 s. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (holds()) return;
    await pass(10);
  }
  throw new Error(`not so within 10 s: ${what}`);
}

function pulse(): void {
  process.stdout.write("\nPULSE\n");
}

describe("edges", () => {
  let gpio: LinuxGpio;
  let undo = (): void => {};
  beforeEach(async () => {
    const opened = await openGpio({ devDir: "/dev", labels: ["9030000.pl061"], neverBlocks: true, lines: setup, configured: "", clock: systemClock, timers: new SystemTimers() });
    if (!opened.ok) throw new Error(opened.error.message);
    gpio = opened.value.gpio;
  });
  afterEach(async () => {
    undo();
    await gpio.close();
  });

  async function watch(debounceMs: number): Promise<{ readonly edges: GpioEdge[]; readonly delaysMs: number[] }> {
    const [edges, delaysMs]: [GpioEdge[], number[]] = [[], []];
    const watching = await gpio.watch("button", { debounceMs }, (edge) => {
      edges.push(edge);
      delaysMs.push(systemClock.monotonicMs() - edge.atMs);
    });
    if (!watching.ok) throw new Error(watching.error.message);
    undo = watching.value;
    return { edges, delaysMs };
  }

  test("a press and its release come with the kernel's times", async () => {
    const { edges } = await watch(0);
    pulse();
    await until("two edges", () => edges.length === 2);
    expect(edges.map(({ line, level }) => [line, level])).toEqual([["button", 1], ["button", 0]]);
    const lengthMs = (edges[1]?.atMs ?? 0) - (edges[0]?.atMs ?? 0);
    expect(lengthMs).toBeGreaterThan(20);
    expect(lengthMs).toBeLessThan(2_000);
  });

  test("a press shorter than the debounce time is no edge", async () => {
    const { edges } = await watch(3_000);
    pulse();
    await pass(5_000);
    expect(edges).toEqual([]);
  });

  test("after the watch has ended nothing is called, and the line can be watched again", async () => {
    const first = await watch(0);
    undo();
    pulse();
    await pass(1_000);
    const second = await watch(0);
    pulse();
    await until("two edges", () => second.edges.length === 2);
    expect(first.edges).toEqual([]);
  });

  test("delays, beside gpiomon's", async () => {
    const { edges, delaysMs } = await watch(0);
    for (let round = 1; round <= ROUNDS; round += 1) {
      pulse();
      await until(`${2 * round} edges`, () => edges.length === 2 * round);
    }
    undo();
    const peer = await gpiomonDelays();
    const [ours, theirs] = [median(delaysMs), median(peer)];
    console.log(`#FIGURE ${JSON.stringify({ name: "pi.edge-to-event", value: ours, unit: "ms", peer: "gpiomon on a pipe", peerValue: theirs, ratio: ours / theirs, target: 2 })}`);
    expect(delaysMs).toHaveLength(2 * ROUNDS);
  });
});

/** From the kernel's time of an edge until gpiomon's line for it is here. */
async function gpiomonDelays(): Promise<readonly number[]> {
  const tool = spawn("gpiomon", ["-b", "--format=%s %n", "gpiochip0", String(LINE)], { stdio: ["ignore", "pipe", "inherit"] });
  const delays: number[] = [];
  createInterface(tool.stdout).on("line", (line) => {
    const [seconds = "0", nanoseconds = "0"] = line.split(" ");
    delays.push(Number(process.hrtime.bigint() - (BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds))) / 1e6);
  });
  await pass(2_000);
  for (let round = 1; round <= ROUNDS; round += 1) {
    pulse();
    await until(`${2 * round} lines of gpiomon`, () => delays.length === 2 * round);
  }
  tool.kill();
  return delays;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
