import type { CommandOutcome } from "../../../agent/protocol/records.ts";
import { findCommand } from "../../../agent/protocol/commands/catalog.ts";
import { isFinal, type CommandRow, type CommandStage, type CommandState } from "./cloud-store.ts";

/** Pure steps of one command's row. A final state never changes; what comes after it is a note. */

/** A command sent and never acknowledged is given up this long after its time: the acknowledgement may be on its way. */
export const EXPIRY_GRACE_MS = 30_000;
/** Beyond the device's own time-out: its outcome may be behind others in its outbox. */
export const TIMEOUT_GRACE_MS = 60_000;
/** An acknowledgement with a final state counts by itself when no outcome record follows it for this long. */
export const OUTCOME_GRACE_MS = 30_000;
/** Time-out of a command whose definition this version does not know. */
const UNKNOWN_TIMEOUT_MS = 600_000;
const NOTES_MAX = 20;
const RANK: Readonly<Record<string, number>> = { queued: 0, sent: 1, delivered: 2, running: 3 };

/** Moves to a later state; an earlier or equal one, and anything after a final one, changes nothing. */
export function advance(row: CommandRow, state: CommandState, atMs: number, by: CommandStage["by"]): CommandRow {
  if (isFinal(row.state)) return row;
  if (!isFinal(state) && (RANK[state] ?? 0) <= (RANK[row.state] ?? 0)) return row;
  return { ...row, state, stages: [...row.stages, { state, atMs, by }] };
}

export function withNote(row: CommandRow, atMs: number, text: string, state?: string): CommandRow {
  const note = state === undefined ? { atMs, text } : { atMs, text, state };
  return { ...row, notes: [...row.notes, note].slice(-NOTES_MAX) };
}

/** The device's one outcome. After the cloud closed the command itself it is kept as a note. */
export function withOutcome(row: CommandRow, outcome: CommandOutcome, atMs: number): CommandRow {
  if (isFinal(row.state)) {
    const closed = row.stages.at(-1);
    if (closed?.by === "device" && closed.state === outcome.state) return row;
    return withNote(row, atMs, `the device's outcome came after the command was ${row.state}`, outcome.state);
  }
  return {
    ...advance(row, outcome.state, atMs, "device"),
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
    ...(outcome.effect === undefined ? {} : { effect: outcome.effect }),
    ...(outcome.result === undefined ? {} : { result: outcome.result }),
    ...(outcome.durationMs === undefined ? {} : { durationMs: outcome.durationMs }),
  };
}

/** The cloud closes the command by itself. */
export function closedByCloud(
  row: CommandRow,
  state: "expired" | "timed-out" | "canceled",
  atMs: number,
  message: string,
): CommandRow {
  return { ...advance(row, state, atMs, "cloud"), error: { code: `command.${state}`, message } };
}

/** The device said long ago that the command is over for it, and no record told more: its word is the outcome. */
export function closedByAck(row: CommandRow, atMs: number): CommandRow {
  if (row.ackedFinal === undefined) return row;
  const closed = advance(row, row.ackedFinal.state, atMs, "device");
  if (row.ackedFinal.state === "succeeded") return closed;
  return {
    ...closed,
    error: {
      code: "command.outcome-missing",
      message: "the device acknowledged the command with this state and sent no outcome record",
    },
  };
}

/**
 * When the cloud would close the command by itself, wall ms, and how; `undefined` while only an online
 * device can answer and it is offline: an outcome that waits on the device is not lost.
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
