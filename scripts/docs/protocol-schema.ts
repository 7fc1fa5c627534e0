import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type * as v from "valibot";
import { CloudMessageSchema } from "../../agent/protocol/cloud-messages.ts";
import { COMMANDS } from "../../agent/protocol/commands/catalog.ts";
import type { CommandDefinition } from "../../agent/protocol/commands/definition.ts";
import { CancelPayloadSchema, CommandPayloadSchema } from "../../agent/protocol/commands/payload.ts";
import { DesiredPayloadSchema } from "../../agent/protocol/desired.ts";
import { DeviceMessageSchema } from "../../agent/protocol/device-messages.ts";
import { RECORD_BODIES } from "../../agent/protocol/records.ts";
import { ReportedDocumentSchema } from "../../agent/protocol/reported.ts";
import type { JsonObject } from "../../platform/runtime/json.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { filledProtocolDoc } from "./protocol-doc.ts";

/**
 * Publishes protocol version 1: JSON Schema in docs/schema/, and the generated parts of docs/protocol.md. `--check` writes
 * nothing and lists stale files, with exit code 1.
 */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDER = "docs/schema";
const PAGE = "docs/protocol.md";

/** Text of every published file by its path relative to the root. */
export async function published(root: string = ROOT): Promise<ReadonlyMap<string, string>> {
  const schemas: Record<string, JsonObject> = {
    "device-messages": titled("Messages from the device to the cloud", DeviceMessageSchema),
    "cloud-messages": titled("Messages from the cloud to the device", CloudMessageSchema),
    "command-payload": titled("Payload of a signed command", CommandPayloadSchema),
    "cancel-payload": titled("Payload of a signed cancel", CancelPayloadSchema),
    "desired-payload": titled("Payload of a signed desired document", DesiredPayloadSchema),
    "reported-document": titled("The reported document", ReportedDocumentSchema),
    "record-bodies": {
      title: "Bodies of records by stream and kind",
      $defs: Object.fromEntries(Object.entries(RECORD_BODIES).map(([name, schema]) => [name, jsonSchemaOf(schema)])),
    },
    commands: {
      title: "Parameters and results of commands",
      $defs: Object.fromEntries(
        Object.values(COMMANDS).map(({ name, params, result }: CommandDefinition) => [
          name,
          { properties: { params: jsonSchemaOf(params), result: jsonSchemaOf(result) } },
        ]),
      ),
    },
  };
  const files = new Map(
    Object.entries(schemas).map(([name, schema]) => [`${FOLDER}/${name}.json`, `${JSON.stringify(schema, undefined, 2)}\n`]),
  );
  files.set(`${FOLDER}/command-definitions.json`, `${JSON.stringify(definitions(), undefined, 2)}\n`);
  files.set(PAGE, await filledProtocolDoc(readFileSync(join(root, PAGE), "utf8"), root));
  return files;
}

/** Properties of every command besides its schemas: times in ms, lane, needs, and whether it is retried after a crash. */
function definitions(): JsonObject {
  const all = Object.values(COMMANDS).map(({ params: _params, result: _result, ...definition }: CommandDefinition): [string, JsonObject] => [definition.name, { ...definition }]);
  return Object.fromEntries(all);
}

/** Paths of files that are not up to date on disk. */
export async function stale(root: string = ROOT): Promise<readonly string[]> {
  const files = await published(root);
  const wrong = [...files].filter(([path, text]) => readOrNothing(join(root, path)) !== text).map(([path]) => path);
  const left = readdirSync(join(root, FOLDER))
    .map((name) => `${FOLDER}/${name}`)
    .filter((path) => !files.has(path));
  return [...wrong, ...left];
}

function titled(title: string, schema: v.GenericSchema): JsonObject {
  return { title: `${title} (Vitrine protocol version 1)`, ...jsonSchemaOf(schema) };
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Missing counts as stale.
    return undefined;
  }
}

if (import.meta.main) {
  const wrong = await stale();
  if (process.argv.includes("--check")) {
    if (wrong.length > 0) {
      console.error(`out of date with agent/protocol: ${wrong.join(", ")}; run: node scripts/docs/protocol-schema.ts`);
      process.exitCode = 1;
    }
  } else {
    mkdirSync(join(ROOT, FOLDER), { recursive: true });
    const files = await published();
    for (const path of wrong) {
      const text = files.get(path);
      if (text === undefined) rmSync(join(ROOT, path));
      else writeFileSync(join(ROOT, path), text);
      console.log(path);
    }
  }
}
