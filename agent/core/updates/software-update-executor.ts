import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { seen } from "../../../platform/ports/reading.ts";
import { fail, ok, type Issue, foreignCode, type Result } from "../../../platform/ports/result.ts";
import type { FailedUpdate, ReleaseFiles, SoftwareStatus, SoftwareUpdater } from "../../../platform/ports/software.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { CommandParams, CommandResult } from "../../protocol/commands/catalog.ts";
import { HOUR_MS } from "../../protocol/commands/definition.ts";
import { softwareUpdate } from "../../protocol/commands/software.ts";
import type { Verdict } from "../../protocol/reported.ts";
import type { CommandExecutor, Execution, ExecutionContext, NotStarted, ResolutionContext, Unknown } from "../commands/executor.ts";
import type { IntentNote } from "../commands/journal-entry.ts";
import type { Uploader } from "../commands/uploader.ts";
import { judgeTrial, verdictOf } from "./trial-judge.ts";
import type { FileToFetch, KeptPicture, UpdateFiles } from "./update-files.ts";

export interface SoftwareUpdateDeps {
  readonly software: SoftwareUpdater;
  readonly files: UpdateFiles;
  /** Version of this program. */
  readonly version: string;
  verdict(): Verdict | undefined;
  /** Whether a player host is connected. */
  hasPlayer(): boolean;
  isOnline(): boolean;
  /** The cloud's time, if known. */
  serverNowMs(): number | undefined;
  /** A picture of the screen, for the evidence. */
  picture(): Promise<Result<KeptPicture>>;
  readonly uploader: Uploader;
  /** Called when something about the installed software may have changed. */
  changed(): void;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

type Params = CommandParams<"software.update">;
type Done = Execution<CommandResult<"software.update">>;

const HOLD_SECONDS = 60;
const TRIAL_MINUTES = 10;
const ASK_MS = 2_000;
/** After a boot the player and the first verdict over its picture take a while; a device without a player has neither. In `holdSeconds`. */
const BEFORE_HOLDS = 3;
const WINDOW_LOOK_MS = 60_000;
/** How long unpacking, the switch and the report after the trial may take on a slow card. */
const AROUND_TRIAL_MS = 30 * 60_000;
/** The judge is done before the updater's own time limit. */
const MARGIN_MS = 20_000;
const RETRY: RetryPolicy = { firstMs: 10_000, factor: 2, capMs: 30 * 60_000, floorMs: 2_000 };
/** How long the report of a failure waits for a link, to send the picture along. */
const UPLOAD_WAIT_MS = 60_000;
/** An outcome has to fit into one record. */
const LOG_CHARS_MAX = 8_000;

/**
 * `software.update`: checks the release, waits for its window, downloads it, and hands it to the updater, which restarts this process. What became of
 * it is decided by the updater's records alone, so that the outcome is the same for whichever release reports it.
 */
export function softwareUpdateExecutor(deps: SoftwareUpdateDeps): CommandExecutor<"software.update"> {
  return {
    run: (params, context) => run(deps, params, context),
    resolve: (params, note, context) => (typeof note["job"] === "string" ? follow(deps, params, note, context.signal, context) : Promise.resolve({ state: "not-started" })),
  };
}

async function run(deps: SoftwareUpdateDeps, params: Params, context: ExecutionContext): Promise<Done> {
  const { software, timers, clock } = deps;
  const startedMs = clock.monotonicMs();
  const { release, holdSeconds = HOLD_SECONDS, trialMinutes = TRIAL_MINUTES } = params;
  if (holdSeconds * 2 > trialMinutes * 60) return { state: "rejected", error: { code: "update.trial-too-short", message: `a trial of ${trialMinutes} min is too short for a picture that has to be good for ${holdSeconds} s`, hint: "Make trialMinutes at least twice holdSeconds." } };
  const checked = await software.check(release);
  if (!checked.ok) return { state: checked.error.code === "update.no-updater" ? "failed" : "rejected", error: checked.error };
  const begin = await awaitWindow(deps, params, context);
  if (!begin.ok) return { state: "failed", error: begin.error };
  const files = await fetchAll(deps, checked.value, params, context);
  if (!files.ok) return { state: "failed", error: files.error };
  if (!(await awaitPicture(deps, BEFORE_HOLDS * holdSeconds * 1_000, context))) return { state: "failed", error: { code: "command.aborted", message: "stopped before the release was installed" } };
  const before = await software.status();
  if (!before.ok) return { state: "failed", error: before.error };
  // A command that times out after the switch has nobody who judges the release.
  const tookMs = clock.monotonicMs() - startedMs;
  if (tookMs + trialMinutes * 60_000 + AROUND_TRIAL_MS > softwareUpdate.timeoutMs) {
    await deps.files.clear();
    return { state: "failed", error: { code: "update.too-late", message: `the release was there ${(tookMs / HOUR_MS).toFixed(1)} h after the command began, too late to install and try it before the command times out`, hint: "Send it again." } };
  }
  const note = { job: `${context.id}:${context.attempt}`, version: checked.value.version, from: before.value.running, verdict: deps.verdict() ?? "unknown", player: deps.hasPlayer() };
  context.progress("installing");
  await context.intend(note);
  const installed = await software.install({ job: note.job, release, ...files.value, deadlineMs: trialMinutes * 60_000 });
  deps.changed();
  // Without an answer the updater's records decide.
  if (!installed.ok && installed.error.code !== "update.no-updater") {
    await deps.files.clear();
    return { state: "failed", error: installed.error };
  }
  // This process is about to be restarted; if it is not, the updater takes the release back in the end.
  await sleep(timers, "update.restart", ASK_MS, context.signal);
  const end = await follow(deps, params, note, context.signal);
  if (end.state === "not-started" || end.state === "unknown") return { state: "failed", error: { code: "update.interrupted", message: "the updater ended before it switched to the release" } };
  return end;
}

/** Waits for the window and spreads. Errors: `update.window-over`, `command.aborted`. */
async function awaitWindow(deps: SoftwareUpdateDeps, { notBeforeMs = 0, notAfterMs = Infinity, spreadMinutes = 0 }: Params, context: ExecutionContext): Promise<Result<void>> {
  const spreadMs = Math.round(deps.random.next() * spreadMinutes * 60_000);
  let beganMs: number | undefined;
  for (;;) {
    const nowMs = deps.serverNowMs();
    if (nowMs !== undefined && nowMs > notAfterMs) return fail("update.window-over", "the window ended before the update could begin", "send it again with a later window");
    // Without the time, only an update without a window may begin.
    const isOpen = nowMs === undefined ? notBeforeMs === 0 && notAfterMs === Infinity : nowMs >= notBeforeMs;
    if (isOpen) beganMs ??= deps.clock.monotonicMs();
    const leftMs = beganMs === undefined ? WINDOW_LOOK_MS : beganMs + spreadMs - deps.clock.monotonicMs();
    if (leftMs <= 0) return ok(undefined);
    context.progress(beganMs === undefined ? "waiting for the window" : `waiting ${Math.ceil(leftMs / 1000)} s so that not all devices begin at once`);
    if (!(await sleep(deps.timers, "update.window", Math.min(leftMs, WINDOW_LOOK_MS), context.signal))) return fail("command.aborted", "stopped before the update began");
  }
}

/** Waits for a picture to compare with: as good as none is any release. Returns false when stopped. */
async function awaitPicture(deps: SoftwareUpdateDeps, withinMs: number, context: ExecutionContext): Promise<boolean> {
  const { clock, timers } = deps;
  const startMs = clock.monotonicMs();
  while (!deps.hasPlayer() || (deps.verdict() ?? "unknown") === "unknown") {
    if (clock.monotonicMs() - startMs >= withinMs) return true;
    context.progress("waiting for the player and a verdict over its picture");
    if (!(await sleep(timers, "update.before", ASK_MS, context.signal))) return false;
  }
  return true;
}

async function fetchAll(deps: SoftwareUpdateDeps, { package: deb, browser }: ReleaseFiles, { mirror }: Params, context: ExecutionContext): Promise<Result<{ readonly package: string; readonly browser?: string }>> {
  const totalBytes = deb.bytes + (browser?.bytes ?? 0);
  const packageFile = await fetchFile(deps, mirrored(deb, mirror), (bytes) => context.progress("downloading", (100 * bytes) / totalBytes), context, browser === undefined ? [] : [browser.sha256]);
  if (!packageFile.ok || browser === undefined) return packageFile.ok ? ok({ package: packageFile.value }) : packageFile;
  const browserFile = await fetchFile(deps, mirrored(browser, mirror), (bytes) => context.progress("downloading", (100 * (deb.bytes + bytes)) / totalBytes), context, [deb.sha256]);
  return browserFile.ok ? ok({ package: packageFile.value, browser: browserFile.value }) : browserFile;
}

function mirrored(file: FileToFetch, mirror: string | undefined): FileToFetch {
  return mirror === undefined ? file : { ...file, url: `${mirror.replace(/\/$/, "")}/${file.url.slice(file.url.lastIndexOf("/") + 1)}` };
}

/** Tries again until the command's own time-out: a release may wait for a network for hours. */
async function fetchFile(deps: SoftwareUpdateDeps, file: FileToFetch, progress: (bytes: number) => void, { signal, progress: say }: Pick<ExecutionContext, "signal" | "progress">, alsoWanted: readonly string[]): Promise<Result<string>> {
  for (let attempt = 0; ; attempt += 1) {
    const fetched = await deps.files.fetch(file, progress, signal, alsoWanted);
    if (fetched.ok || fetched.error.code !== "content.unreachable") return fetched;
    say(`cannot download, and tries again: ${fetched.error.message}`);
    if (!(await sleep(deps.timers, "update.retry", retryDelayMs(RETRY, attempt, deps.random), signal))) return fail("command.aborted", `stopped: ${fetched.error.message}`);
  }
}

/** Follows the job to its end by the updater's records; as the release on trial, judges it. */
async function follow(deps: SoftwareUpdateDeps, params: Params, note: IntentNote, signal: AbortSignal, resolution?: ResolutionContext): Promise<Done | NotStarted | Unknown> {
  const { software, timers } = deps;
  const job = String(note["job"]);
  let silent: Issue | undefined;
  while (!signal.aborted) {
    const status = await software.status();
    const end = status.ok ? await endOf(deps, status.value, note, signal) : undefined;
    if (end !== undefined) {
      deps.changed();
      return end;
    }
    silent = status.ok ? undefined : status.error;
    const trial = status.ok ? status.value.trial : undefined;
    const isOurs = trial?.job === job && trial.version === (software.ownVersion ?? deps.version);
    if (isOurs) await judge(deps, params, note, trial.leftMs, signal);
    else if (resolution?.overdue === true) break;
    if (!(await sleep(timers, "update.follow", ASK_MS, signal))) break;
  }
  return { state: "unknown", seen: silent?.message ?? "the release is still on trial" };
}

/** The job's end, or `undefined` while it is under way. */
async function endOf(deps: SoftwareUpdateDeps, status: SoftwareStatus, note: IntentNote, signal: AbortSignal): Promise<Done | NotStarted | Unknown | undefined> {
  const job = String(note["job"]);
  if (status.installing?.job === job || status.trial?.job === job) return undefined;
  if (status.lastConfirmed?.job === job) {
    await deps.files.clear();
    return { state: "succeeded", result: { version: status.lastConfirmed.version, from: String(note["from"]) }, effect: { attempted: true, acknowledged: true, observed: seen<Json>({ running: status.running }, deps.clock.monotonicMs()) } };
  }
  if (status.lastFailed?.job === job) return wentBack(deps, status.lastFailed, status.running, signal);
  if (status.interrupted?.job === job) return { state: "not-started" };
  return { state: "unknown", seen: `release ${status.running} runs, and the updater knows nothing of this job; a package may have been installed by hand` };
}

async function judge(deps: SoftwareUpdateDeps, { holdSeconds = HOLD_SECONDS }: Params, note: IntentNote, leftMs: number, signal: AbortSignal): Promise<void> {
  const job = String(note["job"]);
  deps.changed();
  const judged = await judgeTrial(deps, { before: verdictOf(note["verdict"]), hadPlayer: note["player"] === true, holdMs: holdSeconds * 1000, withinMs: Math.max(0, leftMs - Math.min(MARGIN_MS, leftMs / 4)) }, signal);
  if (signal.aborted) return;
  // A failure to confirm (a full disk) is tried again by the caller, until the updater's time limit.
  if (judged.ok) return void (await deps.software.confirm(job));
  const picture = await deps.picture();
  if (picture.ok) await deps.files.keepPicture(picture.value);
  await deps.software.back(job, judged.error.code, judged.error.message);
}

async function wentBack(deps: SoftwareUpdateDeps, { version, code, message, evidence }: FailedUpdate, running: string, signal: AbortSignal): Promise<Done> {
  const upload = await sendPicture(deps, signal);
  await deps.files.clear();
  const log = lastOf(evidence.log);
  const observed: Json = { running, failed: version, services: evidence.services, log, ...(upload !== undefined && { picture: upload }) };
  return {
    state: "failed",
    error: { code: foreignCode(code), message: `${message}; release ${running} runs again`, hint: "The effect has what the release left." },
    effect: { attempted: true, acknowledged: true, observed: seen(observed, deps.clock.monotonicMs()) },
  };
}

/** Name of the uploaded picture; `undefined` when there is none or it could not be sent. */
async function sendPicture(deps: SoftwareUpdateDeps, signal: AbortSignal): Promise<string | undefined> {
  const { files, uploader, timers } = deps;
  const picture = await files.picture();
  if (picture === undefined) return undefined;
  for (let waitedMs = 0; !deps.isOnline() && waitedMs < UPLOAD_WAIT_MS; waitedMs += ASK_MS) if (!(await sleep(timers, "update.upload", ASK_MS, signal))) return undefined;
  const sent = await uploader.upload({ purpose: "screenshot", ...picture }, signal);
  return sent.ok ? sent.value.name : undefined;
}

/** The last lines, as many as fit. */
function lastOf(lines: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let chars = 0;
  for (const line of lines.toReversed()) {
    chars += line.length;
    if (chars > LOG_CHARS_MAX) break;
    kept.unshift(line);
  }
  return kept;
}
