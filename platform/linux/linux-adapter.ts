import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Clock, Timers } from "../ports/clock.ts";
import type { Inventory, SystemProbe } from "../ports/host.ts";
import type { Compositor } from "../ports/compositor.ts";
import type { PlatformAdapter } from "../ports/platform-adapter.ts";
import type { Reading } from "../ports/reading.ts";
import { openLinuxAudio, type AudioSettings } from "./audio/linux-audio.ts";
import { backlightOpener } from "./backlight/linux-backlight.ts";
import { commandRunner, runCommand, type CommandRunner } from "./command-runner.ts";
import { ddcOpener } from "./ddc/open-ddc.ts";
import type { DrmChanges } from "./drm-changes.ts";
import { DrmOutputs } from "./drm-outputs.ts";
import { LinuxClockControl } from "./linux-clock-control.ts";
import { LinuxHostPower } from "./linux-host-power.ts";
import { readLinuxInventory } from "./linux-inventory.ts";
import { LinuxPlace } from "./linux-place.ts";
import { LinuxNetwork, type OsInterfaces } from "./linux-network.ts";
import { openNmcli } from "./nmcli-network-settings.ts";
import { LinuxProbe, type FirmwareState } from "./linux-probe.ts";
import { linuxSoftwareUpdater } from "./linux-software-updater.ts";
import { LinuxWatchdog, watchdogCanDisarm, watchdogTimeoutMs } from "./linux-watchdog.ts";
import { SavedTime } from "./saved-time.ts";
import { machineFiles, type MachineFiles } from "./machine-files.ts";

export interface LinuxAdapterDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** A path on the file system that holds our data. */
  readonly dataDir: string;
  readonly evidence: readonly string[];
  /** Wayland socket of the compositor, as an absolute path. If absent, no compositor is asked. */
  readonly compositorSocket?: string;
  /** Hardware watchdog device, usually /dev/watchdog. If absent, no watchdog is opened. */
  readonly watchdogPath?: string;
  /** Socket of the updater (`vitrine-updater.socket`). If absent or not there, the software cannot be updated by the agent. */
  readonly updaterSocket?: string;
  /** Default: the default output of the sound server in the agent's own environment. */
  readonly audio?: AudioSettings;
  /** Where /proc, /sys, /etc and /run are; a fixture tree in tests. Default `/`. */
  readonly root?: string;
  /** What the board's firmware says of voltage and throttling. */
  readonly firmware?: () => Promise<Reading<FirmwareState>>;
  readonly run?: CommandRunner;
  readonly osInterfaces?: OsInterfaces;
}

/** The display that a compositor's output feeds, as long as no other is configured or found. */
const DISPLAY = "name=main,driver=output";

/** Generic Linux player, using the kernel, common services and the compositor. GPIO and CEC come with other adapters. */
export async function createLinuxAdapter(deps: LinuxAdapterDeps): Promise<PlatformAdapter> {
  const { clock, timers } = deps;
  const files = machineFiles(deps.root);
  const run = deps.run ?? runCommand;
  const { run: given } = deps;
  const runner = given === undefined ? commandRunner : () => given;
  const audio = await openLinuxAudio({ runner, files, clock, env: process.env, settings: deps.audio ?? { output: "", socketsDir: "" } });
  const clockControl = new LinuxClockControl(files, run, clock, new SavedTime(deps.dataDir));
  const networkManager = await openNmcli(run, clock, { clockQuality: () => clockControl.quality() });
  const compositor = deps.compositorSocket === undefined ? undefined : await openCompositor(deps.compositorSocket, deps);
  const hotPlug = DrmOutputs.present(files) ? await openHotPlug(files, deps) : undefined;
  const outputs = hotPlug && new DrmOutputs(files, clock, hotPlug.changes, compositor?.compositor);
  const watchdog = deps.watchdogPath === undefined ? undefined : new LinuxWatchdog(deps.watchdogPath, watchdogTimeoutMs(files), undefined, watchdogCanDisarm(files));
  const network = new LinuxNetwork({ files, clock, timers, osInterfaces: deps.osInterfaces ?? networkInterfaces });
  return {
    name: "linux",
    evidence: deps.evidence,
    power: new LinuxHostPower(files, run),
    probe: createLinuxProbe(deps),
    network,
    clock: clockControl,
    openBacklight: backlightOpener({ files, root: deps.root ?? "/", timers }),
    openDdc: ddcOpener({ files, root: deps.root ?? "/", timers }),
    ...networkManager,
    place: new LinuxPlace(run),
    ...(audio === undefined ? {} : { audio }),
    ...(outputs === undefined ? {} : { outputs }),
    issues: () => (hotPlug?.issue === undefined ? [] : [hotPlug.issue]),
    ...compositor,
    ...(deps.updaterSocket !== undefined && existsSync(deps.updaterSocket) ? { software: linuxSoftwareUpdater(deps.updaterSocket) } : {}),
    ...(watchdog === undefined ? {} : { watchdog }),
    close: async () => {
      network.close();
      outputs?.close();
      await watchdog?.close();
    },
  };
}

/** A fixture tree announces nothing, so it is polled. */
async function openHotPlug(files: MachineFiles, { root, timers }: LinuxAdapterDeps): Promise<DrmChanges> {
  const { openDrmChanges, pollDrm } = await import("./drm-changes.ts");
  if (root !== undefined) return { changes: pollDrm(files, timers) };
  const { openNative } = await import("./kernel/native.ts");
  return openDrmChanges(openNative(), files, timers);
}

/** The ports that a compositor gives. Their code is not loaded on machines without one. */
async function openCompositor(socketPath: string, { clock, timers }: LinuxAdapterDeps): Promise<Required<Pick<PlatformAdapter, "displays" | "screenshot">> & { readonly compositor: Compositor }> {
  const [{ WlrCompositor }, { attachDisplays }, { DISPLAY_DRIVERS }] = await Promise.all([import("./compositor/wlr-compositor.ts"), import("../displays/attach-displays.ts"), import("../displays/drivers.ts")]);
  const compositor = new WlrCompositor({ socketPath, clock, timers });
  const { displays } = await attachDisplays(DISPLAY, { compositor, clock, timers, drivers: DISPLAY_DRIVERS });
  return { compositor, displays, screenshot: { capture: () => compositor.capture() } };
}

/** Only the probe. A simulated device borrows it from the machine that runs the simulation. */
export function createLinuxProbe(deps: Pick<LinuxAdapterDeps, "clock" | "timers" | "dataDir" | "root" | "firmware" | "run">): SystemProbe {
  const { clock, timers, dataDir, firmware } = deps;
  const files = machineFiles(deps.root);
  const inventory = (): Promise<Inventory> => readLinuxInventory(files, clock, deps.run ?? runCommand);
  return new LinuxProbe({ files, clock, timers, dataDir, inventory, ...(firmware !== undefined && { firmware }) });
}
