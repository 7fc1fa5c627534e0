/** The hardware's figures on the emulated machine, each beside the kernel's own tool in the same run. Prints one JSON object a line. */
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CecDriver } from "../../../platform/displays/cec/cec-driver.ts";
import { ObservedDisplay } from "../../../platform/displays/observed-display.ts";
import { openCecAdapters } from "../../../platform/linux/cec/open-cec-adapters.ts";
import { openGpio } from "../../../platform/linux/gpio/open-gpio.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { HEADER_LINES } from "../../../platform/ports/gpio-header.ts";
import { HEADER_CHIPS } from "../../../platform/raspberry-pi/header.ts";

const ROUNDS = 30;
const timers = new SystemTimers();

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function figure(name: string, value: number, unit: string, peer: string, peerValue: number, target: number): void {
  console.log(`#FIGURE ${JSON.stringify({ name, value, unit, peer, peerValue, ratio: value / peerValue, target })}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Adds up the resident KiB of /proc/PID/smaps: Node's own program, native modules, everything else. */
const ADD_UP = String.raw`/^[0-9a-f]+-/ { part = $6 == node ? "node" : $6 ~ /\.node$/ ? "module" : "other" } /^Rss:/ { kib[part] += $2 } END { print kib["node"] + 0, kib["module"] + 0, kib["other"] + 0 }`;

interface ResidentKib {
  readonly node: number;
  readonly module: number;
  readonly other: number;
}

/**
 * This process's resident memory by what it is, once it is at rest. Another program adds it up: reading it here would make more
 * garbage than is measured.
 */
async function resident(): Promise<ResidentKib> {
  for (let round = 0; round < 4; round += 1) {
    collectGarbage();
    await pass(200);
  }
  const { stdout } = await promisify(execFile)("awk", ["-v", `node=${process.execPath}`, ADD_UP, `/proc/${process.pid}/smaps`]);
  const [node = 0, module = 0, other = 0] = stdout.trim().split(" ").map(Number);
  return { node, module, other };
}

async function pass(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

execFileSync("modprobe", ["vivid"]);
await pass(1_000);
execFileSync("cec-ctl", ["-d", "/dev/cec0", "--tv", "-o", "TV"]);
const tv = spawn("cec-follower", ["-d", "/dev/cec0"], { stdio: "ignore" });
await pass(1_000);

// The first looks load what looking needs, and start the threads of Node's pool, which every agent has.
for (let look = 0; look < 3; look += 1) await Promise.all([resident(), ...Array.from({ length: 8 }, () => readFile("/proc/version"))]);
const before = await resident();
const header = await openGpio({ devDir: "/dev", labels: HEADER_CHIPS, neverBlocks: true, lines: HEADER_LINES, configured: "", clock: systemClock, timers });
if (!header.ok) throw new Error(header.error.message);
const { gpio } = header.value;
const watched = await gpio.watch("GPIO23", { debounceMs: 5 }, () => {});
if (!watched.ok) throw new Error(watched.error.message);
const { buses: [bus] } = await openCecAdapters({ root: "/", timers, osdName: "Vitrine", only: ["cec1"] });
if (bus === undefined) throw new Error("there is no /dev/cec1");
await gpio.write("GPIO17", 1);
await bus.cec.send({ destination: 0, opcode: 0x8f, operands: new Uint8Array() }, 1_000);
const after = await resident();
// Not Node's own program: loading any native module touches some 2.7 MiB of it in a bare process, and the agent's database has done so.
const addedKib = after.module - before.module + after.other - before.other;
console.log(`#MEMORY ${JSON.stringify({ before, after })}`);
const tools = [spawn("gpiomon", ["gpiochip0", "24"], { stdio: "ignore" }), spawn("cec-ctl", ["-d", "/dev/cec0", "-m"], { stdio: "ignore" })];
await pass(2_000);
const toolsKib = tools.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : residentKib(pid)), 0);
for (const tool of tools) tool.kill();
figure("pi.memory.gpio-and-cec", addedKib / 1024, "MiB", "gpiomon and cec-ctl -m", toolsKib / 1024, 1);

const [ours, theirs]: [number[], number[]] = [[], []];
for (let round = 0; round < ROUNDS; round += 1) {
  ours.push(await timed(() => gpio.write("GPIO17", round % 2 === 0 ? 1 : 0)));
  theirs.push(await timed(async () => void spawnSync("gpioset", ["gpiochip0", `27=${round % 2}`])));
}
figure("pi.gpio-write", median(ours), "ms", "a gpioset process", median(theirs), 0.1);

const display = new ObservedDisplay(new CecDriver({ cec: bus.cec, clock: systemClock, inputs: new Map() }), { clock: systemClock, timers });
const shell = (order: string, state: string): number => {
  const startedMs = performance.now();
  const script = `cec-ctl -d /dev/cec1 -s --to 0 ${order} > /dev/null; for i in $(seq 200); do cec-ctl -d /dev/cec1 -s --to 0 --give-device-power-status | grep -qF 'pwr-state: ${state} (' && exit 0; sleep 0.1; done; exit 1`;
  if (spawnSync("bash", ["-c", script]).status !== 0) throw new Error(`the TV did not become ${state}`);
  return performance.now() - startedMs;
};
const [observed, looped]: [number[], number[]] = [[], []];
for (let round = 0; round < 3; round += 1) {
  observed.push(await timed(async () => display.set("power", "standby")));
  looped.push(shell("--image-view-on", "on"));
  looped.push(shell("--standby", "standby"));
  observed.push(await timed(async () => display.set("power", "on")));
}
figure("pi.cec-power", median(observed) / 1_000, "s", "cec-ctl in a shell loop", median(looped) / 1_000, 1.1);
tv.kill("SIGKILL");
await bus.cec.close();
watched.value();
await gpio.close();
console.log("#FIGURES-END");
process.exit(0);
