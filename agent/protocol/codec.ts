import * as v from "valibot";
import { err, fail, ok, type Issue, type Result } from "../../platform/ports/result.ts";
import { isJsonObject, parseJson } from "../../platform/runtime/json.ts";
import { schemaIssueWords } from "../../platform/runtime/schema-issue.ts";
import { isDeeperThan } from "../../platform/runtime/json-depth.ts";
import { isSecretName, redactText } from "../../platform/runtime/redact.ts";
import { CloudMessageSchema, type CloudMessage } from "./cloud-messages.ts";
import { DeviceMessageSchema, type DeviceMessage } from "./device-messages.ts";
import { FRAME_BYTES_MAX, FRAME_DEPTH_MAX } from "./limits.ts";
import type { Code } from "../../platform/ports/codes.ts";

/** Why a frame was refused. */
export interface FrameIssue extends Issue {
  /** The message type, if the frame has one. */
  readonly about?: string;
}

/** Limit on `about` of an `error` message, in characters. */
const ABOUT_MAX = 128;

/**
 * The gate: every frame from outside is decoded here. The result is a valid message or an `Issue` with one of these codes:
 * `frame.too-large`, `frame.not-json`, `frame.too-deep`, `frame.not-an-object`, `message.unknown-type`,
 * `message.malformed`.
 */
export function decodeCloudMessage(frame: string, bytesMax: number = FRAME_BYTES_MAX): Result<CloudMessage, FrameIssue> {
  return decode(frame, bytesMax, CloudMessageSchema, CLOUD_TYPES);
}

/** The server's side of the gate, with the same codes. */
export function decodeDeviceMessage(frame: string, bytesMax: number = FRAME_BYTES_MAX): Result<DeviceMessage, FrameIssue> {
  return decode(frame, bytesMax, DeviceMessageSchema, DEVICE_TYPES);
}

export function encodeMessage(message: DeviceMessage | CloudMessage): string {
  return JSON.stringify(message);
}

const CLOUD_TYPES = new Set(CloudMessageSchema.options.map((option) => option.entries.t.literal as string));
const DEVICE_TYPES = new Set(DeviceMessageSchema.options.map((option) => option.entries.t.literal as string));

function decode<S extends v.GenericSchema>(frame: string, bytesMax: number, schema: S, types: ReadonlySet<string>): Result<v.InferOutput<S>, FrameIssue> {
  // A UTF-16 unit is at least one byte of UTF-8, so this refuses no frame that is small enough; the transport counts exact bytes where it
  // can.
  if (frame.length > bytesMax) return fail("frame.too-large", `the frame has ${frame.length} characters; at most ${bytesMax} bytes are taken`);
  const json = parseJson(frame);
  if (json === undefined) return fail("frame.not-json", "the frame is not JSON text");
  if (!isJsonObject(json)) return fail("frame.not-an-object", "the frame is not a JSON object");
  const type = json["t"];
  const about = typeof type === "string" ? { about: type.slice(0, ABOUT_MAX) } : {};
  if (isDeeperThan(json, FRAME_DEPTH_MAX)) return err({ code: "frame.too-deep", message: `the frame is nested deeper than ${FRAME_DEPTH_MAX} levels`, ...about });
  if (typeof type !== "string" || !types.has(type)) {
    return err({ code: "message.unknown-type", message: `unknown message type ${JSON.stringify(type)?.slice(0, 80) ?? "(none)"}`, ...about });
  }
  const valid = validate(schema, json, `message "${type}"`);
  return valid.ok ? valid : err({ ...valid.error, ...about });
}

/** Checks `value` against `schema`; the issue names the first invalid field. Default code: `message.malformed`. */
export function validate<S extends v.GenericSchema>(schema: S, value: unknown, what: string, code: Code = "message.malformed"): Result<v.InferOutput<S>> {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return ok(parsed.output);
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue);
  const where = path === null ? what : `${what}, at ${path.slice(0, 200)}`;
  const { message: words, hint } = schemaIssueWords(issue);
  // The message may quote the received value, such as a password that is too short.
  const isSecret = path?.split(".").some((name) => isSecretName(name)) === true;
  const message = isSecret ? words.replace(/, and is [\s\S]*$/, "") : redactText(words);
  return fail(code, `${where}: ${message.slice(0, 300)}`, hint);
}
