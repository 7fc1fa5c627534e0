import { findCommand } from "../../agent/protocol/commands/catalog.ts";
import type { Json, JsonObject } from "../../platform/runtime/json.ts";
import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { SimulatedCloud } from "./cloud/simulated-cloud.ts";
import { VENDOR_COMMAND } from "./device/observed-platform.ts";
import type { SimulatedDevice } from "./device/simulated-device.ts";
import type { SimWorld } from "./invariants/invariant.ts";
import { MACHINE_MARK } from "./ledger.ts";
import { networkPatch } from "./site.ts";

interface Order {
  readonly name: string;
  readonly params: JsonObject;
  readonly effectKey?: string;
  /** Longest time after which it may be canceled, ms. */
  readonly canceledWithinMs?: number;
}

/** What owners, pages and people ask of the devices. */
export class WorkloadGenerator {
  readonly #world: SimWorld;
  readonly #random: SeededRandom;
  #orders = 0;

  constructor(world: SimWorld, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** A command to one device, at the cloud where it is claimed; canceled soon after, now and then. */
  command(device: SimulatedDevice, order = this.#order()): void {
    const cloud = this.#cloudOf(device);
    const row = cloud?.store.device(device.id);
    if (cloud?.cloud === undefined || row?.owner === undefined) return;
    const ttlMs = this.#random.chance(0.2) ? this.#random.integer(1_000, 30_000) : undefined;
    const issued = cloud.cloud.commands.create(row, { name: order.name, params: order.params, ...(ttlMs !== undefined && { ttlMs }) });
    if (!issued.ok) return;
    const { id, attempt } = issued.value;
    const effectKey = order.effectKey ?? (UPLOADING.has(order.name) ? `upload:${id}:${attempt}` : undefined);
    this.#world.sim.ledger.command({
      cloud: cloud.name, device: device.id, id, attempt, name: order.name, runsAgain: findCommand(order.name)?.afterCrash === "run-again", ...(effectKey !== undefined && { effectKey }),
    });
    if (!this.#random.chance(this.#world.sim.workload.cancelChance)) return;
    this.#world.sim.time.after("sim.cancel", this.#random.integer(1, order.canceledWithinMs ?? 5_000), () => {
      cloud.run("a cancel", () => void cloud.cloud?.commands.cancel(device.id, id));
    });
  }

  /** A release; now and then two at once, in a window, spread, or one that was sent before. */
  update(device: SimulatedDevice): void {
    const { releases, ledger, time } = this.#world.sim;
    const random = this.#random;
    for (let left = random.chance(0.15) ? 2 : 1; left > 0; left -= 1) {
      const fresh = (this.#updates += 1) % releases.all.length;
      const release = releases.all[random.chance(0.1) ? random.integer(0, fresh) : fresh];
      if (release === undefined) continue;
      const nowMs = time.wallMs();
      const window: JsonObject = random.chance(0.2) ? { notBeforeMs: Math.round(nowMs) + random.integer(0, 600_000), notAfterMs: Math.round(nowMs) + random.integer(600_000, 1_200_000) } : {};
      const holdSeconds = random.integer(5, 30);
      ledger.updates.count(`asked: ${release.kind}${release.downgrade ? ", downgrade" : ""}`);
      if (left > 1) ledger.updates.count("asked: while another is under way");
      if (!device.online) ledger.updates.count("asked: while offline");
      if ("notBeforeMs" in window) ledger.updates.count("asked: with a window");
      const params = { release: { ...release.signed }, holdSeconds, trialMinutes: random.integer(1, 4), ...window, ...(random.chance(0.2) && { spreadMinutes: random.integer(1, 5) }) };
      this.command(device, { name: "software.update", params, canceledWithinMs: 180_000 });
    }
  }
  #updates = 0;

  /** A command for the player, which needs its host to be there. */
  playerCommand(device: SimulatedDevice): void {
    this.command(device, pick(this.#random, this.#playerOrders((this.#orders += 1)))());
  }

  /** Mostly switches the display; now and then ends what was set by hand. */
  powerCommand(device: SimulatedDevice): void {
    this.command(device, this.#random.chance(0.15) ? { name: "overrides.end", params: {} } : { name: "display.power", params: { on: this.#random.chance(0.5) } });
  }

  /** Another mixture of a fixed power, a schedule and local rules. */
  regulators(device: SimulatedDevice): void {
    const power = pick(this.#random, ["on", "standby", "schedule", "schedule", null]);
    const rules = this.#random.chance(0.8) ? this.#rules() : null;
    // Any of them may order either power.
    this.#world.sim.ledger.orders.wants(device.id, { display: { power: "schedule" } });
    this.patch(this.#cloudOf(device), device, { display: { power }, schedule: this.#hourly(), rules });
  }

  /** A presence sensor, and some of: a lamp at a door, one by the hour, and at the press of a key content, a message and a pulse at the door's lamp. */
  #rules(): JsonObject {
    const random = this.#random;
    const lamp = (line: string, level: 0 | 1): JsonObject => ({ kind: "line", line, level });
    const others: readonly JsonObject[] = [
      { id: "door", when: [{ kind: "line", line: DOOR }], do: [lamp(DOOR_LAMP, 1)], otherwise: [lamp(DOOR_LAMP, 0)], quietMs: random.integer(0, 120) * 1_000 },
      { id: "hourly", when: [{ kind: "time", ...this.#hourly() }], do: [lamp(HOUR_LAMP, 1)], otherwise: [lamp(HOUR_LAMP, 0)] },
      { id: "key", when: [{ kind: "cec-key", key: "red" }], do: [{ kind: "page-message", message: { key: "red" } }, { kind: "content", content: "promo" }, { ...lamp(DOOR_LAMP, 1), pulseMs: BELL_MS }], otherwise: [{ kind: "content", content: "document" }], quietMs: 60_000 },
    ];
    return { table: [presence(random), ...others.filter(() => random.chance(0.5))], contents: { promo: { kind: "url", url: "https://content.test/promo" } } };
  }

  /** Opens and closes every hour, so that a run of some hours has edges. */
  #hourly(): JsonObject {
    const minute = (): string => String(this.#random.integer(0, 59)).padStart(2, "0");
    const hours = Array.from({ length: 24 }, (_none, hour) => String(hour).padStart(2, "0"));
    const [first, second] = [minute(), minute()].sort();
    const weekly: Json = hours.map((hour) => ({ days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], on: `${hour}:${first ?? "00"}`, off: `${hour}:${second ?? "59"}` })).filter(({ on, off }) => on !== off);
    return { timeZone: "Etc/UTC", weekly };
  }

  desired(device: SimulatedDevice): void {
    this.patch(this.#cloudOf(device), device, this.#document());
  }

  /** To the other cloud, to an address that is not there, or back. */
  move(device: SimulatedDevice): void {
    const cloud = this.#cloudOf(device);
    const other = this.#world.clouds.find((candidate) => candidate !== cloud);
    if (cloud === undefined || other === undefined) return;
    const endpoints = this.#random.chance(0.25) ? ["wss://nowhere.test/device"] : this.#random.chance(0.5) ? [other.url, cloud.url] : [other.url];
    this.patch(cloud, device, { cloud: { endpoints } });
  }

  /** Other network settings; half of them lead nowhere, and the device has to come back by itself. */
  network(device: SimulatedDevice): void {
    this.patch(this.#cloudOf(device), device, { network: networkPatch(this.#random, this.#random.chance(0.5)) });
  }

  patch(cloud: SimulatedCloud | undefined, device: SimulatedDevice, document: JsonObject): void {
    const row = cloud?.store.device(device.id);
    if (cloud === undefined || row?.owner === undefined) return;
    this.#world.sim.ledger.orders.wants(device.id, document);
    cloud.run("a desired document", () => void cloud.cloud?.desired.patch(row, document));
  }

  play(device: SimulatedDevice): void {
    device.player.emitPlay(this.#random.integer(1_000, 60_000));
  }

  pageEvent(device: SimulatedDevice): void {
    device.player.emitEvent(this.#random.integer(0, 600));
  }

  flood(device: SimulatedDevice): void {
    for (let left = this.#random.integer(50, 400); left > 0; left -= 1) this.pageEvent(device);
  }

  /** Where the device is now, else its home. */
  #cloudOf(device: SimulatedDevice): SimulatedCloud | undefined {
    const { clouds, home } = this.#world;
    return clouds.find(({ cloud }) => cloud?.context.live.get(device.id) !== undefined) ?? (home.running ? home : undefined);
  }

  #order(): Order {
    const number = (this.#orders += 1);
    const kinds: readonly (() => Order)[] = [
      () => ({ name: "gpio.pulse", params: { line: "GPIO17", durationMs: number }, effectKey: `pulse:${number}` }),
      () => ({ name: "gpio.pulse", params: { line: "GPIO22", durationMs: number }, effectKey: `pulse:${number}` }),
      () => ({ name: "cec.send", params: { destination: 0, opcode: VENDOR_COMMAND, operands: [number >> 8, number & 255] }, effectKey: `cec:${number >> 8}.${number & 255}` }),
      () => ({ name: "reboot", params: { reason: `${COMMANDS_REASON}${number}` }, effectKey: `${MACHINE_MARK}${COMMANDS_REASON}${number}` }),
      () => (this.#random.chance(0.3) ? { name: "shutdown", params: { reason: `${COMMANDS_REASON}${number}` }, effectKey: `${MACHINE_MARK}${COMMANDS_REASON}${number}` } : this.#order()),
      ...this.#playerOrders(number),
      () => ({ name: "logs.collect", params: {} }),
      () => ({ name: "display.power", params: { on: this.#random.chance(0.5) } }),
      () => ({ name: "display.input", params: { input: this.#random.chance(0.5) ? "hdmi-1" : "hdmi-2" } }),
      () => ({ name: "display.brightness", params: { percent: this.#random.integer(0, 100) } }),
      () => ({ name: "audio.volume", params: { percent: this.#random.integer(0, 100) } }),
      () => ({ name: "audio.mute", params: { mute: this.#random.chance(0.5) } }),
      () => ({ name: "gpio.write", params: { line: "GPIO27", level: this.#random.chance(0.5) ? 1 : 0 } }),
      () => ({ name: "gpio.read", params: { line: "GPIO5" } }),
      () => ({ name: "telemetry.burst", params: { minutes: 1, intervalMs: 5_000 } }),
      () => ({ name: "diagnostics.run", params: {} }),
    ];
    return pick(this.#random, kinds)();
  }

  #playerOrders(number: number): readonly (() => Order)[] {
    return [
      () => ({ name: "identify", params: { text: `sim-${number}`, durationMs: 5_000 }, effectKey: `identify:sim-${number}` }),
      () => ({ name: "page.message", params: { message: { number } } }),
      () => ({ name: "screenshot", params: {} }),
      () => ({ name: "restart-player", params: {} }),
      () => ({ name: "reload-player", params: {} }),
      () => ({ name: "content.clear-cache", params: {} }),
    ];
  }

  #document(): JsonObject {
    const kinds: readonly (() => JsonObject)[] = [
      () => ({ display: { brightness: this.#random.integer(0, 100) } }),
      () => ({ display: { volume: this.#random.integer(0, 100), mute: this.#random.chance(0.5) } }),
      () => ({ display: { power: pick(this.#random, ["on", "standby", "schedule"]) } }),
      () => ({ display: { input: pick(this.#random, ["hdmi-1", "hdmi-2"]) } }),
      () => ({ audio: { volume: this.#random.integer(0, 100), mute: this.#random.chance(0.5) } }),
      () => ({ schedule: this.#schedule() }),
      () => ({ log: { level: pick(this.#random, ["debug", "info", "warn"]) } }),
      () => ({ content: { kind: "url", url: `https://content.test/${this.#random.integer(1, 5)}` } }),
      () => ({ player: { config: { number: this.#random.integer(0, 9) } } }),
      () => ({ telemetry: { rollupMs: this.#random.integer(1, 10) * 60_000 } }),
    ];
    return pick(this.#random, kinds)();
  }

  #schedule(): JsonObject {
    const hour = (): string => `${String(this.#random.integer(0, 23)).padStart(2, "0")}:${pick(this.#random, ["00", "15", "59"])}`;
    const weekly: Json = [{ days: ["mon", "thu", "sun"], on: hour(), off: hour() }];
    return { timeZone: pick(this.#random, ["Europe/Madrid", "America/New_York", "Etc/UTC"]), weekly };
  }
}

/** The lines of the presence sensor and of the door, which rules watch. */
export const SENSOR = "GPIO24";
export const DOOR = "GPIO25";
/** Lines that only rules drive. */
const DOOR_LAMP = "GPIO12";
const HOUR_LAMP = "GPIO13";
/** Longer than any pulse of a command, whose length is its mark. */
const BELL_MS = 30_000;

function presence(random: SeededRandom): JsonObject {
  return {
    id: "presence", when: [{ kind: "line", line: SENSOR }], do: [{ kind: "display-power", power: "on" }],
    otherwise: [{ kind: "display-power", power: "standby" }], quietMs: random.integer(0, 600) * 1_000,
  };
}

/** Begins the reason of every reboot and shut-down that a command asks for. */
const COMMANDS_REASON = "sim-";

/** Whether a command asked for a reboot or shut-down with this reason. */
export function isCommandsReason(reason: string): boolean {
  return reason.startsWith(COMMANDS_REASON);
}

const UPLOADING: ReadonlySet<string> = new Set(["screenshot", "logs.collect"]);

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  const picked = from[random.integer(0, from.length - 1)];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}
