import type { CommandResult } from "../../protocol/commands/catalog.ts";
import type { Result } from "../../../platform/ports/result.ts";

/** The recent log of agent and player. Errors: `logs.unreadable`. */
export interface LogSource {
  /** The newest lines, at most `bytesMax` bytes, as one file. */
  collect(bytesMax: number, signal: AbortSignal): Promise<Result<{ readonly bytes: Uint8Array; readonly contentType: string }>>;
}

/** What was set by hand, which overrides desired state. */
export interface Overrides {
  /** The keys that have one. */
  keys(): readonly string[];
  /** Ends the override of `key`, or all; resolves to the keys that had one. */
  end(key?: string): Promise<readonly string[]>;
}

/** Temporarily faster telemetry. */
export interface TelemetryBurst {
  /** Starts at once and replaces a running burst. `untilMs` is by the device's wall clock. */
  start(durationMs: number, intervalMs: number): { readonly untilMs: number };
}

export type Check = CommandResult<"diagnostics.run">["checks"][number];

/** The checks of `vitrine doctor`. Each gives a result; none throws. */
export interface Diagnostics {
  run(signal: AbortSignal): Promise<readonly Check[]>;
}
