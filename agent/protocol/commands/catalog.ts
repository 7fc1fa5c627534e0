import type * as v from "valibot";
import { audioMute, audioVolume } from "./audio.ts";
import { cecSend } from "./cec.ts";
import type { CommandDefinition } from "./definition.ts";
import { DISPLAY_COMMANDS } from "./display.ts";
import { gpioPulse, gpioRead, gpioWrite } from "./gpio.ts";
import { reboot, shutdown } from "./machine.ts";
import { endOverrides } from "./overrides.ts";
import { clearCache, identify, pageMessage, reloadPlayer, restartPlayer, screenshot } from "./player.ts";
import { softwareUpdate } from "./software.ts";
import { collectLogs, runDiagnostics, telemetryBurst } from "./support.ts";

/** Every command of protocol version 1, by name. */
export const COMMANDS = {
  reboot,
  shutdown,
  "restart-player": restartPlayer,
  "reload-player": reloadPlayer,
  screenshot,
  ...DISPLAY_COMMANDS,
  "audio.volume": audioVolume,
  "audio.mute": audioMute,
  "gpio.write": gpioWrite,
  "gpio.pulse": gpioPulse,
  "gpio.read": gpioRead,
  "cec.send": cecSend,
  "content.clear-cache": clearCache,
  "logs.collect": collectLogs,
  "telemetry.burst": telemetryBurst,
  identify,
  "page.message": pageMessage,
  "diagnostics.run": runDiagnostics,
  "overrides.end": endOverrides,
  "software.update": softwareUpdate,
} as const;

export type CommandName = keyof typeof COMMANDS;
export type CommandParams<N extends CommandName> = v.InferOutput<(typeof COMMANDS)[N]["params"]>;
export type CommandResult<N extends CommandName> = v.InferOutput<(typeof COMMANDS)[N]["result"]>;

/** The definition, or `undefined` for a name this version does not know. */
export function findCommand(name: string): CommandDefinition | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name as CommandName] : undefined;
}
