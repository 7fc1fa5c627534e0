import { isJsonObject, parseJson } from "../../platform/runtime/json.ts";
import type { PassedOver } from "../../player-host/contract/browser-report.ts";
import type { FoundBrowser } from "../setup/found-browser.ts";

/** The browser in use, and how to start it. */
export interface ChosenBrowser {
  readonly browser: FoundBrowser;
  /** The browsers that were not chosen, and why. */
  readonly passedOver: readonly PassedOver[];
}

/** Text with the failures of browsers at earlier starts, kept in the data folder. */
export interface ChoiceMemory {
  read(): string | undefined;
  write(text: string): void;
}

export interface BrowserChoiceDeps {
  /** Best first. The next one is requested only when needed. */
  readonly candidates: AsyncIterator<FoundBrowser, void, undefined>;
  /** Grows as candidates are rejected. */
  readonly passedOver: PassedOver[];
  /** Named on the command line: no other browser replaces it. */
  readonly forced: boolean;
  readonly memory: ChoiceMemory;
  readonly nowMs: () => number;
  readonly say: (line: string) => void;
}

/** A browser that showed nothing is tried again after this, because it may have been repaired. */
export const TRY_AGAIN_AFTER_MS = 6 * 3_600_000;

interface Failure {
  readonly path: string;
  readonly version: string;
  readonly why: string;
  readonly atMs: number;
}

/** Which browser the players use: the first that proves itself. One choice for all devices of a start. */
export class BrowserChoice {
  readonly #deps: BrowserChoiceDeps;
  #browser: FoundBrowser;
  #proven = false;
  /** There is no other browser to change to. */
  #last: boolean;
  #moving: Promise<void> | undefined;

  private constructor(browser: FoundBrowser, deps: BrowserChoiceDeps) {
    this.#browser = browser;
    this.#deps = deps;
    this.#last = deps.forced;
  }

  /** Returns `undefined` if there is no browser at all. */
  static async open(deps: BrowserChoiceDeps): Promise<BrowserChoice | undefined> {
    const failures = readFailures(deps);
    let failedBefore: FoundBrowser | undefined;
    for (let next = await deps.candidates.next(); next.done !== true; next = await deps.candidates.next()) {
      const failure = deps.forced ? undefined : failures.find((each) => isSame(each, next.value));
      if (failure === undefined) return new BrowserChoice(next.value, deps);
      failedBefore ??= next.value;
      deps.passedOver.push({ name: nameOf(next.value), why: `${failure.why} (at an earlier start; npm start -- --browser tries it again)` });
    }
    if (failedBefore === undefined) return undefined;
    // Every browser found has failed before; use the best of them.
    const own = deps.passedOver.findIndex(({ name }) => name === nameOf(failedBefore));
    deps.passedOver.splice(own, 1);
    const choice = new BrowserChoice(failedBefore, deps);
    choice.#last = true;
    return choice;
  }

  get current(): ChosenBrowser {
    return { browser: this.#browser, passedOver: [...this.#deps.passedOver] };
  }

  get proven(): boolean {
    return this.#proven;
  }

  /** The browser has shown a picture `afterMs` after its start. From now on its failures do not change the choice. */
  proved(browser: FoundBrowser, afterMs: number): void {
    if (browser !== this.#browser || this.#proven) return;
    this.#proven = true;
    this.#deps.say(`First picture after ${(afterMs / 1_000).toFixed(1)} s, browser ${nameOf(browser)}`);
    this.#remember(readFailures(this.#deps).filter((each) => !isSame(each, browser)));
  }

  /** The browser has shown no picture. Resolves once `current` is the browser to use next: the same one if there is no other. */
  async failed(browser: FoundBrowser, why: string): Promise<void> {
    if (browser === this.#browser && !this.#proven) this.#moving ??= this.#move(why).finally(() => (this.#moving = undefined));
    await this.#moving;
  }

  async #move(why: string): Promise<void> {
    const { candidates, passedOver, forced, nowMs, say } = this.#deps;
    const failed = this.#browser;
    const said = `${nameOf(failed)} has shown no picture: ${why}`;
    if (this.#last) {
      say(`${said}. ${forced ? "It was named on the command line, so no other one takes over." : "There is no other browser, so it keeps trying."}`);
      return;
    }
    this.#remember([...readFailures(this.#deps).filter((each) => !isSame(each, failed)), { path: failed.path, version: failed.version, why, atMs: nowMs() }]);
    const next = await candidates.next();
    if (next.done === true) {
      this.#last = true;
      say(`${said}. There is no other browser, so it keeps trying.`);
      return;
    }
    passedOver.push({ name: nameOf(failed), why });
    this.#browser = next.value;
    say(`${said}. ${nameOf(next.value)} takes over (${next.value.evidence}).`);
  }

  #remember(failures: readonly Failure[]): void {
    this.#deps.memory.write(`${JSON.stringify({ failures })}\n`);
  }
}

export function nameOf({ kind, version }: FoundBrowser): string {
  return `${kind} ${version}`;
}

/** Malformed text counts as no failures. */
function readFailures({ memory, nowMs }: BrowserChoiceDeps): readonly Failure[] {
  const kept = parseJson(memory.read() ?? "");
  const list = isJsonObject(kept) && Array.isArray(kept["failures"]) ? kept["failures"] : [];
  return list.flatMap((each) => {
    if (!isJsonObject(each)) return [];
    const { path, version, why, atMs } = each;
    if (typeof path !== "string" || typeof version !== "string" || typeof why !== "string" || typeof atMs !== "number") return [];
    const agoMs = nowMs() - atMs;
    return agoMs >= 0 && agoMs < TRY_AGAIN_AFTER_MS ? [{ path, version, why, atMs }] : [];
  });
}

function isSame(failure: Failure, browser: FoundBrowser): boolean {
  return failure.path === browser.path && failure.version === browser.version;
}
