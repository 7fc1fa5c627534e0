import * as v from "valibot";
import type { Random } from "../ports/random.ts";
import { toHex } from "../runtime/encoding.ts";
import { FULL_HD } from "./tv-modes.ts";

/**
 * The state of a simulated device that survives its software: the TV, the levels on the header, the cable, the disk, the
 * boot id. Plain JSON, for a file, a dashboard and comparisons in tests.
 */

const percent = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100));
const level = v.picklist([0, 1]);
const bytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const shortText = v.pipe(v.string(), v.maxLength(128));
const milliseconds = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));

/** How the TV reacts to orders; see docs/hardware.md. */
export const displayMood = v.picklist(["normal", "deaf", "slow", "lying", "refusing", "unplugged"]);
export const displayInput = v.picklist(["tuner", "hdmi-1", "hdmi-2"]);

/** Settings that the TV's remote control can change, besides power. */
export const remoteSettings = v.strictObject({ input: displayInput, brightness: percent, volume: percent, mute: v.boolean() });

const display = v.strictObject({
  power: v.picklist(["on", "standby", "turning-on", "turning-off"]),
  ...remoteSettings.entries,
  orientation: v.picklist([0, 90, 180, 270]),
  mood: displayMood,
  /** The mood that returns when the cable is plugged in again. */
  moodWhenPlugged: v.picklist(["normal", "deaf", "slow", "lying", "refusing"]),
  /** From a message's arrival to the TV's answer. CEC allows 1,000 ms. */
  latencyMs: milliseconds(10_000),
  warmUpMs: milliseconds(120_000),
  coolDownMs: milliseconds(120_000),
});

const gpioLine = v.strictObject({
  /** BCM number, which is the line's offset on the GPIO chip. */
  offset: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(63)),
  direction: v.picklist(["input", "output"]),
  pull: v.picklist(["none", "up", "down"]),
  /** Level that we drive while the line is an output. */
  driven: level,
  /** Level that an external switch drives; null when none does and the pull decides. */
  external: v.nullable(level),
  /** A spring-loaded button that switches to the opposite of the resting level. */
  button: v.picklist(["up", "down"]),
  /** Name of an output that this input is wired to. */
  wiredTo: v.nullable(shortText),
  /** The resulting level, stored for readers of the state. */
  level,
  /** Name of the kernel driver that holds the line. */
  consumer: v.optional(shortText),
});

const output = v.strictObject({
  connected: v.boolean(),
  mode: v.strictObject({ width: milliseconds(16_384), height: milliseconds(16_384), refreshHz: v.pipe(v.number(), v.minValue(0), v.maxValue(1_000)) }),
  dpms: v.picklist(["on", "off"]),
  edid: v.strictObject({
    manufacturer: shortText,
    product: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
    serial: shortText,
    name: shortText,
  }),
});

const networkInterface = v.strictObject({
  kind: v.picklist(["ethernet", "wifi", "other"]),
  mac: shortText,
  addresses: v.pipe(v.array(shortText), v.maxLength(8)),
});

const wifiSecurity = v.picklist(["open", "wpa-psk", "wpa3-sae", "wpa-eap"]);
/** Has a check value in place of the password, because the world is shown on dashboards and stored in files. */
const wifiNetwork = v.strictObject({ ssid: shortText, security: wifiSecurity, keyCheck: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{8})?$/)) });
const addressSettings = v.variant("method", [
  v.strictObject({ method: v.literal("dhcp") }),
  v.strictObject({ method: v.literal("static"), address: shortText, moreAddresses: v.optional(v.pipe(v.array(shortText), v.maxLength(7))), gateway: v.optional(shortText), dns: v.pipe(v.array(shortText), v.maxLength(4)) }),
]);

/** Network settings of the device. Absent parts default to DHCP and the cable. */
export const simulatedNetworkSettings = v.strictObject({
  interfaces: v.record(shortText, addressSettings),
  wifi: v.optional(wifiNetwork),
});

const card = v.strictObject({
  /** Errors recorded by the file system, and wall time of the first and the last. */
  errors: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000)),
  firstErrorMs: v.optional(v.pipe(v.number(), v.minValue(0))),
  lastErrorMs: v.optional(v.pipe(v.number(), v.minValue(0))),
  lifeUsedPercent: v.picklist([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]),
  reserve: v.picklist(["normal", "warning", "urgent"]),
  /** What becomes of a block that is written and read back. */
  mood: v.picklist(["normal", "slow", "hangs", "wrong-data", "unwritable"]),
});

const software = v.strictObject({
  /** Version of the package. Another one, installed since, makes what came over the air void. */
  packaged: shortText,
  /** The folder of the releases that came over the air, as the updater keeps it. */
  entries: v.record(v.pipe(v.string(), v.maxLength(256)), v.pipe(v.string(), v.maxLength(64 * 1024))),
  /** Automatic restarts of the agent since it was started by hand. */
  restarts: milliseconds(1_000),
  /** What a release does while it is on trial. `cut-off`: it does not reach the cloud. */
  mood: v.picklist(["good", "crashes", "cut-off"]),
});

export const worldStateSchema = v.strictObject({
  version: v.literal(1),
  serial: shortText,
  display,
  gpio: v.strictObject({
    /** `broken`: the kernel refuses every access. */
    mood: v.picklist(["normal", "broken"]),
    lines: v.record(shortText, gpioLine),
  }),
  outputs: v.record(shortText, output),
  audio: v.strictObject({ volume: percent, mute: v.boolean() }),
  temperature: v.strictObject({
    baseC: v.pipe(v.number(), v.minValue(-40), v.maxValue(150)),
    extraC: v.pipe(v.number(), v.minValue(0), v.maxValue(150)),
  }),
  /** Absent: enough voltage, full clock. */
  supply: v.optional(v.strictObject({ undervoltage: v.boolean(), throttled: v.boolean() })),
  /** Absent: a healthy card. */
  card: v.optional(card),
  /** Share of time in which tasks wait for the resource. Absent: none. */
  pressure: v.optional(v.strictObject({ cpuPercent: percent, memoryPercent: percent, ioPercent: percent })),
  disk: v.strictObject({ totalBytes: bytes, freeBytes: bytes, mood: v.picklist(["roomy", "full"]) }),
  power: v.strictObject({
    bootId: shortText,
    /** True time of the boot, ms since the epoch. Steps of the device's own clock do not change it. */
    bootedAtMs: v.pipe(v.number(), v.integer()),
    boots: v.pipe(v.number(), v.integer(), v.minValue(1)),
    /** A request that was accepted and not carried out yet. */
    pending: v.picklist(["none", "reboot", "shutdown"]),
    /** `ignored`: every request is accepted and nothing happens. `refused`: it fails. `hangs`: the orderly way is accepted and hangs; the forced reset works. */
    mood: v.picklist(["obeys", "ignored", "refused", "hangs"]),
  }),
  /** Installed releases. Absent: the factory's. */
  software: v.optional(software),
  network: v.strictObject({
    link: v.picklist(["up", "down"]),
    gateway: shortText,
    interfaces: v.record(shortText, networkInterface),
    /** Absent: factory settings. */
    settings: v.optional(simulatedNetworkSettings),
    /** The site for which the settings must be right. The gateway above belongs to the site too. */
    site: v.optional(
      v.strictObject({ accessPoints: v.pipe(v.array(wifiNetwork), v.maxLength(16)), proxies: v.pipe(v.array(v.pipe(v.string(), v.maxLength(512))), v.maxLength(16)) }),
    ),
    /** `refuses`: rejects settings. `half`: applies them but reports that it did not. Absent: `obeys`. */
    settingsMood: v.optional(v.picklist(["obeys", "refuses", "half"])),
  }),
  clock: v.strictObject({
    quality: v.picklist(["unset", "local", "synced"]),
    zone: shortText,
    /** Device wall clock minus true time, ms. */
    offsetMs: v.pipe(v.number(), v.integer(), v.minValue(-4e12), v.maxValue(4e12)),
    /** `automatic`: a network time service corrects the clock soon after a boot with a network. */
    sync: v.picklist(["automatic", "never"]),
  }),
});

/** What an absent card section means. */
export const HEALTHY_CARD: v.InferOutput<typeof card> = { errors: 0, lifeUsedPercent: 10, reserve: "normal", mood: "normal" };

/** What an absent software section means. */
export const FACTORY_SOFTWARE: v.InferOutput<typeof software> = { packaged: "", entries: {}, restarts: 0, mood: "good" };

/** Where the releases are. */
export const RELEASES_FOLDER = "/releases";

export type WorldState = v.InferOutput<typeof worldStateSchema>;
export type GpioLineState = v.InferOutput<typeof gpioLine>;
export type DisplayMood = v.InferOutput<typeof displayMood>;
export type SimulatedNetworkState = WorldState["network"];
export type SimulatedAccessPoint = v.InferOutput<typeof wifiNetwork>;
/** Sections of the state; changes are announced by section. */
export type WorldSection = Exclude<keyof WorldState, "version" | "serial">;

/** The output of the simulated TV. The other connector is empty until something is plugged in. */
export const TV_OUTPUT = "HDMI-A-1";

/** Time from power-on to the start of our software. */
export const BOOT_MS = 8_000;

/** A device with factory settings: running, clock synchronised, TV on. */
export function freshWorldState(random: Random, trueWallMs: number): WorldState {
  const serial = `SIM-${toHex(random.bytes(4)).toUpperCase()}`;
  return {
    version: 1,
    serial,
    display: {
      power: "on",
      input: "hdmi-1",
      brightness: 80,
      volume: 30,
      mute: false,
      orientation: 0,
      mood: "normal",
      moodWhenPlugged: "normal",
      latencyMs: 60,
      warmUpMs: 2_500,
      coolDownMs: 1_000,
    },
    gpio: { mood: "normal", lines: headerLines() },
    outputs: {
      [TV_OUTPUT]: freshOutput(true, serial),
      "HDMI-A-2": freshOutput(false, serial),
    },
    audio: { volume: 50, mute: false },
    temperature: { baseC: 47, extraC: 0 },
    disk: { totalBytes: 31_268_536_320, freeBytes: 21_474_836_480, mood: "roomy" },
    power: { bootId: newBootId(random), bootedAtMs: Math.round(trueWallMs) - BOOT_MS, boots: 1, pending: "none", mood: "obeys" },
    network: {
      link: "up",
      gateway: "192.0.2.1",
      interfaces: {
        eth0: { kind: "ethernet", mac: macFrom(random), addresses: [`192.0.2.${10 + Math.floor(random.next() * 200)}/24`] },
      },
    },
    clock: { quality: "synced", zone: "Etc/UTC", offsetMs: 0, sync: "automatic" },
  };
}

/** A random UUID (version 4), like Linux's boot id. */
export function newBootId(random: Random): string {
  const raw = random.bytes(16);
  raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
  raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(raw);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The level of a line, decided by the first that applies: our own drive, button, wire, external switch, pull. */
export function levelOf(line: GpioLineState, lines: Readonly<Record<string, GpioLineState>>): 0 | 1 {
  if (line.direction === "output") return line.driven;
  const source = line.wiredTo === null ? undefined : lines[line.wiredTo];
  if (source?.direction === "output") return source.driven;
  const resting = line.external ?? (line.pull === "up" ? 1 : 0);
  return line.button === "down" ? (resting === 1 ? 0 : 1) : resting;
}

/** GPIO2 to GPIO27 of the 40-pin header, with the pulls of a BCM2835 after reset. */
function headerLines(): Record<string, GpioLineState> {
  const lines: Record<string, GpioLineState> = {};
  const held: Readonly<Record<number, string>> = { 2: "i2c1 SDA", 3: "i2c1 SCL" };
  for (let offset = 2; offset <= 27; offset++) {
    const pull = offset <= 8 ? "up" : "down";
    const line: GpioLineState = {
      offset,
      direction: "input",
      pull,
      driven: 0,
      external: null,
      button: "up",
      wiredTo: null,
      level: pull === "up" ? 1 : 0,
    };
    const consumer = held[offset];
    lines[`GPIO${offset}`] = consumer === undefined ? line : { ...line, consumer };
  }
  return lines;
}

function freshOutput(connected: boolean, serial: string): WorldState["outputs"][string] {
  return {
    connected,
    mode: FULL_HD,
    dpms: "on",
    edid: { manufacturer: "VIT", product: 4_242, serial: serial.slice(4), name: "Simulated TV" },
  };
}

/** A locally administered unicast address. */
function macFrom(random: Random): string {
  return [2, ...random.bytes(5)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
