import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { pauseMs } from "../harness/agent-process.ts";
import type { DeviceRig } from "../harness/device-rig.ts";
import type { Witnessed } from "../harness/effects.ts";

interface Planned {
  readonly name: string;
  readonly params: JsonObject;
  readonly witnessed: Witnessed;
}

const NONE: Witnessed = { kind: "none" };
/** Longest wait for a command before its lane continues. Its outcome must still arrive by the end. */
const OUTCOME_MS = 90_000;
/** Time before the harness cuts the power for a reboot that was journaled but perhaps never requested. */
const REBOOT_PATIENCE_MS = 6_000;

/** A lane's `n`-th command. Consecutive commands have distinguishable effects. */
type Lane = (n: number, random: SeededRandom) => Planned;

const pulse = (line: string): Lane => (_n, random) => ({ name: "gpio.pulse", params: { line, durationMs: random.integer(1, 120) }, witnessed: { kind: "pulse", line } });
const level = (line: string): Lane => (n) => ({ name: "gpio.write", params: { line, level: n % 2 }, witnessed: { kind: "level", line, level: (n % 2) as 0 | 1 } });

export const LANES: Readonly<Record<string, Lane>> = {
  "pulse-a": pulse("GPIO4"),
  "pulse-b": pulse("GPIO5"),
  "pulse-c": pulse("GPIO6"),
  "level-a": level("GPIO12"),
  brightness: (n) => ({ name: "display.brightness", params: { percent: percentOf(n) }, witnessed: { kind: "value", part: "display", key: "brightness", value: percentOf(n) } }),
  volume: (n) => ({ name: "audio.volume", params: { percent: percentOf(n) }, witnessed: { kind: "value", part: "audio", key: "volume", value: percentOf(n) } }),
  others: (n) => OTHERS[n % OTHERS.length] ?? { name: "gpio.read", params: { line: "GPIO20" }, witnessed: NONE },
  reboot: () => ({ name: "reboot", params: {}, witnessed: { kind: "boot" } }),
};

/** Far from the value before: a display within a percent counts as obedient, which must not hide a missing effect. */
function percentOf(n: number): number {
  return (n * 37) % 100;
}

/** Commands without externally countable effects; only their one outcome counts. */
const OTHERS: readonly Planned[] = [
  { name: "gpio.read", params: { line: "GPIO20" }, witnessed: NONE },
  { name: "cec.send", params: { destination: 0, opcode: 0x8f }, witnessed: NONE },
  { name: "diagnostics.run", params: {}, witnessed: NONE },
  { name: "telemetry.burst", params: { minutes: 1, intervalMs: 5_000 }, witnessed: NONE },
  { name: "identify", params: { durationMs: 1_000 }, witnessed: { kind: "asked", what: "identify" } },
  { name: "reload-player", params: {}, witnessed: { kind: "asked", what: "reload" } },
  { name: "screenshot", params: {}, witnessed: NONE },
  { name: "restart-player", params: {}, witnessed: { kind: "asked", what: "restart" } },
  { name: "page.message", params: { message: { from: "prove" } }, witnessed: { kind: "asked", what: "page-message" } },
  { name: "content.clear-cache", params: {}, witnessed: { kind: "asked", what: "clear-cache" } },
  { name: "logs.collect", params: { bytesMax: 4_096 }, witnessed: NONE },
  { name: "display.input", params: { input: "hdmi-2" }, witnessed: { kind: "value", part: "display", key: "input", value: "hdmi-2" } },
  { name: "display.input", params: { input: "hdmi-1" }, witnessed: { kind: "value", part: "display", key: "input", value: "hdmi-1" } },
  { name: "display.power", params: { on: true }, witnessed: NONE },
  { name: "gpio.write", params: { line: "GPIO99", level: 1 }, witnessed: NONE },
];

/** Keeps every lane busy until `signal` aborts, then waits for the last outcomes. */
export async function runCommandLoad(rig: DeviceRig, random: SeededRandom, rebootEveryMs: number, signal: AbortSignal): Promise<void> {
  await Promise.all(Object.entries(LANES).map(([name, lane]) => runLane(rig, name, lane, random, name === "reboot" ? rebootEveryMs : 30, signal)));
}

async function runLane(rig: DeviceRig, name: string, lane: Lane, random: SeededRandom, pauseMsMax: number, signal: AbortSignal): Promise<void> {
  for (let n = 1; !signal.aborted; n += 1) {
    await pauseUnless(signal, random.integer(Math.floor(pauseMsMax / 2), pauseMsMax));
    if (signal.aborted) return;
    const { name: command, params, witnessed } = lane(n, random);
    const entry = rig.command(name, command, params, witnessed);
    if (entry === undefined) continue;
    if (witnessed.kind === "boot") await rebooted(rig, entry.id);
    else await rig.outcome(entry.id, OUTCOME_MS);
  }
}

async function rebooted(rig: DeviceRig, id: string): Promise<void> {
  for (let tries = 0; tries < 10 && (await rig.outcome(id, REBOOT_PATIENCE_MS)) === undefined; tries += 1) await rig.cutPower(id);
}

/** Keeps changing the desired state, in keys that no command touches. */
export async function runDesiredLoad(rig: DeviceRig, random: SeededRandom, signal: AbortSignal): Promise<void> {
  for (let n = 1; !signal.aborted; n += 1) {
    await pauseUnless(signal, random.integer(150, 600));
    const { cloud } = rig.cloud.dev;
    const device = cloud.context.store.device(rig.deviceId);
    if (device?.owner === undefined) continue;
    const document = { audio: { mute: n % 2 === 0 }, display: { volume: random.integer(0, 100) }, player: { config: { n } }, log: { level: "info" } };
    cloud.desired.put(device, document);
  }
}

async function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  for (let left = ms; left > 0 && !signal.aborted; left -= 100) await pauseMs(Math.min(left, 100));
}
