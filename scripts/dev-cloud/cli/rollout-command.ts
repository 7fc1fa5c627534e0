import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { CLI_EXIT, type CliContext, type CliExit } from "../../../agent/node/cli/command.ts";
import { isAsGood, verdictOf } from "../../../agent/core/updates/trial-judge.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import type { CloudClient } from "./cloud-client.ts";

/** Times of a rollout, ms. */
export interface RolloutTimes {
  /** Between two looks at the cloud. */
  readonly lookMs: number;
  /** How long a device may take, before and after its update, to be online with a known screen and a confirmed release. */
  readonly settleMs: number;
  /** How long a device may be offline while its update is under way, which restarts it. */
  readonly offlineMs: number;
}
export const ROLLOUT_TIMES: RolloutTimes = { lookMs: 250, settleMs: 60_000, offlineMs: 20 * 60_000 };

interface Zone {
  readonly name: string;
  readonly ids: readonly Json[];
}

interface Rollout {
  readonly context: CliContext;
  readonly cloud: CloudClient;
  readonly clock: Clock;
  readonly times: RolloutTimes;
  readonly version: string;
  readonly params: JsonObject;
}

/**
 * Updates the devices zone by zone: all of a zone at once, and the next zone only when each device of it is online, runs the release
 * confirmed, and its screen is as good as just before. Exit code 1 when a zone did not come that far; the zones after it are left as they
 * are. Codes: `rollout.release`, `rollout.zones`, or the API's.
 */
export async function rolloutCommand(context: CliContext, cloud: CloudClient, clock: Clock, times = ROLLOUT_TIMES): Promise<Result<CliExit>> {
  const release = await releaseIn(context.options["release"]);
  if (!release.ok) return release;
  const zones = await zonesOf(context.options["zone"], cloud);
  if (!zones.ok) return zones;
  const mirror = context.options["mirror"];
  const hold = context.options["hold-seconds"];
  const { signed, version } = release.value;
  const params: JsonObject = { release: signed, ...(typeof mirror === "string" && { mirror }), ...(typeof hold === "string" && { holdSeconds: Number(hold) }) };
  for (const [at, zone] of zones.value.entries()) {
    const bad = await updateZone({ context, cloud, clock, times, version, params }, zone);
    if (!bad.ok) return bad;
    if (bad.value.length === 0) continue;
    const left = zones.value.slice(at + 1).map(({ name }) => name);
    context.print(`stopped in zone ${zone.name}: ${bad.value.join("; ")}${left.length === 0 ? "" : `\nnot updated: ${left.join(", ")}`}`);
    return ok(CLI_EXIT.notSo);
  }
  context.print(`every zone runs ${version}: ${zones.value.map(({ name }) => name).join(", ")}`);
  return ok(CLI_EXIT.ok);
}

interface ReleaseFile {
  readonly signed: JsonObject;
  readonly version: string;
}

async function releaseIn(path: unknown): Promise<Result<ReleaseFile>> {
  if (typeof path !== "string") return fail("rollout.release", "which release? --release FILE, made by npm run package:manifest");
  try {
    const signed = parseJson(await readFile(path, "utf8"));
    const manifest = isJsonObject(signed) && typeof signed["payload"] === "string" ? parseJson(signed["payload"]) : undefined;
    const version = isJsonObject(manifest) ? manifest["version"] : undefined;
    return isJsonObject(signed) && typeof version === "string" ? ok({ signed, version }) : fail("rollout.release", `${path} is not a signed release manifest`);
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
    zones.push({ name: name.trim(), ids: found.map(({ id }) => id ?? null) });
  }
  return ok(zones);
}

/** Why the zone is not good; empty when it is. */
async function updateZone(rollout: Rollout, { name, ids }: Zone): Promise<Result<readonly string[]>> {
  const { context, version } = rollout;
  const before = await settled(rollout, ids, (device) => isOnline(device) && verdictIn(device) !== "unknown");
  if (!before.ok) return before;
  context.complain(`zone ${name}: ${before.value.map((device) => `${nameOf(device)} (${releaseOf(device)}, ${verdictIn(device)})`).join(", ")}`);
  const offline = before.value.filter((device) => !isOnline(device));
  // Otherwise it would take its update at some later time, when nobody looks at it.
  if (offline.length > 0) return ok(offline.map((device) => `${nameOf(device)} is offline; nothing was sent to this zone`));
  const bad = await sendAndFollow(rollout, before.value);
  if (!bad.ok) return bad;
  const reasons = (): readonly string[] => [...bad.value].map(([device, why]) => `${nameOf(device)}: ${why}`);
  if (context.signal.aborted) return ok(reasons());
  const done = before.value.filter((device) => !bad.value.has(device));
  const after = await settled(rollout, done.map(({ id }) => id ?? null), (device) => verdictIn(device) !== "unknown" && notYet(device, version) === undefined);
  if (!after.ok) return after;
  for (const device of done) {
    const now = after.value.find(({ id }) => id === device["id"]);
    const why = now === undefined ? "the cloud has forgotten it" : (notYet(now, version) ?? worseThan(device, now));
    if (why !== undefined) bad.value.set(device, why);
    else context.complain(`  ${nameOf(device)}: ${releaseOf(device)} → ${releaseOf(now)}, the screen is "${verdictIn(now)}"`);
  }
  return ok(reasons());
}

/** The devices once all are as wanted, or as they are after the time for it. */
async function settled({ context, cloud, clock, times }: Rollout, ids: readonly Json[], isAsWanted: (device: JsonObject) => boolean): Promise<Result<readonly JsonObject[]>> {
  const untilMs = clock.monotonicMs() + times.settleMs;
  for (;;) {
    const list = await devices(cloud);
    if (!list.ok) return list;
    const found = ids.flatMap((id) => list.value.filter((device) => device["id"] === id));
    if (found.length === ids.length && found.every(isAsWanted)) return ok(found);
    if (context.signal.aborted || clock.monotonicMs() >= untilMs) return ok(found);
    await wait(times.lookMs);
  }
}

/** Sends the update to all, and waits for their outcomes. The value: by device, why it was not updated. */
async function sendAndFollow(rollout: Rollout, zone: readonly JsonObject[]): Promise<Result<Map<JsonObject, string>>> {
  const { context, cloud, clock, times, params } = rollout;
  const bad = new Map<JsonObject, string>();
  const open = new Map<JsonObject, { readonly command: string; step?: string; offlineSinceMs?: number | undefined }>();
  for (const device of zone) {
    const sent = await cloud.post(`/api/v1/devices/${text(device["id"])}/commands`, { name: "software.update", params });
    if (sent.ok) open.set(device, { command: text((sent.value["command"] as JsonObject)["id"]) });
    else bad.set(device, `${sent.error.message} [${sent.error.code}]`);
  }
  while (open.size > 0) {
    if (context.signal.aborted) {
      for (const [device] of open) bad.set(device, "interrupted; it finishes by itself");
      break;
    }
    const list = await devices(cloud);
    if (!list.ok) return list;
    for (const [device, under] of open) {
      const answer = await cloud.get(`/api/v1/devices/${text(device["id"])}/commands/${under.command}`);
      if (!answer.ok) return answer;
      const command = answer.value["command"] as JsonObject;
      const step = (command["progress"] as { step?: string } | null | undefined)?.step;
      if (step !== undefined && under.step !== step) context.complain(`  ${nameOf(device)}: ${step}`);
      if (step !== undefined) under.step = step;
      const outcome = command["final"] === true ? outcomeOf(command) : undefined;
      under.offlineSinceMs = list.value.some((each) => each["id"] === device["id"] && isOnline(each)) ? undefined : (under.offlineSinceMs ?? clock.monotonicMs());
      const isGone = under.offlineSinceMs !== undefined && clock.monotonicMs() - under.offlineSinceMs > times.offlineMs;
      if (outcome === undefined && !isGone) continue;
      open.delete(device);
      const why = isGone && outcome === undefined ? `offline for ${Math.round(times.offlineMs / 60_000)} min, without an outcome` : outcome?.why;
      if (why === undefined) continue;
      context.complain(`  ${nameOf(device)}: not updated`);
      bad.set(device, why);
    }
    if (open.size > 0) await wait(times.lookMs);
  }
  return ok(bad);
}

/** `why` it was not updated. Whether a device that takes nothing older runs this very release is seen afterwards. */
function outcomeOf(command: JsonObject): { readonly why?: string } {
  const error = command["error"] as { code: string; message: string } | null | undefined;
  if (command["state"] === "succeeded" || error?.code === "update.not-newer") return {};
  return { why: `${text(command["state"])}${error ? `, ${error.message} [${error.code}]` : ""}` };
}

/** What is missing until a device counts as updated. */
function notYet(device: JsonObject, version: string): string | undefined {
  const { running, confirmed } = softwareOf(device);
  if (!isOnline(device)) return "is offline after its update";
  if (running !== version) return `runs ${running ?? "an unknown release"}, not ${version}`;
  return confirmed === version ? undefined : `runs ${version}, which is not confirmed (${confirmed ?? "an unknown release"} is)`;
}

function worseThan(before: JsonObject, now: JsonObject): string | undefined {
  const [was, is] = [verdictIn(before), verdictIn(now)];
  return isAsGood(was, is) ? undefined : `the screen was "${was}" and is "${is}"`;
}

async function devices(cloud: CloudClient): Promise<Result<readonly JsonObject[]>> {
  const answer = await cloud.get("/api/v1/devices");
  return answer.ok ? ok((answer.value["devices"] ?? []) as readonly JsonObject[]) : answer;
}

function verdictIn(device: JsonObject | undefined) {
  return verdictOf((device?.["verdict"] as { verdict?: string } | null | undefined)?.verdict);
}

function isOnline(device: JsonObject): boolean {
  return (device["link"] as { state?: string } | null | undefined)?.state === "online";
}

function softwareOf(device: JsonObject | undefined): { readonly running?: string; readonly confirmed?: string } {
  return (device?.["software"] as { running?: string; confirmed?: string } | null | undefined) ?? {};
}

function releaseOf(device: JsonObject | undefined): string {
  return softwareOf(device).running ?? "unknown release";
}

function nameOf({ name, id }: JsonObject): string {
  return typeof name === "string" && name !== "" ? name : text(id).slice(0, 8);
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
