import type { Clock, Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Result } from "../../platform/ports/result.ts";
import { Emitter } from "../../platform/runtime/emitter.ts";
import type { BrowserReport } from "../contract/browser-report.ts";
import { PROOF, type BrowserProofLimits } from "../contract/browser-trial.ts";
import { browserSupport } from "../contract/supported-browsers.ts";
import type { FrameFinding, Shell, ShellEvent, ShellFacts } from "../stage/shell.ts";

export interface BrowserProofDeps {
  readonly shell: Shell;
  /** Information from whoever chose the browser. */
  readonly chosen: Pick<BrowserReport, "why" | "sandbox" | "passedOver">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Default: `PROOF`. */
  readonly limits?: BrowserProofLimits;
}

/**
 * Requires the browser behind a shell to prove itself by a first frame of a loaded page. Limits the time and the number of times
 * the browser may end before that; the deadline is extended once when the page may be at fault. Logs unsupported versions at the
 * start. Works with any shell and does not change its behaviour.
 */
export class BrowserProof {
  readonly #deps: BrowserProofDeps;
  readonly #limits: BrowserProofLimits;
  readonly #changed: Emitter<BrowserReport>;
  readonly #ends: string[] = [];
  readonly shell: Shell;
  #report: BrowserReport;
  #firstStartMs: number | undefined;
  #deadline: Timer | undefined;
  #answers = false;
  #loaded = false;
  /** A document has committed in this browser. */
  #committed = false;
  #extended = false;

  constructor(deps: BrowserProofDeps) {
    this.#deps = deps;
    this.#limits = deps.limits ?? PROOF;
    this.#changed = Emitter.logged(deps.log, "the browser's proof");
    this.#report = { name: deps.shell.kind, ...deps.chosen, support: "unknown", picture: { kind: "waiting" } };
    this.shell = watched(deps.shell, { starts: () => this.#starts(), started: (result) => this.#started(result), frame: (finding, asked) => this.#frame(finding, asked), isLoaded: () => this.#loaded });
    deps.shell.onEvent((event) => this.#take(event));
  }

  get report(): BrowserReport {
    return this.#report;
  }

  onChange(listener: (report: BrowserReport) => void): () => void {
    return this.#changed.on(listener);
  }

  stop(): void {
    this.#deadline?.cancel();
  }

  #starts(): void {
    if (this.#firstStartMs !== undefined) return;
    this.#firstStartMs = this.#deps.clock.monotonicMs();
    this.#armDeadline();
  }

  #armDeadline(): void {
    const { clock, timers } = this.#deps;
    this.#deadline?.cancel();
    this.#deadline = timers.after("browser.proof", this.#limits.pictureWithinMs, () => {
      const last = this.#ends.at(-1);
      const seconds = Math.round((clock.monotonicMs() - (this.#firstStartMs ?? 0)) / 1_000);
      this.#fail(`no picture within ${seconds} s; ${last === undefined ? this.#waitsFor() : `it ended once: ${last}`}`);
    });
  }

  /**
   * A page that hangs as soon as it loads looks like a browser that renders nothing. Its renderer is ended, and after the
   * second time one of our own pages is shown. A browser that renders that page has proved itself, so it gets time for it.
   */
  #rendererGone(): void {
    if (!this.#committed || this.#extended || this.#report.picture.kind !== "waiting") return;
    this.#extended = true;
    this.#armDeadline();
  }

  /** No browser can show a picture while its output is off: its time starts again. */
  #outputOff(): void {
    if (this.#report.picture.kind === "waiting" && this.#firstStartMs !== undefined) this.#armDeadline();
  }

  #waitsFor(): string {
    if (!this.#answers) return "it was started and has not answered";
    return this.#loaded ? "it answers and has loaded its page, and draws nothing" : "it answers, and no page was loaded in it";
  }

  #started(result: Result<ShellFacts>): void {
    if (!result.ok) return this.#ended(result.error.message);
    this.#answers = true;
    const { name } = result.value;
    if (name === this.#report.name) return;
    const { support, sentence, todo } = browserSupport(name);
    if (sentence !== undefined) this.#deps.log[support === "too-old" ? "error" : "info"]({ browser: name, todo }, sentence);
    this.#set({ ...this.#report, name, support });
  }

  #take(event: ShellEvent): void {
    if (event.kind === "load-committed" || event.kind === "load-finished") this.#committed = true;
    if (event.kind === "load-finished") this.#loaded = true;
    if (event.kind === "renderer-gone") this.#rendererGone();
    if (event.kind === "no-output") this.#outputOff();
    if (event.kind === "browser-gone") this.#committed = false;
    if (event.kind === "browser-gone" || event.kind === "renderer-gone") this.#loaded = false;
    if (event.kind === "browser-gone") this.#ended(event.reason);
  }

  /** `asked`: whether a page was loaded when the frame was requested. An empty tab produces frames too, but is no picture. */
  #frame(finding: FrameFinding, asked: boolean): void {
    if (finding.kind === "dark") return this.#outputOff();
    if (this.#report.picture.kind === "seen" || finding.kind !== "alive" || !asked || !this.#loaded) return;
    this.#deadline?.cancel();
    const afterMs = Math.round(this.#deps.clock.monotonicMs() - (this.#firstStartMs ?? 0));
    this.#deps.log.info({ browser: this.#report.name, afterMs }, "first picture seen");
    this.#set({ ...this.#report, picture: { kind: "seen", afterMs } });
  }

  #ended(why: string): void {
    if (this.#report.picture.kind !== "waiting") return;
    this.#ends.push(why);
    if (this.#ends.length >= this.#limits.exitsMax) this.#fail(`it ended ${this.#ends.length} times before its first picture; the last time: ${why}`);
  }

  #fail(why: string): void {
    if (this.#report.picture.kind !== "waiting") return;
    this.#deadline?.cancel();
    this.#deps.log.error({ browser: this.#report.name, why }, "the browser has not proved itself");
    this.#set({ ...this.#report, picture: { kind: "none", why: why.slice(0, 2_000) } });
  }

  #set(report: BrowserReport): void {
    this.#report = report;
    this.#changed.emit(report);
  }
}

interface Witness {
  starts(): void;
  started(result: Result<ShellFacts>): void;
  isLoaded(): boolean;
  frame(finding: FrameFinding, loadedWhenAsked: boolean): void;
}

/** Wraps a shell so that `witness` sees its answers. */
function watched(shell: Shell, witness: Witness): Shell {
  return {
    kind: shell.kind,
    start: async () => {
      witness.starts();
      const result = await shell.start();
      witness.started(result);
      return result;
    },
    witnessFrame: async (timeoutMs) => {
      const loaded = witness.isLoaded();
      const finding = await shell.witnessFrame(timeoutMs);
      witness.frame(finding, loaded);
      return finding;
    },
    stop: () => shell.stop(),
    load: (load, target) => shell.load(load, target),
    resetRenderer: () => shell.resetRenderer(),
    screenshot: (request) => shell.screenshot(request),
    sample: () => shell.sample(),
    clearCache: (what) => shell.clearCache(what),
    sendToPage: (text) => shell.sendToPage(text),
    overlay: (text) => shell.overlay(text),
    metrics: () => shell.metrics(),
    ...(shell.clearPackageStorage && { clearPackageStorage: shell.clearPackageStorage.bind(shell) }),
    ...(shell.setWayOut && { setWayOut: shell.setWayOut.bind(shell) }),
    onEvent: (listener) => shell.onEvent(listener),
  };
}
