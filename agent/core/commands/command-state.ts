import type { Issue } from "../../../platform/ports/result.ts";
import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import type { CommandOutcome } from "../../protocol/records.ts";
import { elapsedSince } from "./command-expiry.ts";
import type { Execution, NotStarted, Unknown } from "./executor.ts";
import type { CommandKey, IntentNote, JournalState, Moment } from "./journal-entry.ts";
import { outcomeOf, type Ending } from "./outcome-body.ts";

/** Most agent restarts during one command before it is given up: the command may be what crashes the agent. */
export const RESTARTS_MAX = 3;

/** What a running command is doing. Kept only in memory: after a restart every running command is `resolving`. */
export type Phase =
  | { readonly kind: "executing" }
  /** Canceled: the executor is aborted and has a grace period to report the effect. */
  | { readonly kind: "canceling" }
  /** The executor's `resolve` is finding out what became of the command. `cancel`: a cancel came meanwhile. */
  | { readonly kind: "resolving"; readonly overdue: boolean; readonly cancel: boolean }
  /** The effect was requested and will end this process. */
  | { readonly kind: "awaiting-restart" };

export type CommandState =
  | { readonly kind: "delivered" }
  | { readonly kind: "running"; readonly started: Moment; readonly note?: IntentNote; readonly phase: Phase }
  | { readonly kind: "final"; readonly outcome: CommandOutcome; readonly finishedWallMs: number };

/** The part of a command that its state machine needs. */
export interface Command extends CommandKey {
  readonly name: string;
  readonly afterCrash: CommandDefinition["afterCrash"];
  readonly restarts: number;
  /** Default: `RESTARTS_MAX`. */
  readonly restartsMax?: number;
  /** See `CommandDefinition`. */
  readonly finishesOnceIntended?: boolean;
  readonly state: CommandState;
}

export type CommandEvent =
  /** Its lane is free and it is its turn. */
  | { readonly t: "turn" }
  /** It may no longer start. */
  | { readonly t: "expired"; readonly error: Issue }
  /** The executor asks for this note to be journaled before its effect. */
  | { readonly t: "intended"; readonly note: IntentNote }
  | { readonly t: "settled"; readonly execution: Execution }
  /** The executor threw. */
  | { readonly t: "threw"; readonly message: string }
  /** The journal refused the intent note, so the effect did not start. */
  | { readonly t: "intent-refused"; readonly error: Issue }
  /** It was journaled as running on arrival, because its lane was free, and starts now. */
  | { readonly t: "begun" }
  /** The agent started and found it running. */
  | { readonly t: "restored" }
  /** `resolve` answered. `expired`: why the command may no longer start. */
  | { readonly t: "resolved"; readonly answer: Execution | NotStarted | Unknown; readonly expired?: Issue }
  | { readonly t: "cancel" }
  | { readonly t: "timed-out"; readonly error: Issue }
  /** The aborted executor did not return within its grace period. */
  | { readonly t: "abandoned" };

/** What to do, in this order, once the state is journaled if `persist` is set. Only `abort` comes before that write. */
export type CommandEffect =
  | { readonly do: "execute" }
  | { readonly do: "resolve"; readonly overdue: boolean }
  /** Only watch the time-out: no executor is running. */
  | { readonly do: "await-restart" }
  | { readonly do: "abort"; readonly reason: "canceled" | "timed-out" }
  | { readonly do: "hand-over" }
  /** Log an event that came too late to count. */
  | { readonly do: "note"; readonly what: string };

export interface Step {
  readonly command: Command;
  readonly effects: readonly CommandEffect[];
  /** The new state must be journaled before any effect but `abort`. */
  readonly persist: boolean;
}

type Running = Extract<CommandState, { kind: "running" }>;

/** Applies one event to one command. Pure. A final state never changes. */
export function step(command: Command, event: CommandEvent, now: Moment): Step {
  switch (command.state.kind) {
    case "delivered":
      return stepDelivered(command, event, now);
    case "running":
      return stepRunning(command, command.state, event, now);
    case "final":
      return late(command, event);
  }
}

function stepDelivered(command: Command, event: CommandEvent, now: Moment): Step {
  switch (event.t) {
    case "turn":
      return {
        command: { ...command, state: { kind: "running", started: now, phase: { kind: "executing" } } },
        effects: [{ do: "execute" }],
        persist: true,
      };
    case "expired":
      return finish(command, { state: "expired", error: event.error }, now);
    case "cancel":
      return finish(command, { state: "canceled", error: CANCELED_IN_TIME }, now);
    default:
      return stay(command);
  }
}

function stepRunning(command: Command, state: Running, event: CommandEvent, now: Moment): Step {
  switch (event.t) {
    case "intended":
      if (state.phase.kind !== "executing") return stay(command);
      return { command: { ...command, state: { ...state, note: { ...state.note, ...event.note } } }, effects: [], persist: true };
    case "settled":
      return settled(command, state, event.execution, now);
    case "threw":
    case "intent-refused":
      return broken(command, state, event, now);
    case "begun":
      return execute(command, state);
    case "restored":
      return restored(command, state, now);
    case "resolved":
      return state.phase.kind === "resolving" ? resolved(command, state, state.phase, event, now) : stay(command);
    case "cancel":
      return cancelRunning(command, state);
    case "timed-out":
      return timedOut(command, state, event.error, now);
    case "abandoned":
      if (state.phase.kind !== "canceling") return stay(command);
      return finishRunning(
        command,
        state,
        { state: "canceled", error: canceledLate("the command did not report its effect in time") },
        now,
      );
    case "turn":
    case "expired":
      return stay(command);
  }
}

function settled(command: Command, state: Running, execution: Execution, now: Moment): Step {
  if (state.phase.kind !== "executing" && state.phase.kind !== "canceling") return stay(command);
  if (execution.state === "awaits-restart") return awaitRestart(command, state);
  // A cancel does not undo an effect that has already succeeded.
  if (state.phase.kind === "executing" || execution.state === "succeeded") return finishRunning(command, state, execution, now);
  const effect = execution.state === "failed" && execution.effect !== undefined ? { effect: execution.effect } : {};
  return finishRunning(command, state, { state: "canceled", error: canceledLate(execution.error.message), ...effect }, now);
}

/** The executor ended without an `Execution`. */
function broken(
  command: Command,
  state: Running,
  event: Extract<CommandEvent, { t: "threw" | "intent-refused" }>,
  now: Moment,
): Step {
  if (state.phase.kind !== "executing" && state.phase.kind !== "canceling") return stay(command);
  if (event.t === "intent-refused") return finishRunning(command, state, { state: "failed", error: event.error }, now);
  if (state.phase.kind === "canceling")
    return finishRunning(command, state, { state: "canceled", error: canceledLate(undefined) }, now);
  return finishRunning(
    command,
    state,
    { state: "failed", error: { code: "command.crashed", message: `the command crashed: ${event.message}` } },
    now,
  );
}

function awaitRestart(command: Command, state: Running): Step {
  return {
    command: { ...command, state: { ...state, phase: { kind: "awaiting-restart" } } },
    effects: [{ do: "await-restart" }],
    persist: false,
  };
}

function restored(command: Command, state: Running, now: Moment): Step {
  const counted = { ...command, restarts: command.restarts + 1 };
  if (counted.restarts > (command.restartsMax ?? RESTARTS_MAX)) {
    const error: Issue = {
      code: "command.restart-loop",
      message: `given up: the agent ended ${counted.restarts} times while this command ran`,
    };
    return finishRunning(counted, state, { state: "failed", error }, now);
  }
  return {
    command: { ...counted, state: { ...state, phase: { kind: "resolving", overdue: false, cancel: false } } },
    effects: [{ do: "resolve", overdue: false }],
    persist: true,
  };
}

function resolved(
  command: Command,
  state: Running,
  { cancel, overdue }: Extract<Phase, { kind: "resolving" }>,
  event: Extract<CommandEvent, { t: "resolved" }>,
  now: Moment,
): Step {
  const { answer } = event;
  switch (answer.state) {
    case "unknown": {
      const error = outcomeUnknown(answer);
      const effect = answer.effect === undefined ? {} : { effect: answer.effect };
      // Never run it again: the effect may have come about and been undone since.
      if (command.afterCrash === "ask") return finishRunning(command, state, { state: "failed", error, ...effect }, now);
      if (cancel) return finishRunning(command, state, { state: "canceled", error: canceledLate(error.message) }, now);
      if (event.expired !== undefined) return finishRunning(command, state, { state: "timed-out", error: tooLate(event.expired) }, now);
      return execute(command, state);
    }
    case "not-started":
      if (cancel) return finishRunning(command, state, { state: "canceled", error: CANCELED_IN_TIME }, now);
      if (event.expired !== undefined) return finishRunning(command, state, { state: "expired", error: event.expired }, now);
      return execute(command, state);
    case "awaits-restart":
      // Still waiting after the time-out: the restart will not come.
      if (overdue) return finishRunning(command, state, { state: "timed-out", error: RESTART_DID_NOT_COME }, now);
      return awaitRestart(command, state);
    default:
      return finishRunning(command, state, answer, now);
  }
}

/** Without the note of an attempt before: what that one intended did not begin. */
function execute(command: Command, { started }: Running): Step {
  return {
    command: { ...command, state: { kind: "running", started, phase: { kind: "executing" } } },
    effects: [{ do: "execute" }],
    persist: false,
  };
}

function cancelRunning(command: Command, state: Running): Step {
  switch (state.phase.kind) {
    case "executing":
      if (command.finishesOnceIntended === true && state.note !== undefined) return stay(command);
      return {
        command: { ...command, state: { ...state, phase: { kind: "canceling" } } },
        effects: [{ do: "abort", reason: "canceled" }],
        persist: false,
      };
    case "resolving":
      return {
        command: { ...command, state: { ...state, phase: { ...state.phase, cancel: true } } },
        effects: [],
        persist: false,
      };
    case "canceling":
    case "awaiting-restart":
      return stay(command);
  }
}

function timedOut(command: Command, state: Running, error: Issue, now: Moment): Step {
  switch (state.phase.kind) {
    case "awaiting-restart":
      // Not final yet: `resolve` decides what a missing restart means.
      return {
        command: { ...command, state: { ...state, phase: { kind: "resolving", overdue: true, cancel: false } } },
        effects: [{ do: "resolve", overdue: true }],
        persist: false,
      };
    case "canceling":
    case "executing":
    case "resolving": {
      const finished = finishRunning(command, state, { state: "timed-out", error }, now);
      return { ...finished, effects: [{ do: "abort", reason: "timed-out" }, ...finished.effects] };
    }
  }
}

/** Ends a running command. Adds the duration if it was tried and one clock saw both start and end. */
function finishRunning(
  command: Command,
  state: Running,
  ending: Ending | Exclude<Execution, { state: "awaits-restart" }>,
  now: Moment,
): Step {
  const untried = ending.state === "rejected" || ending.state === "expired" || (ending.state === "canceled" && ending.error === CANCELED_IN_TIME);
  const durationMs = untried ? undefined : elapsedSince(state.started, now);
  return finish(command, durationMs === undefined ? ending : { ...ending, durationMs }, now);
}

function finish(command: Command, ending: Ending, now: Moment): Step {
  return {
    command: { ...command, state: { kind: "final", outcome: outcomeOf(command, ending), finishedWallMs: now.wallMs } },
    effects: [{ do: "hand-over" }],
    persist: true,
  };
}

/** An event after the end: changes nothing, and is logged if it comes from the executor. */
function late(command: Command, event: CommandEvent): Step {
  if (event.t === "settled") return { command, effects: [{ do: "note", what: lateWords(event.execution) }], persist: false };
  if (event.t === "threw") return { command, effects: [{ do: "note", what: `broke late: ${event.message}` }], persist: false };
  return stay(command);
}

function lateWords(execution: Execution): string {
  return "error" in execution ? `ended late: ${execution.state}, ${execution.error.message}` : `ended late: ${execution.state}`;
}

function stay(command: Command): Step {
  return { command, effects: [], persist: false };
}

const CANCELED_IN_TIME: Issue = { code: "command.canceled", message: "canceled before it started" };
const RESTART_DID_NOT_COME: Issue = { code: "command.timed-out", message: "the expected restart did not happen in time" };

function outcomeUnknown({ seen }: Unknown): Issue {
  const message = `the agent ended while the command was running, and the hardware does not show whether it took effect${seen === undefined ? "" : `: ${seen}`}`;
  return { code: "outcome-unknown", message, hint: "It may have been done and undone since. If it is still needed, send the next attempt." };
}

function tooLate(expired: Issue): Issue {
  return { code: "command.timed-out", message: `the agent ended while the command was running, and it is too late to run it again: ${expired.message}` };
}

function canceledLate(detail: string | undefined): Issue {
  return {
    code: "command.canceled",
    message: `canceled while running${detail === undefined ? "" : `: ${detail}`}`,
    hint: "The effect may have begun.",
  };
}

/** The part of the state that goes to the journal. */
export function journalStateOf(state: CommandState): JournalState {
  if (state.kind !== "running") return state;
  return state.note === undefined
    ? { kind: "running", started: state.started }
    : { kind: "running", started: state.started, note: state.note };
}
