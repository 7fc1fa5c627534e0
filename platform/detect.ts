import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Timers } from "./ports/clock.ts";
import type { PlatformAdapter } from "./ports/platform-adapter.ts";
import type { Random } from "./ports/random.ts";
import type { Issue } from "./ports/result.ts";
import type { MachineGone } from "./simulated/simulated-machine.ts";
import type { SimulatedWorld } from "./simulated/world.ts";

/** The adapters there are. */
export type AdapterName = "simulated" | "linux" | "raspberry-pi";

/** What was found out about the machine before any adapter is loaded. */
export interface MachineFacts {
  /** `process.platform`. */
  readonly system: string;
  /** /proc/device-tree/model, on boards that have a device tree. */
  readonly model?: string;
  /** What the configuration asks for; `auto` or nothing leaves the choice to the facts. */
  readonly asked?: AdapterName | "auto";
}

export interface Detected {
  readonly adapter: AdapterName;
  readonly evidence: readonly string[];
}

/** One reason to choose an adapter. The highest score among those that hold wins; a request beats every fact. */
interface Clue {
  readonly adapter: AdapterName;
  readonly score: number;
  /** The evidence in words, or `undefined` when the clue does not hold. */
  readonly holds: (facts: MachineFacts) => string | undefined;
}

const asked = (adapter: AdapterName): Clue => ({
  adapter,
  score: 100,
  holds: (facts) => (facts.asked === adapter ? `the configuration asks for ${adapter}` : undefined),
});

const CLUES: readonly Clue[] = [
  asked("simulated"),
  asked("linux"),
  asked("raspberry-pi"),
  {
    adapter: "raspberry-pi",
    score: 20,
    // Every model since the first begins so; compute modules say "Raspberry Pi Compute Module".
    holds: ({ model }) => (model?.startsWith("Raspberry Pi") === true ? `/proc/device-tree/model is "${model}"` : undefined),
  },
  { adapter: "linux", score: 10, holds: ({ system }) => (system === "linux" ? "the system is Linux" : undefined) },
  {
    adapter: "simulated",
    score: 1,
    holds: ({ system }) => (system === "linux" ? undefined : `there is no adapter for ${system} hardware`),
  },
];

/** Chooses the adapter and says by which facts. Pure. */
export function detect(facts: MachineFacts): Detected {
  const holding = CLUES.flatMap((clue) => {
    const evidence = clue.holds(facts);
    return evidence === undefined ? [] : [{ ...clue, evidence }];
  }).sort((a, b) => b.score - a.score);
  const best = holding[0];
  if (best === undefined) throw new Error(`no adapter for ${facts.system}`);
  return { adapter: best.adapter, evidence: holding.filter((clue) => clue.adapter === best.adapter).map((clue) => clue.evidence) };
}

export interface OpenPlatformOptions {
  readonly platform?: AdapterName | "auto";
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** A path on the file system that holds our data. */
  readonly dataDir: string;
  /** Simulated only: the file that keeps the hardware's state. Without it the world ends with the process. */
  readonly worldPath?: string;
  /** Simulated only: the machine went down; the host ends this agent as a power loss would. */
  readonly onMachineGone?: (kind: MachineGone) => void;
  /** Linux only: see `LinuxAdapterDeps`. */
  readonly watchdogPath?: string;
  /** For tests: where /proc and /sys are. */
  readonly root?: string;
}

export interface OpenedPlatform {
  readonly adapter: PlatformAdapter;
  /** The hardware behind the simulated adapter, for a panel that plays with it. */
  readonly world?: SimulatedWorld;
  /** What was wrong with stored hardware state; worth a warning. */
  readonly damage?: Issue;
}

/** Finds out what machine this is and loads the one adapter for it; the code of the others stays on disk. */
export async function openPlatform(options: OpenPlatformOptions): Promise<OpenedPlatform> {
  const model = deviceTreeModel(options.root ?? "/");
  const facts: MachineFacts = { system: process.platform, ...(model === undefined ? {} : { model }), asked: options.platform ?? "auto" };
  const detected = detect(facts);
  if (detected.adapter === "simulated") return openSimulated(options, detected.evidence);
  const { createLinuxAdapter } = await import("./linux/linux-adapter.ts");
  const evidence =
    detected.adapter === "raspberry-pi"
      ? [...detected.evidence, "run by the linux adapter: the Raspberry Pi's GPIO and HDMI-CEC have no driver yet and are unsupported"]
      : detected.evidence;
  const { clock, timers, dataDir, watchdogPath, root } = options;
  const adapter = await createLinuxAdapter({
    clock,
    timers,
    dataDir,
    evidence,
    ...(watchdogPath === undefined ? {} : { watchdogPath }),
    ...(root === undefined ? {} : { root }),
  });
  return { adapter };
}

function deviceTreeModel(root: string): string | undefined {
  try {
    return readFileSync(join(root, "proc/device-tree/model"), "utf8").replaceAll("\u0000", "").trim();
  } catch {
    // Most machines are not described by a device tree; that is a fact, and nothing is wrong.
    return undefined;
  }
}

async function openSimulated(options: OpenPlatformOptions, evidence: readonly string[]): Promise<OpenedPlatform> {
  const { clock, timers, random, dataDir, worldPath } = options;
  const [{ createSimulatedAdapter }, { openWorldFile }, { SimulatedWorld }, { createLinuxProbe }] = await Promise.all([
    import("./simulated/simulated-adapter.ts"),
    import("./simulated/world-file.ts"),
    import("./simulated/world.ts"),
    import("./linux/linux-adapter.ts"),
  ]);
  const file = worldPath === undefined ? undefined : openWorldFile(worldPath, { clock, timers, random });
  const world = file?.world ?? new SimulatedWorld({ clock, timers, random });
  const onLinux = process.platform === "linux";
  const inner = createSimulatedAdapter(world, {
    clock,
    timers,
    evidence,
    onMachineGone: (kind) => options.onMachineGone?.(kind),
    ...(onLinux ? { hostProbe: createLinuxProbe({ clock, dataDir }) } : {}),
  });
  const close = async (): Promise<void> => {
    await inner.close();
    (file ?? world).close();
  };
  return { adapter: { ...inner, close }, world, ...(file?.damage === undefined ? {} : { damage: file.damage }) };
}
