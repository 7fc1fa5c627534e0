import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { CLI_EXIT, type CliContext, type CliExit } from "../../../agent/node/cli/command.ts";
import { table } from "../../../agent/node/cli/table.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import type { ApiIssue, CloudClient } from "./cloud-client.ts";

/** How long to wait for the device's answer to a change; one look at the cloud every so often. */
const ANSWER_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 250;

/**
 * Shows the desired document of a device and the device's answer to each key. With `--patch JSON` or `--file FILE` it first changes the
 * document by a merge patch (`null` removes a key) and waits for the answer. Exit code 1 if a key was not applied.
 */
export async function desiredCommand(context: CliContext, cloud: CloudClient, device: string): Promise<CliExit | { readonly error: ApiIssue }> {
  const patch = await patchOf(context);
  if (!patch.ok) return patch;
  const path = `/api/v1/devices/${device}/desired`;
  const first = patch.value === undefined ? await cloud.get(path) : await cloud.patch(path, { patch: patch.value });
  if (!first.ok) return first;
  const shown = patch.value === undefined ? first : await answered(cloud, path, first.value, context.signal);
  if (!shown.ok) return shown;
  if (context.json) context.printJson(shown.value);
  else context.print(`${JSON.stringify(shown.value["document"], undefined, 2)}\n${answerText(shown.value)}`);
  const keys = keysOf(shown.value);
  return keys !== undefined && keys.every(([, result]) => result["status"] === "applied") ? CLI_EXIT.ok : CLI_EXIT.notSo;
}

async function patchOf({ options }: CliContext): Promise<Result<JsonObject | undefined>> {
  const { patch, file } = options;
  if (patch === undefined && file === undefined) return ok(undefined);
  if (patch !== undefined && file !== undefined) return fail("params.not-json", "give either --patch or --file");
  let text = String(patch);
  if (typeof file === "string") {
    try {
      text = await readFile(file, "utf8");
    } catch (thrown) {
      return fail("params.not-json", `${file} cannot be read: ${messageOf(thrown)}`);
    }
  }
  const json = parseJson(text);
  return isJsonObject(json ?? null) ? ok(json as JsonObject) : fail("params.not-json", "the change must be a JSON object, such as '{\"display\": {\"brightness\": 60}}'");
}

/** Waits until the device has answered every key of this version. */
async function answered(cloud: CloudClient, path: string, first: JsonObject, signal: AbortSignal): Promise<Result<JsonObject>> {
  for (let waitedMs = 0; waitedMs < ANSWER_WITHIN_MS && !signal.aborted; waitedMs += LOOK_EVERY_MS) {
    const now = await cloud.get(path);
    if (!now.ok || keysOf(now.value)?.every(([, { status }]) => status !== "pending") === true || isRefused(now.value)) return now;
    await wait(LOOK_EVERY_MS);
  }
  return ok(first);
}

/** The answers to the keys; `undefined` until the device has this version. */
function keysOf({ version, report }: JsonObject): readonly (readonly [string, JsonObject])[] | undefined {
  if (!isJsonObject(report ?? null)) return undefined;
  const { version: applied, keys } = report as JsonObject;
  return applied === version && isJsonObject(keys ?? null) ? (Object.entries(keys as JsonObject) as [string, JsonObject][]) : undefined;
}

function isRefused({ version, report }: JsonObject): boolean {
  return isJsonObject(report ?? null) && ((report as JsonObject)["refused"] as JsonObject | undefined)?.["version"] === version;
}

function answerText(shown: JsonObject): string {
  if (isRefused(shown)) return `version ${text(shown["version"])} was refused: ${refusalText((shown["report"] as JsonObject)["refused"] as JsonObject)}`;
  const keys = keysOf(shown);
  if (keys === undefined) return `version ${text(shown["version"])}; the device has not answered it yet`;
  return table([["KEY", "ANSWER", "WHY"], ...keys.flatMap(([key, { status, error }]) => [[key, text(status), errorText(error)], ...hintRows(error)])]);
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

function refusalText({ error }: JsonObject): string {
  return [errorText(error), ...hintRows(error).map(([, , hint]) => hint)].join("\n");
}

/** What to do about it, in the column of the reasons. */
function hintRows(error: Json | undefined): readonly (readonly [string, string, string])[] {
  if (!isJsonObject(error ?? null)) return [];
  const { hint } = error as JsonObject;
  return hint === undefined ? [] : [["", "", `→ ${text(hint)}`]];
}

function errorText(error: Json | undefined): string {
  if (!isJsonObject(error ?? null)) return "";
  const { code, message } = error as JsonObject;
  return `${text(message)} [${text(code)}]`;
}
