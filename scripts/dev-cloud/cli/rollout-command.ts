import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { CLI_EXIT, type CliContext, type CliExit } from "../../../agent/node/cli/command.ts";
import { isAsGood, verdictOf } from "../../../agent/core/updates/trial-judge.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import type { CloudClient } from "./cloud-client.ts";

const LOOK_MS = 250;

interface Zone {
  readonly name: string;
  readonly devices: readonly JsonObject[];
}

/**
 * Updates the devices zone by zone: all of a zone at once, and the next zone only when each device of it has succeeded and its screen is as
 * good as before. Exit code 1 when a zone got worse; the zones after it are left as they are. Codes: `rollout.release`, `rollout.zones`, or the API's.
 */
export async function rolloutCommand(context: CliContext, cloud: CloudClient): Promise<Result<CliExit>> {
  const release = await releaseIn(context.options["release"]);
  if (!release.ok) return release;
  const zones = await zonesOf(context.options["zone"], cloud);
  if (!zones.ok) return zones;
  const mirror = context.options["mirror"];
  const hold = context.options["hold-seconds"];
  const params: JsonObject = { release: release.value, ...(typeof mirror === "string" && { mirror }), ...(typeof hold === "string" && { holdSeconds: Number(hold) }) };
  for (const [at, zone] of zones.value.entries()) {
    context.complain(`zone ${zone.name}: ${zone.devices.map(nameOf).join(", ")}`);
    const worse = await updateZone(context, cloud, zone, params);
    if (!worse.ok) return worse;
    if (worse.value.length === 0) continue;
    const left = zones.value.slice(at + 1).map(({ name }) => name);
    context.print(`stopped in zone ${zone.name}: ${worse.value.join("; ")}${left.length === 0 ? "" : `\nnot updated: ${left.join(", ")}`}`);
    return ok(CLI_EXIT.notSo);
  }
  context.print(`every zone is updated: ${zones.value.map(({ name }) => name).join(", ")}`);
  return ok(CLI_EXIT.ok);
}

async function releaseIn(path: unknown): Promise<Result<JsonObject>> {
  if (typeof path !== "string") return fail("rollout.release", "which release? --release FILE, made by npm run package:manifest");
  try {
    const json = parseJson(await readFile(path, "utf8"));
    return json !== undefined && isJsonObject(json) ? ok(json) : fail("rollout.release", `${path} is not a signed release manifest`);
  } catch (thrown) {
    return fail("rollout.release", `${path} cannot be read: ${messageOf(thrown)}`);
  }
}

/** `NAME=DEVICE,DEVICE` each; `*` means every claimed device that is in no earlier zone. */
async function zonesOf(options: unknown, cloud: CloudClient): Promise<Result<readonly Zone[]>> {
  const texts = Array.isArray(options) ? (options as readonly string[]) : [];
  if (texts.length === 0) return fail("rollout.zones", "which devices? --zone first=lobby,window --zone rest=*");
  const list = await devices(cloud);
  if (!list.ok) return list;
  const zones: Zone[] = [];
  const taken = new Set<Json | undefined>();
  for (const text of texts) {
    const [, name, words] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined || words === undefined) return fail("rollout.zones", `"${text}" is not NAME=DEVICE,DEVICE`);
    const free = list.value.filter(({ id }) => !taken.has(id));
    const chosen = words.trim() === "*" ? free.filter((device) => device["claimed"] === true) : words.split(",").map((word) => free.find(({ id, name: called }) => id === word.trim() || called === word.trim()));
    const at = chosen.indexOf(undefined);
    if (at >= 0) return fail("rollout.zones", `zone ${name}: no device that is in no earlier zone is called "${words.split(",")[at]?.trim() ?? ""}"`, `devices are ${list.value.map(nameOf).join(", ")}`);
    const found = chosen.filter((device) => device !== undefined);
    for (const { id } of found) taken.add(id);
    zones.push({ name: name.trim(), devices: found });
  }
  return ok(zones);
}

/** What got worse in the zone; empty when nothing did. */
async function updateZone(context: CliContext, cloud: CloudClient, { devices: before }: Zone, params: JsonObject): Promise<Result<readonly string[]>> {
  const worse: string[] = [];
  const open = new Map<JsonObject, string>();
  const steps = new Map<JsonObject, string>();
  for (const device of before) {
    const sent = await cloud.post(`/api/v1/devices/${text(device["id"])}/commands`, { name: "software.update", params });
    if (sent.ok) open.set(device, text((sent.value["command"] as JsonObject)["id"]));
    else worse.push(`${nameOf(device)}: ${sent.error.message} [${sent.error.code}]`);
  }
  while (open.size > 0) {
    if (context.signal.aborted) return ok([...worse, "interrupted; the devices finish by themselves"]);
    for (const [device, id] of open) {
      const answer = await cloud.get(`/api/v1/devices/${text(device["id"])}/commands/${id}`);
      if (!answer.ok) return answer;
      const command = answer.value["command"] as JsonObject;
      const step = (command["progress"] as { step?: string } | null | undefined)?.step;
      if (step !== undefined && steps.get(device) !== step) {
        steps.set(device, step);
        context.complain(`  ${nameOf(device)}: ${step}`);
      }
      if (command["final"] !== true) continue;
      open.delete(device);
      const bad = badOutcome(command);
      context.complain(`  ${nameOf(device)}: ${bad ?? "done"}`);
      if (bad !== undefined) worse.push(`${nameOf(device)}: ${bad}`);
    }
    if (open.size > 0) await wait(LOOK_MS);
  }
  const after = await devices(cloud);
  if (!after.ok) return after;
  for (const device of before) {
    const [was, now] = [verdictIn(device), verdictIn(after.value.find(({ id }) => id === device["id"]))];
    if (!isAsGood(was, now)) worse.push(`${nameOf(device)}: the screen was "${was}" and is "${now}"`);
  }
  return ok(worse);
}

/** A device that runs the release already is no reason to stop. */
function badOutcome(command: JsonObject): string | undefined {
  const error = command["error"] as { code: string; message: string } | null | undefined;
  if (command["state"] === "succeeded" || error?.code === "update.not-newer") return undefined;
  return `${text(command["state"])}${error ? `, ${error.message} [${error.code}]` : ""}`;
}

async function devices(cloud: CloudClient): Promise<Result<readonly JsonObject[]>> {
  const answer = await cloud.get("/api/v1/devices");
  return answer.ok ? ok((answer.value["devices"] ?? []) as readonly JsonObject[]) : answer;
}

function verdictIn(device: JsonObject | undefined) {
  return verdictOf((device?.["verdict"] as { verdict?: string } | null | undefined)?.verdict);
}

function nameOf({ name, id }: JsonObject): string {
  return typeof name === "string" && name !== "" ? name : text(id).slice(0, 8);
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
