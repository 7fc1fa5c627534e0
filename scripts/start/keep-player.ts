import type { BrowserReport } from "../../player-host/contract/browser-report.ts";
import type { BrowserProofLimits } from "../../player-host/contract/browser-trial.ts";
import { EXIT as HOST_EXIT } from "../../player-host/node/exit-codes.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import { nameOf, type BrowserChoice, type ChosenBrowser } from "./browser-choice.ts";
import { lastWords, POWER_CUT, RestartPause, runOnce, type KeepDeps, type ProgramUp } from "./keep-running.ts";
import { describeEnd, type ProgramEnd, type Running } from "./program.ts";

export interface KeepPlayerDeps extends KeepDeps {
  readonly choice: BrowserChoice;
  readonly limits: BrowserProofLimits;
  start(chosen: ChosenBrowser): Running;
  /** Resolves to true once the agent answers, which reports whether there is a picture. */
  readonly agentUp: ProgramUp;
  /** Resolves to true once the player host is connected to the agent. */
  readonly playerUp: ProgramUp;
  /** The player host's last report of its browser; `undefined`: no host or no report. */
  readonly browser: () => Promise<BrowserReport | undefined>;
}

const WHAT = "the player host";
const LOOK_EVERY_MS = 250;
/** Extra time for the player host's own report that its browser shows nothing. After it a silent host is judged here. */
const HOST_GRACE_MS = 3_000;
/** Exit codes that are not the browser's fault: stop or restart requested, wrong options, another host on the folder. */
const NOT_THE_BROWSER: readonly (number | null)[] = [HOST_EXIT.stopped, HOST_EXIT.restart, HOST_EXIT.usage, HOST_EXIT.alreadyRunning];

/**
 * Keeps a device's player host running until `power` aborts, with the browser of `choice`. A browser that ends twice before
 * its first picture, shows none in time, or is reported by its host to show none is replaced by the next.
 */
export async function keepPlayer(deps: KeepPlayerDeps, power: AbortSignal): Promise<void> {
  const { choice, clock, say } = deps;
  const pause = new RestartPause(WHAT, deps);
  let ends = 0;
  for (let first = true; !power.aborted; first = false) {
    const chosen = choice.current;
    const over = new AbortController();
    const cut = new AbortController();
    const looks = AbortSignal.any([power, over.signal]);
    const watched = Promise.all([first ? undefined : sayUpAgain(deps, looks), watchProof(chosen, deps, looks, () => cut.abort(POWER_CUT))]);
    const run = await runOnce(() => deps.start(chosen), AbortSignal.any([power, cut.signal]), clock);
    over.abort();
    await watched;
    if (power.aborted) return;
    const why = whyUnproven(chosen, run.end, choice.proven);
    if (why !== undefined) ends += 1;
    if (why !== undefined && (ends >= deps.limits.exitsMax || run.end.code === HOST_EXIT.unproven)) {
      await choice.failed(chosen.browser, run.end.code === HOST_EXIT.unproven ? why : `it ended ${ends} times before its first picture; the last time: ${why}`);
    }
    if (choice.current.browser !== chosen.browser) {
      ends = 0;
      continue;
    }
    if (run.end.code === HOST_EXIT.usage) {
      say(`${WHAT} is not restarted: its options are wrong${lastWords(run.end)}`);
      return;
    }
    await pause.wait(run, run.end.code === HOST_EXIT.restart, power);
  }
}

/** Why the end counts against the browser; `undefined` if it was proven before or the end is not its fault. */
function whyUnproven(chosen: ChosenBrowser, end: ProgramEnd, proven: boolean): string | undefined {
  if (proven || NOT_THE_BROWSER.includes(end.code)) return undefined;
  if (end.code === HOST_EXIT.unproven) return end.tail.at(-1) ?? "its player host did not say why";
  const words = lastWords(end).trim().split("\n").at(-1)?.trim() ?? "";
  return `${chosen.browser.kind === "electron" ? "" : "its player host: "}${describeEnd(end)}${words === "" ? "" : `, ${words.slice(0, 400)}`}`;
}

/** Notes the first picture. Without one in time, another browser takes over and `cut` ends this one. */
async function watchProof(chosen: ChosenBrowser, deps: KeepPlayerDeps, signal: AbortSignal, cut: () => void): Promise<void> {
  const { choice, limits, timers, clock, browser, say } = deps;
  if (choice.proven || !(await deps.agentUp(signal))) return;
  const startedMs = clock.monotonicMs();
  let waits = false;
  let told = false;
  while (!choice.proven && (await sleep(timers, "start.proof", LOOK_EVERY_MS, signal))) {
    const report = await browser();
    if (report?.picture.kind === "seen") return choice.proved(chosen.browser, report.picture.afterMs);
    const waitedMs = clock.monotonicMs() - startedMs;
    if (!waits && waitedMs >= limits.pictureWithinMs / 3) {
      waits = true;
      say(`no picture yet after ${Math.round(waitedMs / 1_000)} s: ${nameOf(chosen.browser)} has ${Math.round(limits.pictureWithinMs / 1_000)} s to show one`);
    }
    const withinMs = limits.pictureWithinMs * (report === undefined ? 1 : 2);
    const late = waitedMs >= withinMs + HOST_GRACE_MS;
    const why = report?.picture.kind === "none" ? report.picture.why : late ? `no picture within ${Math.round(withinMs / 1_000)} s` : undefined;
    if (why === undefined || told) continue;
    told = true;
    await choice.failed(chosen.browser, why);
    // Without another browser this one continues: it may only be slow.
    if (choice.current.browser !== chosen.browser) return cut();
  }
}

async function sayUpAgain({ playerUp, say }: KeepPlayerDeps, signal: AbortSignal): Promise<void> {
  if ((await playerUp(signal)) && !signal.aborted) say(`${WHAT} is up again`);
}
