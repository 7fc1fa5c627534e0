import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as v from "valibot";
import { CloudMessageSchema } from "../../agent/protocol/cloud-messages.ts";
import { CancelPayloadSchema, CommandPayloadSchema } from "../../agent/protocol/commands/payload.ts";
import { DesiredPayloadSchema } from "../../agent/protocol/desired.ts";
import { DeviceMessageSchema } from "../../agent/protocol/device-messages.ts";
import * as limits from "../../agent/protocol/limits.ts";
import {
  AlarmSchema,
  CommandOutcomeSchema,
  EventSchema,
  GapSchema,
  PlaySchema,
  RecordSchema,
  TelemetrySchema,
} from "../../agent/protocol/records.ts";
import { SignedSchema } from "../../agent/protocol/signed.ts";
import { DISPLAY_PROPERTY_NAMES, propertyRow, type PropertyType } from "../../platform/ports/display-properties.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { workedExample } from "./protocol-example.ts";
import { fieldsOf, type FieldWords } from "./schema-words.ts";

/** Fills the marked parts of docs/protocol.md: tables of fields, limits, the worked example. Prose is written by hand. */
export async function filledProtocolDoc(page: string, root: string): Promise<string> {
  const parts = new Map<string, string>([
    ["example", await example()],
    ["limits", limitsTable()],
    ["display-properties", displayTable()],
  ]);
  const comments = commentsIn(root);
  for (const [name, schema] of tables()) parts.set(`fields ${name}`, fieldTable(name, fieldsOf(jsonSchemaOf(schema)), comments));
  return page.replaceAll(/<!-- (fields [\w-]+|example|limits|display-properties) -->\n[\s\S]*?<!-- end -->/g, (_all, marker: string) => {
    const text = parts.get(marker);
    if (text === undefined) throw new Error(`docs/protocol.md has a marker that nothing fills: ${marker}`);
    return `<!-- ${marker} -->\n${text}\n<!-- end -->`;
  });
}

/** Names of everything that has a table, message types first. */
export function tables(): ReadonlyMap<string, v.GenericSchema> {
  const named = new Map<string, v.GenericSchema>();
  for (const option of [...DeviceMessageSchema.options, ...CloudMessageSchema.options])
    named.set(option.entries.t.literal, option);
  const others: Record<string, v.GenericSchema> = {
    signed: SignedSchema,
    "command-payload": CommandPayloadSchema,
    "cancel-payload": CancelPayloadSchema,
    "desired-payload": DesiredPayloadSchema,
    "one-record": RecordSchema,
    "body-command": CommandOutcomeSchema,
    "body-alarm": AlarmSchema,
    "body-play": PlaySchema,
    "body-event": EventSchema,
    "body-telemetry": TelemetrySchema,
    "body-gap": GapSchema,
  };
  for (const [name, schema] of Object.entries(others)) named.set(name, schema);
  return named;
}

/** Replacements where the text generated from a schema would be too long. */
const SHORTER: ReadonlyMap<string, string> = new Map([
  ["hello.version", "`1`"],
  [
    "hello.streams",
    "for each of `outcome`, `alarm`, `play`, `event`, `metric`: `{ stored, oldest, newest }`, whole numbers; `oldest` > `newest` when nothing waits",
  ],
  ["hello.openCommands", "list of `{ id, attempt, state }`, `state` is `delivered` or `running`, at most 256"],
  ["welcome.stored", "for each stream: highest stored number of this `log`"],
  ["welcome.owner", "see [owner](#owner-endorsement-release)"],
  ["owner.owner", "see [owner](#owner-endorsement-release)"],
  ["owner.release", "a [signed](#signatures) release"],
  ["welcome.wants", "list of words: `profile`, `reported`"],
  ["fetch.wants", "list of words: `profile`, `reported`"],
  ["goaway.endpoint", "a `wss://` address, text of at most 2048 characters"],
  ["welcome.limits", "see [limits](#limits)"],
  ["limits.limits", "see [limits](#limits)"],
  ["command.signed", "a [signed](#signatures) command payload"],
  ["cancel.signed", "a [signed](#signatures) cancel payload"],
  ["desired.signed", "a [signed](#signatures) desired payload"],
  ["stored.streams", "per stream of the frame's `log`: stored up to and including this number"],
  ["stored.rejected", "list of `{ stream, seq, code, message }`, at most 100"],
  ["records.records", "list of [records](#records), at least one"],
  ["reported.document", "the [reported document](#reported-state), or a merge patch to it"],
  ["body-command.effect", "`{ attempted, acknowledged?, observed, error? }`, `observed` is a [reading](#readings-and-effects)"],
  ["body-command.error", "`{ code, message, hint? }`"],
  ["body-telemetry.metrics", "by name: `{ min, mean, max, last, count }`"],
  ["desired-payload.document", "the [desired document](#desired-state)"],
  ["upload-request.command", "`{ id, attempt }`"],
  ["hello.clock", "`{ wallMs, quality }`; `quality` is `unset`, `local` or `synced`"],
  ["hello.agent", "`{ version, platform, name? }`, texts"],
]);

function fieldTable(table: string, fields: readonly FieldWords[], comments: ReadonlyMap<string, string>): string {
  const rows = fields
    .filter(({ name }) => name !== "t")
    .map(({ name, required, value }) => {
      const words = SHORTER.get(`${table}.${name}`) ?? value;
      const comment = comments.get(`${table}.${name}`) ?? "";
      return `| \`${name}\`${required ? "" : " ?"} | ${words} | ${comment} |`;
    });
  return rows.length === 0 ? "No fields except `t`." : `| field | value | |\n|---|---|---|\n${rows.join("\n")}`;
}

/** Schema constant to the name of its table. */
const CONSTANTS: ReadonlyMap<string, string> = new Map([
  ["ChallengeSchema", "challenge"],
  ["WelcomeSchema", "welcome"],
  ["RefusedSchema", "refused"],
  ["GoAwaySchema", "goaway"],
  ["PairingSchema", "pairing"],
  ["StoredMessageSchema", "stored"],
  ["UploadGrantSchema", "upload-grant"],
  ["HelloSchema", "hello"],
  ["ProfileSchema", "profile"],
  ["ReportedSchema", "reported"],
  ["RecordsSchema", "records"],
  ["UploadRequestSchema", "upload-request"],
  ["ErrorSchema", "error"],
  ["CommandPayloadSchema", "command-payload"],
  ["CancelPayloadSchema", "cancel-payload"],
  ["DesiredPayloadSchema", "desired-payload"],
  ["SignedSchema", "signed"],
  ["RecordSchema", "one-record"],
  ["CommandOutcomeSchema", "body-command"],
  ["AlarmSchema", "body-alarm"],
  ["PlaySchema", "body-play"],
  ["EventSchema", "body-event"],
  ["TelemetrySchema", "body-telemetry"],
  ["GapSchema", "body-gap"],
]);
const SOURCES = ["cloud-messages.ts", "device-messages.ts", "commands/payload.ts", "desired.ts", "signed.ts", "records.ts"];

/** Doc comments of the fields, read from the source. */
function commentsIn(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of SOURCES) {
    const source = readFileSync(join(root, "agent/protocol", file), "utf8");
    for (const [, constant = "", body = ""] of source.matchAll(/^export const (\w+) = v\.object\(\{\n([\s\S]*?)^\}\);/gm)) {
      const table = CONSTANTS.get(constant);
      if (table === undefined) continue;
      for (const [, comment = "", field = ""] of body.matchAll(/^ {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2}(\w+):/gm)) {
        found.set(
          `${table}.${field}`,
          comment
            .replaceAll(/\s*\n\s*\*\s?/g, " ")
            .replaceAll("|", "\\|")
            .trim(),
        );
      }
    }
  }
  return found;
}

/** Table of display properties. */
function displayTable(): string {
  const code = (word: string): string => `\`${word}\``;
  const rows = DISPLAY_PROPERTY_NAMES.map((name) => {
    const { type, desired, command } = propertyRow(name);
    const [rules, transitional] = [desired?.rules ?? [], type.kind === "choice" ? Object.keys(type.transitional) : []];
    return [
      code(name),
      valueWords(type),
      [...(desired === undefined ? ["no"] : ["yes"]), ...(rules.length === 0 ? [] : [`also ${rules.map(code).join(", ")}`])].join(", "),
      command === undefined ? "" : `\`display.${name}\` \`{ ${command.parameter} }\``,
      transitional.length === 0 ? "the same" : `also ${transitional.map(code).join(", ")}`,
    ];
  });
  return `| property | value | in the desired document | command | reported |\n|---|---|---|---|---|\n${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`;
}

function valueWords(type: PropertyType): string {
  switch (type.kind) {
    case "choice":
      return type.values.map((value) => `\`${value}\``).join(", ");
    case "name":
      return `one of the display's own names, such as \`hdmi-1\`, at most ${type.lengthMax} characters`;
    case "mode":
      return "width, height and rate of the picture, such as `1920x1080@60` or `3840x2160@29.97`; without `@` and rate: any rate of that size";
    case "percent":
      return "whole number from 0 to 100, percent";
    case "flag":
      return "`true`, `false`";
    case "degrees":
      return `${type.values.join(", ")}: degrees, clockwise`;
  }
}

function limitsTable(): string {
  const rows: readonly (readonly [string, number, string])[] = [
    ["largest frame", limits.FRAME_BYTES_MAX, "bytes of UTF-8; `frame.too-large`"],
    ["deepest nesting of a frame", limits.FRAME_DEPTH_MAX, "levels; `frame.too-deep`"],
    ["largest body of one record", limits.RECORD_BODY_BYTES_MAX, "bytes; `record.too-large`"],
    ["records in one frame", limits.BATCH_RECORDS_MAX, "unless the welcome says less"],
    ["largest desired document", limits.DESIRED_BYTES_MAX, "bytes; `desired.too-large`"],
    ["largest params of a command", limits.COMMAND_PARAMS_BYTES_MAX, "bytes"],
    ["handshake time: until the challenge, and from hello to welcome", limits.HANDSHAKE_TIMEOUT_MS, "ms"],
    ["ping after silence of", limits.PING_INTERVAL_MS, "ms, unless the welcome says otherwise"],
    ["link dead after silence of", limits.READ_DEADLINE_PINGS, "ping intervals, on both sides"],
  ];
  return `| what | value | |\n|---|---|---|\n${rows.map(([what, value, note]) => `| ${what} | ${value} | ${note} |`).join("\n")}`;
}

async function example(): Promise<string> {
  const { device, owner, newOwner, challenge, hello, helloText, helloHex, command, desired, release, endorsement } =
    await workedExample();
  const code = (text: string, language = ""): string => `\`\`\`${language}\n${text}\n\`\`\``;
  const json = (value: unknown): string => code(JSON.stringify(value), "json");
  return [
    "| key | seed (hex) | raw public key (base64url) | fingerprint |",
    "|---|---|---|---|",
    ...(
      [
        ["device", device],
        ["owner", owner],
        ["owner's next", newOwner],
      ] as const
    ).map(([name, key]) => `| ${name} | \`${key.seed}\` | \`${key.publicKey}\` | \`${key.fingerprint}\` |`),
    "",
    "The cloud opens:",
    "",
    json(challenge),
    "",
    "The device signs these bytes (shown as text, then in hex):",
    "",
    code(helloText),
    "",
    code(helloHex.replaceAll(/(.{96})/g, "$1\n").trimEnd()),
    "",
    "and says:",
    "",
    json(hello),
    "",
    "A command as sent; the signature is over `vitrine/1/command`, a line feed, and the payload text:",
    "",
    json({ t: "command", signed: command }),
    "",
    "Desired state (`vitrine/1/desired`):",
    "",
    json({ t: "desired", signed: desired }),
    "",
    "A release (`vitrine/1/release`), and the owner's next key endorsed by the present one (`vitrine/1/owner-key`):",
    "",
    json({ t: "owner", owner: { kind: "unclaimed" }, release }),
    "",
    json({
      t: "owner",
      owner: {
        kind: "claimed",
        name: "Example Ltd",
        commandKey: newOwner.publicKey,
        endorsement: { by: endorsement.key, signature: endorsement.signature },
      },
    }),
    "",
    `where the endorsed payload text is \`${endorsement.payload}\`.`,
  ].join("\n");
}
