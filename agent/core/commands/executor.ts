import type { CommandName, CommandParams, CommandResult } from "../../protocol/commands/catalog.ts";
import type { Effect } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";

/** Context passed to `run`. */
export interface ExecutionContext {
  readonly id: string;
  readonly attempt: number;
  /** Aborts on cancel, time-out or shutdown of the agent; `reason` is `canceled`, `timed-out` or `stopping`. */
  readonly signal: AbortSignal;
  /** Sends progress to the cloud; may be lost. Restarts the step time-out. */
  progress(step: string, percent?: number): void;
  /**
   * Journals a note before an effect that may end this process; `resolve` gets it after the restart. The effect must not
   * start when this rejects.
   */
  intend(note: Readonly<Record<string, string | number | boolean>>): Promise<void>;
}

/** How one execution ended. */
export type Execution<R = unknown> =
  | { readonly state: "succeeded"; readonly result: R; readonly effect?: Effect }
  /** Tried without success, or with an unknown result (code `outcome-unknown`). */
  | { readonly state: "failed"; readonly error: Issue; readonly effect?: Effect }
  /** Not tried; trying again will not help. */
  | { readonly state: "rejected"; readonly error: Issue }
  /** The effect ends this process; the outcome comes from `resolve` after the restart. */
  | { readonly state: "awaits-restart" };

/** The effect certainly did not begin before the agent ended, so the command may run. */
export interface NotStarted {
  readonly state: "not-started";
}

/** It cannot be known whether the effect came about. */
export interface Unknown {
  readonly state: "unknown";
  /** What was observed instead, in words. */
  readonly seen?: string;
  readonly effect?: Effect;
}

/** Context passed to `resolve`. */
export interface ResolutionContext {
  /** The command's time-out has passed: `awaits-restart` now ends it as `timed-out`. */
  readonly overdue: boolean;
  readonly signal: AbortSignal;
}

/**
 * Something a command needs that may be absent for a while, such as the player host. A command waiting for it has not
 * started: it stays `delivered`, may expire, and survives a crash.
 */
export interface Awaited {
  isThere(): boolean;
  /** Settles when it is there, when it is no longer expected, or when `signal` aborts. Never rejects; always settles. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Runs one kind of command. Expected failures are returned as an `Execution`; only bugs throw. */
export interface CommandExecutor<N extends CommandName = CommandName> {
  /** Awaited before `run`, and before a `resolve` that may lead to `run`. */
  readonly awaits?: Awaited;
  /** The lane for these parameters, where the device has several of the hardware. Default: the definition's lane. */
  lane?(params: CommandParams<N>): string;
  /** The desired key that this command overrides, and its value. */
  sets?(params: CommandParams<N>): readonly [key: string, value: Json] | undefined;
  run(params: CommandParams<N>, context: ExecutionContext): Promise<Execution<CommandResult<N>>>;
  /**
   * Finds out what became of a command that was running when the agent ended. Observes the hardware without changing it.
   * `unknown` (or no resolver) ends the command as `failed` with `outcome-unknown`, unless its definition allows it to run
   * again (`afterCrash`). `note` is empty when the agent ended before `intend` succeeded. Also called when a command that
   * `awaits-restart` is still waiting after its time-out.
   */
  resolve?(
    params: CommandParams<N>,
    note: Readonly<Record<string, string | number | boolean>>,
    context: ResolutionContext,
  ): Promise<Execution<CommandResult<N>> | NotStarted | Unknown>;
}

/** Executors by command name. A command without one is rejected with `command.unsupported`. */
export type ExecutorTable = { readonly [N in CommandName]?: CommandExecutor<N> };
