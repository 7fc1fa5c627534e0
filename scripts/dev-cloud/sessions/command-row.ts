import type { CommandOutcome } from "../../../agent/protocol/records.ts";
import { findCommand } from "../../../agent/protocol/commands/catalog.ts";
import { isFinal, type CommandRow, type CommandStage, type CommandState } from "./cloud-store.ts";

/** Pure transitions of a command row. A final state never changes; an outcome that arrives later becomes a note. */

/** A command that was sent but not acknowledged expires this long after its deadline: the acknowledgement may be on its way. */
export const EXPIRY_GRACE_MS = 30_000;
/** Added to the device's own timeout: the outcome may wait behind other records in its outbox. */
export const TIMEOUT_GRACE_MS = 60_000;
/** An acknowledgement with a final state counts as the outcome when no outcome record follows within this time. */
export const OUTCOME_GRACE_MS = 30_000;
/** Timeout for a command that this version does not know. */
const UNKNOWN_TIMEOUT_MS = 600_000;
const NOTES_MAX = 20;
const RANK: Readonly<Record<string, number>> = { queued: 0, sent: 1, delivered: 2, running: 3 };

/** Moves to a later state. Returns `row` itself when `state` is not later or `row` is already final. */
export function advance(row: CommandRow, state: CommandState, atMs: number, by: CommandStage["by"]): CommandRow {
  if (isFinal(row.state)) return row;
  if (!isFinal(state) && (RANK[state] ?? 0) <= (RANK[row.state] ?? 0)) return row;
  return { ...row, state, stages: [...row.stages, { state, atMs, by }] };
}

export function withNote(row: CommandRow, atMs: number, text: string, state?: string): CommandRow {
  const note = state === undefined ? { atMs, text } : { atMs, text, state };
  return { ...row, notes: [...row.notes, note].slice(-NOTES_MAX) };
}

/** Applies the device's outcome. If the command is already final, it is kept as a note unless it repeats the device's outcome. */
export function withOutcome(row: CommandRow, outcome: CommandOutcome, atMs: number): CommandRow {
  if (isFinal(row.state)) {
    const closed = row.stages.at(-1);
    if (closed?.by === "device" && closed.state === outcome.state) return row;
    return withNote(row, atMs, `the device's outcome arrived after the command was ${row.state}`, outcome.state);
  }
  return {
    ...advance(row, outcome.state, atMs, "device"),
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
    ...(outcome.effect === undefined ? {} : { effect: outcome.effect }),
    ...(outcome.result === undefined ? {} : { result: outcome.result }),
    ...(outcome.durationMs === undefined ? {} : { durationMs: outcome.durationMs }),
  };
}

/** Closes the command on the cloud's side. */
export function closedByCloud(
  row: CommandRow,
  state: "expired" | "timed-out" | "canceled",
  atMs: number,
  message: string,
): CommandRow {
  return { ...advance(row, state, atMs, "cloud"), error: { code: `command.${state}`, message } };
}

/** Takes the acknowledged final state as the outcome, after no outcome record followed. */
export function closedByAck(row: CommandRow, atMs: number): CommandRow {
  if (row.ackedFinal === undefined) return row;
  const closed = advance(row, row.ackedFinal.state, atMs, "device");
  if (row.ackedFinal.state === "succeeded") return closed;
  return {
    ...closed,
    error: {
      code: "command.outcome-missing",
      message: "the device acknowledged the command with this state but sent no outcome record",
    },
  };
}

/**
 * When (wall ms) and how the cloud closes the command by itself. `undefined` for a final command, and for a
 * delivered one while its device is offline: the outcome may still be in the device's outbox.
 */
export function deadline(
  row: CommandRow,
  onlineSinceMs: number | undefined,
): { readonly dueMs: number; readonly state: "expired" | "timed-out" | "acked" } | undefined {
  if (row.ackedFinal !== undefined && !isFinal(row.state)) {
    return onlineSinceMs === undefined
      ? undefined
      : { dueMs: Math.max(row.ackedFinal.atMs, onlineSinceMs) + OUTCOME_GRACE_MS, state: "acked" };
  }
  const lastMs = row.stages.at(-1)?.atMs ?? row.issuedMs;
  const timeoutMs = findCommand(row.name)?.timeoutMs ?? UNKNOWN_TIMEOUT_MS;
  switch (row.state) {
    case "queued":
      return { dueMs: row.notAfterMs, state: "expired" };
    case "sent":
      return { dueMs: Math.max(row.notAfterMs, lastMs) + EXPIRY_GRACE_MS, state: "expired" };
    case "delivered":
    case "running": {
      if (onlineSinceMs === undefined) return undefined;
      const waitMs = row.state === "delivered" ? row.ttlMs : 0;
      return { dueMs: Math.max(lastMs + waitMs + timeoutMs, onlineSinceMs) + TIMEOUT_GRACE_MS, state: "timed-out" };
    }
    case "succeeded":
    case "failed":
    case "rejected":
    case "canceled":
    case "expired":
    case "timed-out":
      return undefined;
  }
}
