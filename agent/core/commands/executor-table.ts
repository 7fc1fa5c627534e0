import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import type { PlayerLink } from "../player/player-port.ts";
import type { ExecutorTable } from "./executor.ts";
import { audioMuteExecutor, audioVolumeExecutor } from "./executors/audio-executors.ts";
import { cecSendExecutor } from "./executors/cec-executor.ts";
import { displayExecutors, type CommandedDisplay } from "./executors/display-executors.ts";
import type { ExecutorTime } from "./executors/effect-proof.ts";
import { gpioPulseExecutor, gpioReadExecutor, gpioWriteExecutor } from "./executors/gpio-executors.ts";
import { rebootExecutor, shutdownExecutor } from "./executors/machine-executors.ts";
import {
  clearCacheExecutor,
  identifyExecutor,
  pageMessageExecutor,
  reloadPlayerExecutor,
  restartPlayerExecutor,
} from "./executors/player-executors.ts";
import { screenshotExecutor } from "./executors/screenshot-executor.ts";
import { collectLogsExecutor, diagnosticsExecutor, endOverridesExecutor, telemetryBurstExecutor } from "./executors/support-executors.ts";
import type { Diagnostics, LogSource, Overrides, TelemetryBurst } from "./services.ts";
import type { Uploader } from "./uploader.ts";

export interface ExecutorTableDeps {
  readonly adapter: PlatformAdapter;
  /** A command that names no display means the first. */
  readonly displays: readonly CommandedDisplay[];
  readonly player?: PlayerLink;
  readonly uploader: Uploader;
  readonly logs: LogSource;
  readonly telemetry: TelemetryBurst;
  readonly diagnostics: Diagnostics;
  readonly overrides: Overrides;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The device's name, shown by `identify`. */
  label(): string;
}

/** The commands this device can carry out. A command without an entry is `rejected` and left out of the profile. */
export function buildExecutorTable(deps: ExecutorTableDeps): ExecutorTable {
  const { adapter, uploader, clock, timers } = deps;
  const time: ExecutorTime = { clock, timers };
  return {
    reboot: rebootExecutor(adapter.power),
    shutdown: shutdownExecutor(adapter.power),
    "logs.collect": collectLogsExecutor(deps.logs, uploader),
    "telemetry.burst": telemetryBurstExecutor(deps.telemetry),
    "diagnostics.run": diagnosticsExecutor(deps.diagnostics),
    "overrides.end": endOverridesExecutor(deps.overrides),
    ...playerExecutors(deps, time),
    ...displayExecutors(deps.displays, time),
    ...(adapter.audio === undefined
      ? {}
      : { "audio.volume": audioVolumeExecutor(adapter.audio, time), "audio.mute": audioMuteExecutor(adapter.audio, time) }),
    ...gpioExecutors(adapter, clock),
    ...(adapter.cec === undefined ? {} : { "cec.send": cecSendExecutor(adapter.cec) }),
  };
}

function playerExecutors(deps: ExecutorTableDeps, time: ExecutorTime): ExecutorTable {
  const { player, uploader } = deps;
  const machine = deps.adapter.screenshot;
  const sources = { ...(player === undefined ? {} : { player }), ...(machine === undefined ? {} : { machine }) };
  const screenshot = player === undefined && machine === undefined ? {} : { screenshot: screenshotExecutor(sources, uploader, time) };
  if (player === undefined) return screenshot;
  return {
    ...screenshot,
    "restart-player": restartPlayerExecutor(player, time),
    "reload-player": reloadPlayerExecutor(player, time),
    "content.clear-cache": clearCacheExecutor(player, time),
    identify: identifyExecutor(player, time, () => deps.label()),
    "page.message": pageMessageExecutor(player, time),
  };
}

function gpioExecutors({ gpio }: PlatformAdapter, clock: Clock): ExecutorTable {
  if (gpio === undefined) return {};
  return {
    "gpio.write": gpioWriteExecutor(gpio, clock),
    "gpio.pulse": gpioPulseExecutor(gpio, clock),
    "gpio.read": gpioReadExecutor(gpio),
  };
}
