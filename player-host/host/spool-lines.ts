import * as v from "valibot";
import { crc32 } from "../../platform/runtime/crc32.ts";
import { utf8 } from "../../platform/runtime/encoding.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { HostMessageSchema, type HostMessage } from "../contract/link-messages.ts";

/** A message of a page that has to be stored by the agent. */
export type SpooledMessage = Extract<HostMessage, { t: "page-event" | "page-play" }>;

/** What the text of a spool says. */
export interface SpoolContents {
  /** Messages by id, oldest first, without those that are gone. */
  readonly waiting: ReadonlyMap<string, SpooledMessage>;
  /** Number of different messages, and those named as gone, whose lines need not be readable any more. */
  readonly known: number;
  /** Unreadable lines that may have been messages. */
  readonly damaged: number;
}

const CRC_DIGITS = 8;
/** Starts a line that names messages as gone. No flipped bit turns the start of a message's line into it. */
const GONE = "-";
const GoneSchema = v.array(v.string());

/** The line of a message: its checksum in hexadecimal, a space, the message as JSON. The checksum detects a flipped bit that leaves the JSON valid. */
export function lineOf(message: SpooledMessage): string {
  return checked(JSON.stringify(message));
}

/** A line after those of these messages: the agent has stored or permanently refused them. */
export function goneLineOf(ids: readonly string[]): string {
  return GONE + checked(JSON.stringify(ids));
}

/** Reads the text of a spool. A damaged line costs no other line; a damaged line of gone messages only means that they are sent again. */
export function readSpool(text: string): SpoolContents {
  const waiting = new Map<string, SpooledMessage>();
  const gone = new Set<string>();
  let damaged = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    if (line.startsWith(GONE)) {
      const ids = v.safeParse(GoneSchema, parseJson(textOf(line.slice(GONE.length)) ?? ""));
      if (ids.success) for (const id of ids.output) gone.add(id);
      continue;
    }
    const message = v.safeParse(HostMessageSchema, parseJson(textOf(line) ?? ""));
    if (message.success && (message.output.t === "page-event" || message.output.t === "page-play")) waiting.set(message.output.id, message.output);
    else damaged += 1;
  }
  const unreadable = [...gone].filter((id) => !waiting.has(id)).length;
  const known = waiting.size + unreadable;
  for (const id of gone) waiting.delete(id);
  return { waiting, known, damaged: Math.max(0, damaged - unreadable) };
}

function checked(text: string): string {
  return `${checksumOf(text)} ${text}\n`;
}

/** The JSON of a line; `undefined` when its checksum is wrong. Old lines without a checksum are accepted. */
function textOf(line: string): string | undefined {
  if (line.startsWith("{")) return line;
  const text = line.slice(CRC_DIGITS + 1);
  return line.slice(0, CRC_DIGITS + 1) === `${checksumOf(text)} ` ? text : undefined;
}

function checksumOf(text: string): string {
  return crc32(utf8(text)).toString(16).padStart(CRC_DIGITS, "0");
}
