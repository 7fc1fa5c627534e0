import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import * as v from "valibot";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { redact } from "../../../platform/runtime/redact.ts";
import type { Agent } from "../../core/agent.ts";
import { CONFIG_KEYS, configEntry } from "../../core/config/config-table.ts";
import { isSet } from "../../core/config/resolve-config.ts";
import { validate } from "../../protocol/codec.ts";
import type { ReadConfig } from "../config/read-config.ts";
import { readLogTail } from "../log-files.ts";
import type { Paths } from "../paths.ts";
import { statusOf } from "../status.ts";
import type { BundleAnswer, CommandsAnswer, ConfigAnswer, DoctorAnswer, LogsAnswer } from "./answers.ts";
import type { LocalMethods } from "./local-server.ts";
import { waitingRecords } from "./waiting-records.ts";

export interface LocalMethodDeps {
  readonly agent: Agent;
  readonly config: ReadConfig;
  readonly paths: Paths;
  readonly signal: AbortSignal;
  flushLog(): void;
}

const BUNDLE_LOG_BYTES = 8 * 1024 * 1024;

/** The methods of the local API that every device has. */
export function localMethods(deps: LocalMethodDeps): LocalMethods {
  const { agent, paths } = deps;
  return {
    status: () => Promise.resolve(ok(statusOf(agent, paths.data))),
    doctor: async () => ok(await doctor(deps)),
    config: () => Promise.resolve(ok(configAnswer(deps.config))),
    commands: ({ limit }) => commands(agent, countOf(limit, 20)),
    events: async ({ limit }) => ok({ waiting: await waitingRecords(agent.ports.outbox, countOf(limit, 50)) }),
    logs: async ({ lines }) => {
      deps.flushLog();
      const logs = await readLogTail(paths.logs, countOf(lines, 100) * 400);
      if (!logs.ok) return logs;
      const all = logs.value.flatMap(({ text }) => text.split("\n").filter((line) => line !== ""));
      return ok({ lines: byTime(all).slice(-countOf(lines, 100)) } satisfies LogsAnswer);
    },
    "slot-outcome": (params) => slotOutcome(agent, params),
    "support-bundle": ({ out }) => supportBundle(deps, out),
  };
}

const SlotOutcomeSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,64}$/)),
  state: v.picklist(["confirmed", "refused"]),
  code: v.optional(v.pipe(v.string(), v.maxLength(64))),
  message: v.pipe(v.string(), v.maxLength(2000)),
});

/** Stores how the trial of a slot ended (`agent/slot`), once for an id; the sender keeps it until then. */
async function slotOutcome(agent: Agent, params: unknown): Promise<Result<Record<string, never>>> {
  const read = validate(SlotOutcomeSchema, params, "the slot's outcome", "local.malformed");
  if (!read.ok) return read;
  const { id, state, code, message } = read.value;
  const body = { name: `slot.${state}`, data: { bootId: id, message, ...(code !== undefined && { code }) } };
  const stored = await agent.ports.outbox.append({ stream: "event", kind: "agent", source: "agent", dedupeKey: `slot:${id}`, onceOnDisk: true, body });
  return stored.ok ? ok({}) : stored;
}

async function doctor({ agent, signal }: LocalMethodDeps): Promise<DoctorAnswer> {
  return { checks: await agent.diagnostics.run(signal) };
}

function configAnswer(config: ReadConfig): ConfigAnswer {
  const entries = CONFIG_KEYS.map((key) => {
    const entry = configEntry(key);
    const secret = entry.secret === true;
    return { key, value: secret ? null : config.values[key], ...(secret && { isSet: isSet(config.values[key]) }), source: config.sources[key], default: entry.default, secret, description: entry.description };
  });
  return { file: config.file, entries, issues: config.issues.map(({ code, message, hint }) => ({ code, message, hint })) };
}

async function commands(agent: Agent, limit: number): Promise<Result<CommandsAnswer>> {
  const entries = await agent.ports.journal.recent(limit);
  if (!entries.ok) return entries;
  return ok({
    commands: entries.value.map((entry) => ({
      id: entry.id,
      attempt: entry.attempt,
      name: entry.name,
      state: entry.state.kind === "final" ? entry.state.outcome.state : entry.state.kind,
      receivedMs: entry.received.wallMs,
      ...(entry.state.kind === "final" && { outcome: entry.state.outcome }),
    })),
  });
}

/** Writes a support bundle (zip). It contains no key, no token and no secret of the configuration. */
async function supportBundle(deps: LocalMethodDeps, wanted: unknown) {
  const out = wanted ?? deps.paths.supportBundle;
  if (typeof out !== "string" || !isAbsolute(out)) return fail("bundle.path", "support-bundle needs an absolute path to write to");
  deps.flushLog();
  const logs = await readLogTail(deps.paths.logs, BUNDLE_LOG_BYTES);
  // Loaded on demand: it fills large tables on loading, and most devices never need it.
  const { strToU8, zipSync } = await import("fflate");
  const json = (value: unknown): Uint8Array => strToU8(JSON.stringify(redact(value), null, 2));
  const files: Record<string, Uint8Array> = {
    "status.json": json(statusOf(deps.agent, deps.paths.data)),
    "doctor.json": json(await doctor(deps)),
    "config.json": json(configAnswer(deps.config)),
    "reported.json": json(deps.agent.parts.reported.document()),
    "profile.json": json(deps.agent.profile),
    "commands.json": json(await commands(deps.agent, 200)),
    ...(logs.ok ? Object.fromEntries(logs.value.map(({ name, text }) => [`logs/${name}`, strToU8(text)])) : { "logs-error.json": json(logs.error) }),
  };
  try {
    await mkdir(dirname(out), { recursive: true });
    const zip = zipSync(files);
    await replaceFile(out, zip);
    return ok({ path: out, bytes: zip.length, files: Object.keys(files) } satisfies BundleAnswer);
  } catch (thrown) {
    return fail("bundle.unwritable", `${out} cannot be written: ${messageOf(thrown)}`, "with --out, name a file that the agent's user can write, or omit --out");
  }
}

/** Writes for this user only, and never through a link at the file's path: the agent may be root. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes, { mode: 0o600, flag: "wx" });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function countOf(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 10_000 ? value : fallback;
}

/** Merges log lines by time; pino writes ISO times, which sort as text. */
function byTime(lines: readonly string[]): readonly string[] {
  const timed = lines.map((line) => [/"time":"([^"]*)"/.exec(line)?.[1] ?? "", line] as const);
  return timed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, line]) => line);
}
