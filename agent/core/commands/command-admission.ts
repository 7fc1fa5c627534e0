import type * as v from "valibot";
import { validate } from "../../protocol/codec.ts";
import { COMMANDS, findCommand, type CommandName } from "../../protocol/commands/catalog.ts";
import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import {
  CancelPayloadSchema,
  CommandPayloadSchema,
  type CancelPayload,
  type CommandPayload,
} from "../../protocol/commands/payload.ts";
import { COMMAND_PARAMS_BYTES_MAX, FRAME_DEPTH_MAX } from "../../protocol/limits.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { toHex, utf8 } from "../../../platform/runtime/encoding.ts";
import { canonicalJson, parseJson } from "../../../platform/runtime/json.ts";
import { isDeeperThan } from "../../../platform/runtime/json-depth.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import { expiryOf } from "./command-expiry.ts";
import type { ExecutorTable } from "./executor.ts";
import { keyText, type JournalEntry, type JournalState, type Moment } from "./journal-entry.ts";
import type { JournalStore } from "./journal-store.ts";
import { outcomeOf } from "./outcome-body.ts";

/** The decision about a new command message. */
export type Admission =
  /** Answered with an error and not journaled. `rejected`: also acknowledged as rejected, since this key will never run. */
  | { readonly kind: "refused"; readonly error: Issue; readonly about: string; readonly rejected: boolean }
  /** Its key is in the journal; it does not run again. */
  | { readonly kind: "known"; readonly entry: JournalEntry }
  /** New, but rejected or expired without running. */
  | { readonly kind: "ended"; readonly entry: JournalEntry }
  /** New and ready to run. */
  | { readonly kind: "accepted"; readonly entry: JournalEntry; readonly definition: CommandDefinition };

/** Hint for `command.number-reused`. */
export const NEW_NUMBER = "Every command and cancel needs a new, higher number.";

export interface AdmissionDeps {
  readonly deviceId: string;
  readonly store: Pick<JournalStore, "get" | "floor">;
  /** Key of the command that used this number, itself or through its cancel. */
  numberHolder(number: number): Promise<Result<string | undefined, StorageIssue>>;
  readonly executors: ExecutorTable;
  readonly crypto: Pick<Crypto, "sha256">;
}

/** Parses the payload of a signed command for this device. Errors: `command.malformed`, `command.other-device`. */
export function readCommandPayload(text: string, deviceId: string): Result<CommandPayload> {
  return readPayload(CommandPayloadSchema, text, deviceId, "command");
}

/** Parses the payload of a signed cancel for this device. Same errors. */
export function readCancelPayload(text: string, deviceId: string): Result<CancelPayload> {
  return readPayload(CancelPayloadSchema, text, deviceId, "cancel");
}

function readPayload<S extends v.GenericSchema<unknown, { device: string }>>(
  schema: S,
  text: string,
  deviceId: string,
  what: string,
): Result<v.InferOutput<S>> {
  const json = parseJson(text);
  if (json === undefined) return fail("command.malformed", `the payload of the signed ${what} is not JSON text`);
  // The depth check of the frame saw the payload as one string.
  if (isDeeperThan(json, FRAME_DEPTH_MAX))
    return fail("command.malformed", `the payload of the signed ${what} is nested deeper than ${FRAME_DEPTH_MAX} levels`);
  const payload = validate(schema, json, `signed ${what}`, "command.malformed");
  if (!payload.ok) return payload;
  if (payload.value.device !== deviceId)
    return fail("command.other-device", `the signed ${what} is for device ${payload.value.device}, not for this one`);
  return payload;
}

/** Checks one verified command against the journal, the catalog and the clock. Fails when the journal cannot be read. */
export async function admitCommand(payload: CommandPayload, owner: string, now: Moment, deps: AdmissionDeps): Promise<Result<Admission, StorageIssue>> {
  const about = keyText(payload);
  const paramsHash = await hashOf(payload, deps.crypto);
  const found = await deps.store.get(payload.id, payload.attempt);
  if (!found.ok) return found;
  const known = found.value;
  // An empty hash is the entry of a cancel that came before its command.
  if (known !== undefined && (known.paramsHash === "" || known.paramsHash === paramsHash)) return ok({ kind: "known", entry: known });
  if (known !== undefined) {
    const error: Issue = {
      code: "command.key-reused",
      message: `${about} was already sent with another name or other parameters`,
      hint: "To run it again, send the next attempt.",
    };
    return ok({ kind: "refused", error, about, rejected: false });
  }
  const floor = await deps.store.floor(owner);
  if (!floor.ok) return floor;
  if (payload.number <= floor.value) {
    const error: Issue = {
      code: "command.replayed",
      message: `number ${payload.number} of ${about} is not above ${floor.value}; all commands up to that number are finished and deleted`,
    };
    return ok({ kind: "refused", error, about, rejected: true });
  }
  const fresh = { ...entryOf(payload, owner, paramsHash, now), ttlMs: payload.ttlMs ?? 0 };
  const holder = await deps.numberHolder(payload.number);
  if (!holder.ok) return holder;
  if (holder.value !== undefined) {
    const error: Issue = {
      code: "command.number-reused",
      message: `number ${payload.number} was used by ${holder.value} or a cancel of it`,
      hint: NEW_NUMBER,
    };
    return ok({ kind: "ended", entry: ended(fresh, "rejected", error, now) });
  }
  const definition = findCommand(payload.name);
  if (definition === undefined) {
    const error: Issue = {
      code: "command.unknown",
      message: `this agent knows no command ${payload.name}`,
      hint: `It knows ${Object.keys(COMMANDS).join(", ")}.`,
    };
    return ok({ kind: "ended", entry: ended(fresh, "rejected", error, now) });
  }
  const entry = { ...fresh, ttlMs: payload.ttlMs ?? definition.ttlMs };
  const wrong = checkAgainst(definition, payload, deps.executors);
  if (wrong !== undefined) return ok({ kind: "ended", entry: ended(entry, "rejected", wrong, now) });
  const expiry = expiryOf(entry, now);
  if (expiry.kind === "expired") return ok({ kind: "ended", entry: ended(entry, "expired", expiry.error, now) });
  return ok({ kind: "accepted", entry, definition });
}

function checkAgainst(definition: CommandDefinition, payload: CommandPayload, executors: ExecutorTable): Issue | undefined {
  if (utf8(JSON.stringify(payload.params)).length > COMMAND_PARAMS_BYTES_MAX) {
    return {
      code: "command.params-too-large",
      message: `the parameters of ${definition.name} are over ${COMMAND_PARAMS_BYTES_MAX} bytes`,
    };
  }
  const params = validate(definition.params, payload.params, `params of ${definition.name}`, "command.params-invalid");
  if (!params.ok) return params.error;
  if ((payload.ttlMs ?? 0) > definition.ttlMaxMs) {
    return {
      code: "command.ttl-too-long",
      message: `${definition.name} may wait at most ${definition.ttlMaxMs} ms, but ${payload.ttlMs ?? 0} ms were requested`,
    };
  }
  if (executors[definition.name as CommandName] === undefined) {
    const needs = definition.needs === undefined ? "" : `: it has no ${definition.needs}`;
    return { code: "command.unsupported", message: `this device cannot do ${definition.name}${needs}` };
  }
  return undefined;
}

function entryOf(payload: CommandPayload, owner: string, paramsHash: string, now: Moment): Omit<JournalEntry, "ttlMs"> {
  const { id, attempt, number, name, params, notAfterMs } = payload;
  return {
    id,
    attempt,
    owner,
    number,
    name,
    paramsHash,
    params,
    received: now,
    notAfterMs,
    restarts: 0,
    state: { kind: "delivered" },
  };
}

/** The entry in a final state without having run. Its parameters are dropped because they are no longer needed. */
export function ended(entry: JournalEntry, state: "rejected" | "expired" | "canceled", error: Issue, now: Moment): JournalEntry {
  const final: JournalState = { kind: "final", outcome: outcomeOf(entry, { state, error }), finishedWallMs: now.wallMs };
  return { ...entry, params: {}, state: final };
}

/** The journal entry of a cancel that came before its command. It keeps the command from running when it arrives. */
export function canceledAhead(payload: CancelPayload, owner: string, now: Moment): JournalEntry {
  const { id, attempt, number } = payload;
  const entry: JournalEntry = {
    id,
    attempt,
    owner,
    number,
    name: "",
    paramsHash: "",
    params: {},
    received: now,
    notAfterMs: 0,
    ttlMs: 0,
    restarts: 0,
    state: { kind: "delivered" },
  };
  return ended(entry, "canceled", { code: "command.canceled", message: "canceled before it arrived" }, now);
}

async function hashOf(payload: CommandPayload, crypto: Pick<Crypto, "sha256">): Promise<string> {
  return toHex(await crypto.sha256(utf8(canonicalJson([payload.name, payload.params]))));
}
