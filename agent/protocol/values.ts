import * as v from "valibot";
import type { Json, JsonObject } from "../../platform/runtime/json.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";

/** Schemas of values shared by several messages. */

/** Base64url without padding (RFC 4648 section 5), of exactly `bytes` bytes. */
export function base64UrlOf(bytes: number) {
  const length = Math.ceil((bytes * 4) / 3);
  return v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/, "must be base64url without padding"), v.length(length, `must be ${length} characters`));
}

/** First 16 bytes of the SHA-256 of a raw Ed25519 public key, as 32 lower-case hex digits. */
export const FingerprintSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "must be 32 lower-case hex digits"));
export const PublicKeySchema = base64UrlOf(32);
export const SignatureSchema = base64UrlOf(64);

/** An id chosen by either side: 1 to 64 letters, digits, `.`, `_`, `:` or `-`. */
export const IdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,64}$/, "must be 1 to 64 letters, digits, '.', '_', ':' or '-'"));
/** A stable lower-case dotted code such as `display.no-answer`. */
export const CodeSchema = v.pipe(v.string(), v.regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/, "must be a lower-case dotted code"), v.maxLength(64));
/** A word from a list that may grow; unknown words are ignored. */
export const WordSchema = v.pipe(v.string(), v.maxLength(64));
/** Text for people, at most 1,000 characters. */
export const TextSchema = v.pipe(v.string(), v.maxLength(1000));
/** Whole number from 0 to 2^53-1: versions, sequence numbers, counters. */
export const CountSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Whole number from 1 to 2^53-1. */
export const PositiveSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** Milliseconds since the Unix epoch, from 0 to the year 9999. */
export const WallMsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(253_402_300_799_999));
/** A duration in milliseconds, 0 to one year (366 days). */
export const DurationMsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(31_622_400_000));
export const PercentSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100));
/** SHA-256 as 64 lower-case hex digits. */
export const Sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits"));
export const HttpUrlSchema = v.pipe(v.string(), v.maxLength(2048), v.regex(/^https?:\/\/[^\s/?#]+[^\s]*$/i, "must be an http or https address"));
/** Scheme, host and port: `https://menu.example`, `http://10.0.0.5:8080`. */
export const OriginSchema = v.pipe(
  v.string(),
  v.maxLength(300),
  v.regex(/^https?:\/\/[^\s/?#@*\\]+$/i, "must be an origin, like https://menu.example: no path, no slash at the end"),
  v.check((origin) => parseUrl(origin) !== undefined, "must be an origin that can be parsed: check its host, and that its port is from 0 to 65535"),
);
/** Schemes of cloud addresses, and whether they are encrypted. */
export const ENDPOINT_SCHEMES: ReadonlyMap<string, "secure" | "plain"> = new Map([["wss:", "secure"], ["ws:", "plain"]]);
/** A cloud address. */
export const EndpointSchema = v.pipe(v.string(), v.maxLength(2048), v.regex(/^wss?:\/\/[^\s/?#]+[^\s]*$/i, "must be a ws or wss address"));
/** `HH:MM`, 00:00 to 24:00 (24:00 is the end of the day). */
export const LocalTimeSchema = v.pipe(v.string(), v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, "must be HH:MM, 00:00 to 24:00"));
/** IANA time zone name; checked against this machine's zones when it is applied. */
export const TimeZoneSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+_-]+(?:\/[A-Za-z0-9+_-]+)*$/, "must be an IANA time zone name"), v.maxLength(64));

/** Any JSON value. The frame bounds depth and size. */
export const JsonSchema = v.unknown() as v.GenericSchema<Json>;
/** Any JSON object. */
export const JsonObjectSchema = v.pipe(
  // `record` accepts an array, but on the wire a list is not an object.
  v.record(v.string(), v.unknown()),
  v.check((value) => !Array.isArray(value), "must be a JSON object, not a list"),
) as unknown as v.GenericSchema<JsonObject>;

/** Quality of the sender's wall clock; see `ClockQuality`. */
export const ClockQualitySchema = v.picklist(["unset", "local", "synced"]);

/** An expected failure on the wire. */
export const IssueSchema = v.object({ code: CodeSchema, message: TextSchema, hint: v.optional(TextSchema) });

/** `Reading` on the wire: the observation without a clock (the enclosing message has one). */
export function readingOf<S extends v.GenericSchema>(value: S) {
  return v.variant("kind", [
    v.object({ kind: v.literal("ok"), value }),
    v.object({ kind: v.literal("unsupported") }),
    v.object({ kind: v.literal("unknown"), why: TextSchema }),
    v.object({ kind: v.literal("failed"), error: IssueSchema }),
  ]);
}

/** `Effect` on the wire: attempted, acknowledged and observed are separate facts. */
export function effectOf<S extends v.GenericSchema>(value: S) {
  return v.object({
    attempted: v.boolean(),
    acknowledged: v.optional(v.boolean()),
    observed: readingOf(value),
    error: v.optional(IssueSchema),
  });
}
