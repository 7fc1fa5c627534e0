import { setTimeout as wait } from "node:timers/promises";
import { nearestName } from "../../../agent/core/config/nearest-name.ts";
import { CLI_EXIT, type CliCommand, type CliContext, type CliExit } from "../../../agent/node/cli/command.ts";
import { formatDuration, table } from "../../../agent/node/cli/table.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { CloudClient, type ApiIssue } from "./cloud-client.ts";
import { desiredCommand } from "./desired-command.ts";
import { ROLLOUT_TIMES, rolloutCommand, type RolloutTimes } from "./rollout-command.ts";
import { paramsFromWords } from "./free-params.ts";

const URL_OPTION = { url: { type: "string" } } as const;
const URL_HELP = ["--url URL   the development cloud (default: $VITRINE_CLOUD_URL, else http://127.0.0.1:4600)"];
/** Added to the command's own time limits, for the way there and back. */
const GRACE_MS = 15_000;

/** Commands against the development cloud, over its HTTP API. */
export function cloudCommands(env: Readonly<Record<string, string | undefined>>, clock: Clock, times = ROLLOUT_TIMES): readonly CliCommand[] {
  const client = (context: CliContext): CloudClient => new CloudClient((context.options["url"] as string | undefined) ?? env["VITRINE_CLOUD_URL"] ?? "http://127.0.0.1:4600");
  return [
    {
      name: "devices", summary: "Lists the devices of the development cloud.", usage: "[--url URL]", options: URL_OPTION, help: URL_HELP,
      run: (context) => devices(context, client(context), clock),
    },
    {
      name: "send", summary: "Sends a command to a device and waits for its outcome.", usage: "<device> <command> [--param value …] [--params JSON] [--no-wait] [--insist] [--url URL]",
      options: { ...URL_OPTION, params: { type: "string" }, "no-wait": { type: "boolean" }, insist: { type: "boolean" } }, freeOptions: true,
      help: [...URL_HELP, "<device> is an id, the start of an id, or a name. Exit code 1 when the command did not succeed.", "--insist sends a command even if the device's profile says that it is not possible.", "Example: npm run cloud -- send lobby display.power --on false"],
      run: (context) => send(context, client(context), clock),
    },
    {
      name: "cancel", summary: "Cancels a command that is not finished, and waits for its outcome.", usage: "<device> [<command id>] [--no-wait] [--url URL]", argsMax: 2,
      options: { ...URL_OPTION, "no-wait": { type: "boolean" } },
      help: [...URL_HELP, "Without an id, the open commands of the device are listed. A software update is canceled while it waits or downloads; a switch goes on.", "Exit code 1 when the command ended otherwise.", "Example: npm run cloud -- cancel lobby c-0123456789abcdef"],
      run: (context) => cancel(context, client(context), clock),
    },
    {
      name: "desired", summary: "Shows or changes the desired state of a device, with the device's answers.", usage: "<device> [--patch JSON | --file FILE] [--url URL]", argsMax: 1,
      options: { ...URL_OPTION, patch: { type: "string" }, file: { type: "string" } },
      help: [...URL_HELP, "The change is a merge patch: null removes a key. Exit code 1 when the device did not apply every key.", "Example: npm run cloud -- desired lobby --file rules.json"],
      run: (context) => desired(context, client(context)),
    },
    {
      name: "rollout", summary: "Updates devices zone by zone, and stops when a zone gets worse.", usage: "--release FILE --zone NAME=DEVICE,… [--zone NAME=*] [--mirror URL] [--hold-seconds N] [--url URL]", argsMax: 0,
      options: { ...URL_OPTION, release: { type: "string" }, zone: { type: "string", multiple: true }, mirror: { type: "string" }, "hold-seconds": { type: "string" } },
      help: [...URL_HELP, "--release FILE is made by npm run package:manifest. --zone is repeated, in the order of the rollout; * is every claimed device in no earlier zone.", "--mirror URL: the devices download from this folder. Exit code 1 when the rollout stopped.", "Example: npm run cloud -- rollout --release vitrine_1.2.0.release.json --zone first=lobby --zone 'rest=*'"],
      run: (context) => rollout(context, client(context), clock, times),
    },
    {
      name: "watch", summary: "Prints events until Ctrl-C.", usage: "[<device>] [--url URL]", argsMax: 1, options: URL_OPTION, help: URL_HELP,
      run: (context) => watch(context, client(context), clock),
    },
    {
      name: "claim", summary: "Claims a device by the code on its screen.", usage: "<code> [--name NAME] [--url URL]", argsMax: 1, options: { ...URL_OPTION, name: { type: "string" } }, help: URL_HELP,
      run: (context) => claim(context, client(context)),
    },
  ];
}

async function devices(context: CliContext, cloud: CloudClient, clock: Clock): Promise<CliExit> {
  const answer = await cloud.get("/api/v1/devices");
  if (!answer.ok) return complain(context, answer.error);
  const list = (answer.value["devices"] ?? []) as readonly JsonObject[];
  if (context.json) for (const device of list) context.printJson(device);
  else context.print(list.length === 0 ? "no devices yet" : table([["NAME", "LINK", "SCREEN", "RELEASE", "OWNER", "ID"], ...list.map((device) => deviceRow(device, clock))]));
  return CLI_EXIT.ok;
}

function deviceRow(device: JsonObject, clock: Clock): readonly string[] {
  const link = device["link"] as { state?: string; sinceMs?: number } | undefined;
  const verdict = (device["verdict"] as { verdict?: string } | null)?.verdict ?? "unknown";
  const software = device["software"] as { running?: string; confirmed?: string } | null | undefined;
  const release = `${software?.running ?? "—"}${software?.running === software?.confirmed ? "" : " (on trial)"}`;
  const pairing = (device["pairing"] as { code?: string } | null)?.code;
  const since = link?.sinceMs === undefined ? "" : ` for ${formatDuration(clock.wallMs() - link.sinceMs)}`;
  return [text(device["name"]), `${link?.state ?? "?"}${since}`, link?.state === "online" ? verdict : `unknown (was ${verdict})`, release, device["claimed"] === true ? "claimed" : `code ${pairing ?? "—"}`, text(device["id"])];
}

async function send(context: CliContext, cloud: CloudClient, clock: Clock): Promise<CliExit> {
  const [device, name, ...words] = context.args;
  if (device === undefined || name === undefined) {
    context.complain(`npm run cloud -- send: which device and which command?\n${context.usage}`);
    return CLI_EXIT.usage;
  }
  const found = await findDevice(cloud, device);
  if (!found.ok) return complain(context, found.error);
  const params = await readParams(cloud, name, words, context.options["params"] as string | undefined);
  if (!params.ok) {
    context.complainOf(params.error);
    return params.error.code === "cloud.unreachable" ? CLI_EXIT.unreachable : CLI_EXIT.usage;
  }
  const sent = await cloud.post(`/api/v1/devices/${found.value}/commands`, { name, params: params.value, insist: context.options["insist"] === true });
  if (!sent.ok) return complain(context, inWordsOfTheCommandLine(sent.error));
  const command = sent.value["command"] as JsonObject;
  if (context.options["no-wait"] === true) return printOutcome(context, cloud, command);
  return waitForOutcome(context, cloud, clock, found.value, command);
}

/** Without an id it lists what could be canceled. */
async function cancel(context: CliContext, cloud: CloudClient, clock: Clock): Promise<CliExit> {
  const [device, id] = context.args;
  if (device === undefined) {
    context.complain(`npm run cloud -- cancel: which device?\n${context.usage}`);
    return CLI_EXIT.usage;
  }
  const found = await findDevice(cloud, device);
  if (!found.ok) return complain(context, found.error);
  if (id === undefined) return openCommands(context, cloud, clock, found.value);
  const asked = await cloud.post(`/api/v1/devices/${found.value}/commands/${encodeURIComponent(id)}/cancel`, {});
  if (!asked.ok) return complain(context, asked.error);
  const command = asked.value["command"] as JsonObject;
  if (context.options["no-wait"] === true) return printOutcome(context, cloud, command);
  const end = await followOutcome(context, cloud, clock, found.value, command);
  if (!end.ok) return complain(context, end.error);
  printOutcome(context, cloud, end.value);
  return end.value["state"] === "canceled" ? CLI_EXIT.ok : CLI_EXIT.notSo;
}

async function openCommands(context: CliContext, cloud: CloudClient, clock: Clock, device: string): Promise<CliExit> {
  const answer = await cloud.get(`/api/v1/devices/${device}/commands?state=open&limit=200`);
  if (!answer.ok) return complain(context, answer.error);
  const open = (answer.value["commands"] ?? []) as readonly JsonObject[];
  const row = (command: JsonObject): readonly string[] => [
    text(command["id"]), text(command["name"]), text(command["state"]), formatDuration(Math.max(0, clock.wallMs() - Number(command["issuedMs"]))),
    (command["progress"] as { step?: string } | null | undefined)?.step ?? "",
  ];
  if (context.json) for (const command of open) context.printJson(command);
  else context.print(open.length === 0 ? "no open commands" : table([["ID", "COMMAND", "STATE", "AGE", "STEP"], ...open.map(row)]));
  return CLI_EXIT.ok;
}

/** Prints an issue and returns the exit code. A rejected value is a usage error even when the cloud rejected it. */
function complain(context: CliContext, { httpStatus, ...issue }: ApiIssue): CliExit {
  context.complainOf(issue);
  if (httpStatus === 400 || issue.code === "cloud.bad-address") return CLI_EXIT.usage;
  return issue.code === "cloud.unreachable" ? CLI_EXIT.unreachable : CLI_EXIT.notSo;
}

/** Replaces hints that are written for users of the HTTP API. */
function inWordsOfTheCommandLine(issue: ApiIssue): ApiIssue {
  return issue.code === "command.not-possible" ? { ...issue, hint: "send it anyway with --insist; the device then answers itself" } : issue;
}

async function readParams(cloud: CloudClient, name: string, words: readonly string[], json: string | undefined): Promise<Result<JsonObject>> {
  const catalog = await cloud.get("/api/v1/commands/catalog");
  if (!catalog.ok) return catalog;
  const commands = (catalog.value["commands"] ?? []) as readonly JsonObject[];
  const info = commands.find((command) => command["name"] === name);
  if (info === undefined) {
    const meant = nearestName(name, commands.map((command) => text(command["name"])));
    return fail("command.unknown", `there is no command "${name}"${meant === undefined ? "" : `; did you mean "${meant}"?`}`, `commands are ${commands.map((command) => text(command["name"])).join(", ")}`);
  }
  const base = json === undefined ? {} : parseJson(json);
  if (!isJsonObject(base ?? null)) return fail("params.not-json", "--params must be a JSON object");
  const free = paramsFromWords(words, info["params"] as JsonObject);
  return free.ok ? ok({ ...(base as JsonObject), ...free.value }) : free;
}

async function waitForOutcome(context: CliContext, cloud: CloudClient, clock: Clock, device: string, first: JsonObject): Promise<CliExit> {
  const end = await followOutcome(context, cloud, clock, device, first);
  return end.ok ? printOutcome(context, cloud, end.value) : complain(context, end.error);
}

/** The command once it is final, or as it is when it should have been. */
async function followOutcome(context: CliContext, cloud: CloudClient, clock: Clock, device: string, first: JsonObject): Promise<Result<JsonObject>> {
  let command = first;
  let said = "";
  const giveUpMs = clock.monotonicMs() + Number(command["ttlMs"] ?? 60_000) + Number(command["timeoutMs"] ?? 60_000) + GRACE_MS;
  while (command["final"] !== true && !context.signal.aborted && clock.monotonicMs() < giveUpMs) {
    const state = text(command["state"]);
    if (state !== said && !context.json) context.complain(state);
    said = state;
    await wait(150);
    const answer = await cloud.get(`/api/v1/devices/${device}/commands/${text(command["id"])}`);
    if (!answer.ok) return answer;
    command = answer.value["command"] as JsonObject;
  }
  return ok(command);
}

function printOutcome(context: CliContext, cloud: CloudClient, command: JsonObject): CliExit {
  if (context.json) context.printJson(command);
  else context.print([outcomeText(command), ...filesOf(command, cloud)].join("\n"));
  if (command["final"] !== true) return context.options["no-wait"] === true ? CLI_EXIT.ok : CLI_EXIT.notSo;
  return command["state"] === "succeeded" ? CLI_EXIT.ok : CLI_EXIT.notSo;
}

function outcomeText(command: JsonObject): string {
  const lines = [`${text(command["name"])}: ${text(command["state"])}${typeof command["durationMs"] === "number" ? ` in ${formatDuration(command["durationMs"])}` : ""}`];
  const error = command["error"] as { code: string; message: string; hint?: string } | null | undefined;
  if (error) lines.push(`  ${error.message} [${error.code}]`, ...(error.hint === undefined ? [] : [`  → ${error.hint}`]));
  const effect = command["effect"];
  if (isJsonObject(effect ?? null)) lines.push(`  ${effectText(effect as JsonObject)}`);
  if (isJsonObject(command["result"] ?? null)) lines.push(`  result: ${JSON.stringify(command["result"])}`);
  return lines.join("\n");
}

/** URLs of the files that a succeeded command uploaded. */
function filesOf(command: JsonObject, cloud: CloudClient): readonly string[] {
  const uploads = command["state"] === "succeeded" && Array.isArray(command["uploads"]) ? (command["uploads"] as readonly Json[]) : [];
  return uploads.map((id) => `  file: ${cloud.address(`/api/v1/uploads/${encodeURIComponent(text(id))}/file`)}`);
}

function effectText(effect: JsonObject): string {
  const observed = effect["observed"] as { kind: string; value?: Json; why?: string } | undefined;
  const acknowledged = effect["acknowledged"];
  const seen = observed?.kind === "ok" ? `observed ${JSON.stringify(observed.value)}` : `not observed (${observed?.why ?? observed?.kind ?? "unknown"})`;
  return `${effect["attempted"] === true ? "attempted" : "not attempted"}, ${acknowledged === true ? "acknowledged" : acknowledged === false ? "refused" : "no acknowledgment"}, ${seen}`;
}

async function desired(context: CliContext, cloud: CloudClient): Promise<CliExit> {
  const [device] = context.args;
  if (device === undefined) {
    context.complain(`npm run cloud -- desired: which device?\n${context.usage}`);
    return CLI_EXIT.usage;
  }
  const found = await findDevice(cloud, device);
  if (!found.ok) return complain(context, found.error);
  const done = await desiredCommand(context, cloud, found.value);
  if (typeof done === "number") return done;
  if (done.error.code !== "params.not-json") return complain(context, done.error);
  context.complainOf(done.error);
  return CLI_EXIT.usage;
}

async function rollout(context: CliContext, cloud: CloudClient, clock: Clock, times: RolloutTimes): Promise<CliExit> {
  const done = await rolloutCommand(context, cloud, clock, times);
  if (done.ok) return done.value;
  if (!done.error.code.startsWith("rollout.")) return complain(context, done.error);
  context.complainOf(done.error);
  return CLI_EXIT.usage;
}

async function watch(context: CliContext, cloud: CloudClient, clock: Clock): Promise<CliExit> {
  const named = context.args[0];
  const device = named === undefined ? ok(undefined) : await findDevice(cloud, named);
  if (!device.ok) return complain(context, device.error);
  for await (const event of cloud.events(`/api/v1/events${device.value === undefined ? "" : `?device=${device.value}`}`, context.signal)) {
    if (!event.ok) return complain(context, event.error);
    if (context.json) context.printJson(event.value);
    else if (event.value.event === "hello") context.complain(`following ${named ?? "every device"}; press Ctrl-C to stop`);
    else context.print(`${new Date(clock.wallMs()).toISOString()}  ${event.value.event.padEnd(10)}  ${eventText(event.value.event, event.value.data, clock)}`);
  }
  return CLI_EXIT.ok;
}

function eventText(event: string, data: Json, clock: Clock): string {
  const body = (isJsonObject(data) ? data : {}) as Record<string, JsonObject & Json[]>;
  if (event === "device" && body["device"]) return deviceRow(body["device"], clock).join("  ");
  if (event === "command" && body["command"]) return outcomeText(body["command"]).replaceAll("\n", " ");
  if (event === "record" && Array.isArray(body["records"])) return body["records"].map((record) => `${text((record as JsonObject)["stream"])} ${JSON.stringify((record as JsonObject)["body"])}`).join("  ");
  return JSON.stringify(data).slice(0, 400);
}

async function claim(context: CliContext, cloud: CloudClient): Promise<CliExit> {
  const code = context.args[0];
  if (code === undefined) {
    context.complain(`npm run cloud -- claim: which code? It is on the device's screen, and \`vitrine pair\` prints it.\n${context.usage}`);
    return CLI_EXIT.usage;
  }
  const name = context.options["name"];
  const answer = await cloud.post("/api/v1/claim", typeof name === "string" ? { code, name } : { code });
  if (!answer.ok) return complain(context, answer.error);
  const device = answer.value["device"] as JsonObject;
  if (context.json) context.printJson(device);
  else context.print(`claimed ${text(device["name"])} (${text(device["id"])})`);
  return CLI_EXIT.ok;
}

/** Finds a device by id, name or unique id prefix. Codes: `device.ambiguous`, `device.unknown`. */
async function findDevice(cloud: CloudClient, wanted: string): Promise<Result<string>> {
  const answer = await cloud.get("/api/v1/devices");
  if (!answer.ok) return answer;
  const list = (answer.value["devices"] ?? []) as readonly JsonObject[];
  const exact = list.filter((device) => device["id"] === wanted || device["name"] === wanted);
  const found = exact.length > 0 ? exact : list.filter((device) => text(device["id"]).startsWith(wanted.toLowerCase()));
  if (found.length === 1) return ok(text(found[0]?.["id"]));
  const names = list.map((device) => `${text(device["name"])} (${text(device["id"]).slice(0, 8)})`).join(", ");
  return found.length > 1
    ? fail("device.ambiguous", `"${wanted}" matches ${found.length} devices`, `type more of the id; devices are ${names}`)
    : fail("device.unknown", `no device is called "${wanted}"`, list.length > 0 ? `devices are ${names}` : "none has connected yet");
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
