import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Timers } from "./ports/clock.ts";
import type { DriverTable } from "./displays/drivers.ts";
import type { AudioSettings } from "./linux/audio/linux-audio.ts";
import type { LinuxAdapterDeps } from "./linux/linux-adapter.ts";
import type { PlatformAdapter } from "./ports/platform-adapter.ts";
import type { Random } from "./ports/random.ts";
import type { Issue } from "./ports/result.ts";
import type { SoftwareUpdater } from "./ports/software.ts";
import type { MachineGone } from "./simulated/simulated-machine.ts";
import type { SimulatedWorld } from "./simulated/world.ts";

/** Facts about the machine, gathered before any adapter is loaded. */
export interface MachineFacts {
  /** `process.platform`. */
  readonly system: string;
  /** /proc/device-tree/model, on boards that have a device tree. */
  readonly model?: string;
  /** The configured adapter; if `auto` or absent, the facts decide. */
  readonly asked?: AdapterName | "auto";
}

export interface Detected {
  readonly adapter: AdapterName;
  readonly evidence: readonly string[];
}

/** One adapter: how it is detected and opened. Only `open` loads its code. */
interface AdapterRow {
  /** The highest score among the adapters whose fact holds wins. */
  readonly score: number;
  /** The evidence as text, or `undefined` if the fact does not hold. */
  readonly holds: (facts: MachineFacts) => string | undefined;
  readonly open: (options: OpenPlatformOptions, evidence: readonly string[]) => Promise<Opened>;
}

const ADAPTERS = {
  "raspberry-pi": {
    score: 20,
    // Every model starts like this, including "Raspberry Pi Compute Module".
    holds: ({ model }) => (model?.startsWith("Raspberry Pi") === true ? `/proc/device-tree/model is "${model}"` : undefined),
    open: openRaspberryPi,
  },
  linux: {
    score: 10,
    holds: ({ system }) => (system === "linux" ? "the system is Linux" : undefined),
    open: openLinux,
  },
  simulated: {
    score: 1,
    holds: ({ system }) => (system === "linux" ? undefined : `there is no adapter for ${system} hardware`),
    open: openSimulated,
  },
} as const satisfies Readonly<Record<string, AdapterRow>>;

export type AdapterName = keyof typeof ADAPTERS;

/** The configured adapter takes precedence over every fact. */
const ASKED_SCORE = 100;

/** Chooses the adapter and returns the evidence for it. Pure. */
export function detect(facts: MachineFacts): Detected {
  const candidates = (Object.keys(ADAPTERS) as AdapterName[]).map((adapter) => {
    const { score, holds } = ADAPTERS[adapter];
    const asked = facts.asked === adapter ? [{ score: ASKED_SCORE, says: `the configuration asks for ${adapter}` }] : [];
    const says = holds(facts);
    const found = [...asked, ...(says === undefined ? [] : [{ score, says }])];
    return { adapter, score: found[0]?.score ?? 0, evidence: found.map((each) => each.says) };
  });
  const [best] = candidates.sort((a, b) => b.score - a.score);
  if (best === undefined || best.score === 0) throw new Error(`no adapter for ${facts.system}`);
  return { adapter: best.adapter, evidence: best.evidence };
}

export interface OpenPlatformOptions {
  readonly platform?: AdapterName | "auto";
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** A path on the file system that holds our data. */
  readonly dataDir: string;
  /** Simulated only: the file that keeps the hardware's state. Without it the state is lost when the process ends. */
  readonly worldPath?: string;
  /** Simulated only: called when the machine goes down; the host then ends this agent as a power loss would. */
  readonly onMachineGone?: (kind: MachineGone) => void;
  /** Simulated only: makes the updater of that machine. Without it the software is not updated there. */
  readonly simulatedUpdater?: (world: SimulatedWorld) => Promise<SoftwareUpdater & { close(): void }>;
  /** The configuration key `displays`. If empty or absent, the displays that the adapter finds itself are used. */
  readonly displays?: string;
  /** Linux only: the configuration keys `audio.*`. */
  readonly audio?: AudioSettings;
  /** The configuration keys `gpio.lines` and `gpio.chip`. */
  readonly gpioLines?: string;
  readonly gpioChip?: string;
  /** The configuration key `compositor.socket`. If empty or absent, there is no compositor to ask. */
  readonly compositorSocket?: string;
  /** Socket of the updater; empty: none. */
  readonly updaterSocket?: string;
  /** The configuration key `cec`. */
  readonly cec?: boolean;
  /** Linux only: see `LinuxAdapterDeps`. */
  readonly watchdogPath?: string;
  /** For tests: where /proc and /sys are. */
  readonly root?: string;
}

export interface OpenedPlatform {
  readonly adapter: PlatformAdapter;
  /** The hardware behind the simulated adapter, for a control panel. */
  readonly world?: SimulatedWorld;
  /** Damage found in the stored hardware state; should be logged as a warning. */
  readonly damage?: Issue;
}

/** Result of opening an adapter. */
interface Opened extends OpenedPlatform {
  /** Display drivers that add to or replace the common ones on this machine. */
  readonly drivers?: DriverTable;
}

/** Detects the machine and loads only the adapter for it. */
export async function openPlatform(options: OpenPlatformOptions): Promise<OpenedPlatform> {
  const model = deviceTreeModel(options.root ?? "/");
  const facts: MachineFacts = { system: process.platform, ...(model === undefined ? {} : { model }), asked: options.platform ?? "auto" };
  const { adapter, evidence } = detect(facts);
  const { drivers, ...opened } = await ADAPTERS[adapter].open(options, evidence);
  return options.displays === undefined || options.displays === "" ? opened : withDisplays(opened, options.displays, options, drivers);
}

/** Replaces the displays that the adapter found with the configured ones. */
async function withDisplays(opened: OpenedPlatform, configured: string, { clock, timers }: OpenPlatformOptions, drivers: DriverTable = {}): Promise<OpenedPlatform> {
  const [{ attachDisplays }, { DISPLAY_DRIVERS }] = await Promise.all([import("./displays/attach-displays.ts"), import("./displays/drivers.ts")]);
  const { adapter } = opened;
  const { displays, issues, close } = await attachDisplays(configured, {
    clock,
    timers,
    drivers: { ...DISPLAY_DRIVERS, ...drivers },
    ...(adapter.cec !== undefined && { cec: adapter.cec }),
    ...(adapter.cecBuses !== undefined && { cecBuses: adapter.cecBuses }),
    ...(adapter.openDdc !== undefined && { openDdc: adapter.openDdc }),
    ...(adapter.openBacklight !== undefined && { openBacklight: adapter.openBacklight }),
    ...(adapter.outputs !== undefined && { outputs: adapter.outputs }),
    ...(adapter.compositor !== undefined && { compositor: adapter.compositor }),
  });
  const closeAll = async (): Promise<void> => {
    await close();
    await adapter.close();
  };
  return { ...opened, adapter: { ...adapter, displays, issues: () => [...(adapter.issues?.() ?? []), ...issues], close: closeAll } };
}

const NO_CHIP: Issue = { code: "gpio.config-malformed", message: "gpio.lines is set and gpio.chip is not, so no line is used", hint: "name the chip in gpio.chip by its label, as gpiodetect shows it" };

async function openLinux(options: OpenPlatformOptions, evidence: readonly string[]): Promise<Opened> {
  const { gpioChip = "", gpioLines = "", cec = true } = options;
  const { createLinuxPlayer } = await import("./linux/linux-player.ts");
  // Where a chip is connected is not known: one behind I2C or USB takes its time.
  const gpio = gpioChip === "" ? {} : { gpio: { labels: gpioChip.split(","), neverBlocks: false, configured: gpioLines } };
  const adapter = await createLinuxPlayer({ ...linuxDeps(options, evidence), ...gpio, cec });
  return { adapter: gpioLines === "" || gpioChip !== "" ? adapter : { ...adapter, issues: () => [...(adapter.issues?.() ?? []), NO_CHIP] } };
}

async function openRaspberryPi(options: OpenPlatformOptions, evidence: readonly string[]): Promise<Opened> {
  const { createRaspberryPiAdapter } = await import("./raspberry-pi/raspberry-pi-adapter.ts");
  return { adapter: await createRaspberryPiAdapter({ ...linuxDeps(options, evidence), gpioLines: options.gpioLines ?? "", cec: options.cec ?? true }) };
}

function linuxDeps({ clock, timers, dataDir, compositorSocket = "", updaterSocket = "", watchdogPath, audio, root }: OpenPlatformOptions, evidence: readonly string[]): LinuxAdapterDeps {
  return { clock, timers, dataDir, evidence, ...(audio !== undefined && { audio }), ...(compositorSocket !== "" && { compositorSocket }), ...(updaterSocket !== "" && { updaterSocket }), ...(watchdogPath !== undefined && { watchdogPath }), ...(root !== undefined && { root }) };
}

function deviceTreeModel(root: string): string | undefined {
  try {
    return readFileSync(join(root, "proc/device-tree/model"), "utf8").replaceAll("\u0000", "").trim();
  } catch {
    // Most machines have no device tree; this is not an error.
    return undefined;
  }
}

async function openSimulated(options: OpenPlatformOptions, evidence: readonly string[]): Promise<Opened> {
  const { clock, timers, random, dataDir, worldPath } = options;
  const [{ createSimulatedAdapter }, { simulatedDrivers }, { openWorldFile }, { SimulatedWorld }, { createLinuxProbe }] = await Promise.all([
    import("./simulated/simulated-adapter.ts"),
    import("./simulated/simulated-drivers.ts"),
    import("./simulated/world-file.ts"),
    import("./simulated/world.ts"),
    import("./linux/linux-adapter.ts"),
  ]);
  const file = worldPath === undefined ? undefined : openWorldFile(worldPath, { clock, timers, random });
  const world = file?.world ?? new SimulatedWorld({ clock, timers, random });
  const software = await options.simulatedUpdater?.(world);
  const onLinux = process.platform === "linux";
  const inner = createSimulatedAdapter(world, {
    clock,
    timers,
    evidence,
    onMachineGone: (kind) => options.onMachineGone?.(kind),
    ...(software !== undefined && { software }),
    ...(options.gpioLines !== undefined && { gpioLines: options.gpioLines }),
    ...(onLinux ? { hostProbe: createLinuxProbe({ clock, timers, dataDir }) } : {}),
  });
  const close = async (): Promise<void> => {
    software?.close();
    await inner.close();
    (file ?? world).close();
  };
  return { adapter: { ...inner, close }, world, drivers: simulatedDrivers(world), ...(file?.damage === undefined ? {} : { damage: file.damage }) };
}
