import type { Clock, Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import { fail, messageOf, type Result } from "../../platform/ports/result.ts";
import { redactText } from "../../platform/runtime/redact.ts";
import { Emitter } from "../../platform/runtime/emitter.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import type { HostPicture, StageContent, StageReport, StageScene } from "../contract/link-messages.ts";
import type { OriginProbe } from "./origin-probe.ts";
import { judgePicture } from "./picture.ts";
import { withFiles, type FilesFact } from "./picture-files.ts";
import { PictureWatch } from "./picture-watch.ts";
import type { LoadTarget, Shell, ShellEvent, ShellFacts, WindowFinding } from "./shell.ts";
import { reportStage, withLoop } from "./stage-report.ts";
import { canFreeze, initialStage, samePicture, stepStage, type StageEffect, type StageEvent, type StageState } from "./stage-state.ts";

export interface StageDeps {
  readonly shell: Shell;
  readonly probe: OriginProbe;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Files of the document on the screen that could not be loaded. */
  readonly files?: () => FilesFact | undefined;
}

export interface StageSeen {
  readonly stage: StageReport;
  readonly picture: HostPicture;
}

/** Delays before a browser that failed or ended is started again: short at first, then two minutes. Retries never stop. */
const BROWSER_RETRY: RetryPolicy = { firstMs: 1_000, factor: 2, capMs: 120_000, floorMs: 250 };
/** A browser that ran this long started properly: the retry delay is reset. */
const BROWSER_STABLE_MS = 120_000;

/** Keeps the wanted scene on the screen. All decisions are made in `stage-state.ts` and carried out here. */
export class Stage {
  readonly #deps: StageDeps;
  readonly #watch: PictureWatch;
  readonly #seen: Emitter<StageSeen>;
  #state: StageState;
  #timer: Timer | undefined;
  #probing: AbortController | undefined;
  #lastSaid = "";
  #window: WindowFinding | undefined;
  #shellName = "";
  readonly #firstStart: Promise<void>;
  #firstStartDone: () => void = () => undefined;
  #shellGone: (() => void) | undefined;

  constructor(scene: StageScene, deps: StageDeps) {
    this.#deps = deps;
    this.#state = initialStage(scene, deps.clock.wallMs());
    this.#seen = Emitter.logged(deps.log, "the stage");
    this.#firstStart = new Promise((resolve) => {
      this.#firstStartDone = resolve;
    });
    this.#watch = new PictureWatch({ ...deps, stage: () => this.#state, changed: () => this.#say() });
    deps.shell.onEvent((event) => this.#takeShellEvent(event));
  }

  /** Subscribes to changes of what is on and of the verdict. Returns a function that unsubscribes. */
  onSeen(listener: (seen: StageSeen) => void): () => void {
    return this.#seen.on(listener);
  }

  seen(): StageSeen {
    const nowMs = this.#deps.clock.monotonicMs();
    const picture = withFiles(judgePicture({ stage: this.#state, nowMs, window: this.#window, ...this.#watch.facts() }), this.#deps.files?.());
    // Evidence may contain addresses, which may hold secrets.
    const evidence = picture.evidence.map(({ witness, says }) => ({ witness, says: redactText(says) }));
    return { stage: withLoop(reportStage(this.#state), this.#state, nowMs), picture: { ...picture, evidence } };
  }

  get scene(): StageScene {
    return this.#state.wanted;
  }

  /** The content whose document is loading or on the glass. Not wanted content that still waits for its origin. */
  get contentOn(): StageContent | undefined {
    const { inFlight, shown } = this.#state;
    return inFlight?.content ?? ("content" in shown ? shown.content : undefined);
  }

  /** The content whose document is on the glass, regardless of what is loading. */
  get contentShown(): StageContent | undefined {
    const { shown } = this.#state;
    return "content" in shown ? shown.content : undefined;
  }

  /** The browser's name, and its version once it has started. */
  get shellName(): string {
    return this.#shellName === "" ? this.#deps.shell.kind : this.#shellName;
  }

  /** Resolves when the browser's first start has succeeded or failed. */
  get firstStart(): Promise<void> {
    return this.#firstStart;
  }

  setScene(scene: StageScene): void {
    this.#take({ kind: "scene", scene });
  }

  /** Reloads the content as soon as its origin answers; until then the picture stays. Fails with `player.no-browser`. */
  reload(ignoreCache: boolean): Result<{ readonly now: string }> {
    if (this.#state.work.kind === "no-shell") return fail("player.no-browser", `There is no browser to reload: ${this.#state.work.why}.`);
    this.#take({ kind: "reload", ignoreCache });
    return { ok: true, value: { now: this.#state.work.kind } };
  }

  /** Starts the browser, keeps it running and watches the picture until `signal` aborts; then ends the browser. */
  async run(signal: AbortSignal): Promise<void> {
    const watching = this.#watch.run(signal);
    try {
      await this.#keepBrowser(signal);
    } finally {
      this.#timer?.cancel();
      this.#probing?.abort();
      await this.#deps.shell.stop();
      await watching;
    }
  }

  async #keepBrowser(signal: AbortSignal): Promise<void> {
    const { shell, clock, timers, random, log } = this.#deps;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const startedMs = clock.monotonicMs();
      const gone = new Promise<void>((resolve) => {
        this.#shellGone = resolve;
      });
      const started = await this.#start(signal);
      if (started.ok) this.#shellName = started.value.name;
      this.#firstStartDone();
      if (started.ok) {
        log.info({ shell: started.value.name, tookMs: Math.round(clock.monotonicMs() - startedMs) }, "browser started");
        this.#take({ kind: "shell-ready" });
        await Promise.race([gone, aborted(signal)]);
      } else if (!signal.aborted) {
        log.error({ code: started.error.code, error: started.error.message }, "browser did not start");
        this.#take({ kind: "shell-gone", why: started.error.message });
      }
      if (signal.aborted) return;
      await shell.stop();
      if (clock.monotonicMs() - startedMs >= BROWSER_STABLE_MS) attempt = 0;
      await sleep(timers, "stage.browser-restart", retryDelayMs(BROWSER_RETRY, attempt, random), signal);
    }
  }

  /** Starts the shell, and stops it if `signal` aborts meanwhile: a browser that hangs at startup must not delay the host's end. */
  async #start(signal: AbortSignal): Promise<Result<ShellFacts>> {
    const { shell } = this.#deps;
    const stop = (): void => this.#attempt(shell.stop(), "stop");
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await shell.start();
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #takeShellEvent(event: ShellEvent): void {
    switch (event.kind) {
      case "window":
        if (event.finding.kind !== "alone" && event.finding.kind !== "unknown" && event.finding.kind !== this.#window?.kind) this.#deps.log.warn({ ...event.finding }, "the window is not as it should be");
        this.#window = event.finding;
        this.#say();
        return;
      case "load-started":
        if (event.load === undefined) this.#take({ kind: "own-document" });
        return;
      case "load-committed":
        this.#take({ kind: "load-committed", load: event.load });
        return;
      case "load-cut": {
        const { error, load } = event;
        this.#deps.log.warn({ code: error.code, error: error.message }, "the document was cut off");
        this.#take({ kind: "load-cut", error, ...(load === undefined ? {} : { load }) });
        return;
      }
      case "leads-elsewhere":
        this.#take({ kind: "leads-elsewhere", url: event.url });
        return;
      case "load-finished":
        this.#take(event.load === undefined ? { kind: "load-finished" } : { kind: "load-finished", load: event.load });
        return;
      case "load-failed": {
        const { error, pictureKept, load } = event;
        this.#deps.log.warn({ code: error.code, error: error.message, url: event.url, pictureKept }, "load failed");
        this.#take({ kind: "load-failed", error, pictureKept, ...(load === undefined ? {} : { load }) });
        return;
      }
      case "renderer-gone":
        this.#deps.log.error({ reason: event.reason }, "renderer is gone");
        this.#take({ kind: "renderer-gone", reason: event.reason });
        return;
      case "no-output":
        this.#take({ kind: "no-output", outputOff: event.outputOff });
        return;
      case "output-lit":
        this.#watch.lookNow();
        return;
      case "browser-gone":
        this.#window = undefined;
        this.#deps.log.error({ reason: event.reason }, "browser is gone");
        this.#loseShell(event.reason);
        return;
      default:
        return;
    }
  }

  /** Marks the browser as gone. `#keepBrowser` ends whatever is left of it and starts another. */
  #loseShell(why: string): void {
    this.#take({ kind: "shell-gone", why });
    this.#shellGone?.();
  }

  #take(event: StageEvent): void {
    const { clock, random, log } = this.#deps;
    const before = this.#state;
    const step = stepStage(before, event, { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs(), random });
    this.#state = step.state;
    if (before.work.kind !== step.state.work.kind || before.shown.kind !== step.state.shown.kind) {
      log.debug({ event: event.kind, work: step.state.work.kind, shown: step.state.shown.kind }, "stage");
    }
    if (!samePicture(before.shown, step.state.shown)) this.#watch.pictureChanged();
    // A page that reloads itself changes nothing here: same renderer, same picture.
    else if ((event.kind === "load-committed" || event.kind === "load-finished") && event.load !== undefined) this.#watch.loadedAnew();
    for (const effect of step.effects) this.#do(effect);
    this.#say();
  }

  #do(effect: StageEffect): void {
    const { shell, timers, probe } = this.#deps;
    switch (effect.kind) {
      case "wait":
        this.#timer?.cancel();
        this.#timer = timers.after("stage.wait", effect.delayMs, () => this.#take({ kind: "timer", ticket: effect.ticket }));
        return;
      case "probe":
        this.#probing?.abort();
        this.#probing = new AbortController();
        this.#attempt(
          probe.ask(effect.url, this.#probing.signal).then((answer) => {
            this.#take({ kind: "probed", ticket: effect.ticket, answer });
          }),
          "probe",
        );
        return;
      case "show-screen":
        this.#attempt(shell.load(effect.load, { kind: "screen", screen: effect.screen }), "show-screen");
        return;
      case "load":
        this.#attempt(shell.load(effect.load, targetOf(effect)), "load");
        return;
      case "reset-renderer":
        this.#deps.log.warn({}, "ending the renderer: its picture is frozen");
        this.#attempt(shell.resetRenderer(), "reset-renderer");
        return;
      case "end-browser":
        this.#deps.log.error({}, "ending the browser: no frame came from its new renderer either");
        this.#loseShell("no frame came, with a new renderer either");
        return;
    }
  }

  /** Logs a rejection. The shell reports its failures as events, so nothing else needs doing. */
  #attempt(work: Promise<void>, what: string): void {
    work.catch((thrown: unknown) => this.#deps.log.warn({ what, error: messageOf(thrown) }, "the shell could not do it"));
  }

  /** Notifies the listeners of visible changes, and ends a renderer or browser that was frozen for too long. */
  #say(): void {
    const seen = this.seen();
    const text = JSON.stringify([seen.stage, seen.picture.verdict, Math.round(seen.picture.confidence * 10)]);
    if (text !== this.#lastSaid) {
      this.#lastSaid = text;
      this.#seen.emit(seen);
    }
    if (!canFreeze(this.#state)) return;
    const step = this.#watch.takeStep();
    if (step !== undefined) this.#take({ kind: "frozen", step });
  }
}

function targetOf(effect: Extract<StageEffect, { kind: "load" }>): LoadTarget {
  const { content, ignoreCache } = effect;
  if (content.kind === "url") return { kind: "url", url: content.url, origins: content.origins, ignoreCache, localNetwork: content.localNetwork };
  const { id, folder, entry, allowedOrigins } = content;
  return { kind: "package", id, folder, entry, allowedOrigins, ignoreCache };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
