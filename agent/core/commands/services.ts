import type { CommandResult } from "../../protocol/commands/catalog.ts";
import type { Result } from "../../../platform/ports/result.ts";

/** The recent log of agent and player. Errors: `logs.unreadable`. */
export interface LogSource {
  /** The newest lines, at most `bytesMax` bytes of them, in one piece to upload. */
  collect(bytesMax: number, signal: AbortSignal): Promise<Result<{ readonly bytes: Uint8Array; readonly contentType: string }>>;
}

/** The faster telemetry schedule. */
export interface TelemetryBurst {
  /** In force from now on; a second one replaces the first. `untilMs` is the device's wall clock. */
  start(durationMs: number, intervalMs: number): { readonly untilMs: number };
}

export type Check = CommandResult<"diagnostics.run">["checks"][number];

/** The checks of `vitrine doctor`. Each ends with an answer of its own; none throws. */
export interface Diagnostics {
  run(signal: AbortSignal): Promise<readonly Check[]>;
}
