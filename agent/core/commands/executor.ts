import type { CommandName, CommandParams, CommandResult } from "../../protocol/commands/catalog.ts";
import type { Effect } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";

/** What a running command gets. */
export interface ExecutionContext {
  readonly id: string;
  readonly attempt: number;
  /** Aborts on cancel, on time-out and on shutdown of the agent; `reason` says which. */
  readonly signal: AbortSignal;
  /** Tells the cloud how far it is; may be lost. Renews the step time-out. */
  progress(step: string, percent?: number): void;
  /**
   * Puts a note on disk before an effect that may end this process; given back to `resolve`
   * afterwards. The effect must not start when this rejects.
   */
  intend(note: Readonly<Record<string, string | number | boolean>>): Promise<void>;
}

/** How one execution ended. */
export type Execution<R = unknown> =
  | { readonly state: "succeeded"; readonly result: R; readonly effect?: Effect }
  /** Tried, and it did not come about; or nobody can tell (`outcome-unknown`). */
  | { readonly state: "failed"; readonly error: Issue; readonly effect?: Effect }
  /** Never tried, and trying again will not help. */
  | { readonly state: "rejected"; readonly error: Issue }
  /** The effect ends this process; the outcome comes from `resolve` after the restart. */
  | { readonly state: "awaits-restart" };

/** The effect did not begin before the agent ended, and this is known: the command may run as if for the first time. */
export interface NotStarted {
  readonly state: "not-started";
}

/** Nobody can say whether the effect came about. */
export interface Unknown {
  readonly state: "unknown";
  /** For people: what the hardware is in instead. */
  readonly seen?: string;
  /** What was observed, where something was. */
  readonly effect?: Effect;
}

/** What `resolve` gets besides the note. */
export interface ResolutionContext {
  /** The command's time-out has passed since it started: `awaits-restart` is no answer any more. */
  readonly overdue: boolean;
  readonly signal: AbortSignal;
}

/**
 * Something a command cannot do without and that comes and goes, such as the player host. While it is awaited the command has
 * not started: it stays `delivered`, its expiry counts, and a crash loses nothing.
 */
export interface Awaited {
  /** It is there now. */
  isThere(): boolean;
  /** Settles when it is there, when it is no longer expected, or when `signal` aborts. Never rejects, and always ends. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Runs one kind of command. Bugs throw; everything expected is an `Execution`. */
export interface CommandExecutor<N extends CommandName = CommandName> {
  /** What is waited for before `run`, and before a `resolve` that may lead to `run`. */
  readonly awaits?: Awaited;
  /** Its lane with these parameters, for hardware of which the device has several. Absent: the definition's. */
  lane?(params: CommandParams<N>): string;
  /** The desired key that it sets by hand, and to what. */
  sets?(params: CommandParams<N>): readonly [key: string, value: Json] | undefined;
  run(params: CommandParams<N>, context: ExecutionContext): Promise<Execution<CommandResult<N>>>;
  /**
   * The agent ended while this command ran: what became of it? Asks the hardware, and does nothing to it. `unknown` (or
   * no resolver) ends it `failed` with `outcome-unknown`: it never runs again, unless its definition says that it may.
   * `note` is empty when the agent ended before `intend` was done. Also asked when a command that `awaits-restart`
   * is still there after its time-out.
   */
  resolve?(
    params: CommandParams<N>,
    note: Readonly<Record<string, string | number | boolean>>,
    context: ResolutionContext,
  ): Promise<Execution<CommandResult<N>> | NotStarted | Unknown>;
}

/** Executors by command name. A command without one is `rejected` with `unsupported`. */
export type ExecutorTable = { readonly [N in CommandName]?: CommandExecutor<N> };
