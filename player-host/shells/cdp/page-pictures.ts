import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { FrameFinding, PixelSample, ScreenshotRequest, ShellImage } from "../../stage/shell.ts";
import { CdpError, cdpFailure } from "./cdp-client.ts";
import type { ChromiumPage } from "./chromium-page.ts";
import type { Starvation } from "./starvation.ts";
import { witnessFrame } from "./frame-witness.ts";
import type { OutputPower } from "./output-power.ts";
import type { CastSettings, OpenCast, Screencast } from "./screencast.ts";
import { decodePng, imageSize } from "./tiny-png.ts";

const CAPTURE_TIMEOUT_MS = 10_000;
const SAMPLE_TIMEOUT_MS = 4_000;
const METRICS_TIMEOUT_MS = 2_000;
/** 15 by 15 pixels of a full HD screen become one: cheap, and small bright spots on a black picture still show. */
const SAMPLE: CastSettings = { format: "png", widthMax: 128, heightMax: 72 };
/** Maximum age of a frame witness's sample that is reused. */
const SAMPLE_FRESH_MS = 1_500;
const NO_FRAME: FrameFinding = { kind: "late", renderer: false, output: false };
/** After this long without a frame, a screenshot asks whether the output is off. */
const DARK_CAPTURE_AFTER_MS = 1_500;
/** Longest wait for the frame that shows that an output is on again. */
const LIT_WAIT_MS = 60_000;
/**
 * Frames that have to come in a row where the compositor says that the output is off. One comes after each capture of a still page,
 * and some from a new renderer (seen with labwc 0.8.3 and Chromium 156).
 */
const LOOKS_BEHIND_OFF = 3;

export interface PagePicturesDeps {
  readonly cast: Screencast;
  readonly page: ChromiumPage;
  readonly starvation: Starvation;
  readonly outputs: OutputPower;
  /** A frame has arrived after a check that found the output off. */
  readonly lit: () => void;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Screenshots, pixel samples and the frame witness, all from the compositor's side. Every question has a deadline. */
export class PagePictures {
  readonly #cast: Screencast;
  readonly #page: ChromiumPage;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #starvation: Starvation;
  readonly #outputs: OutputPower;
  readonly #lit: () => void;
  /** An output was off when the compositor was last asked. */
  #off = false;
  /** Ends the wait for an output to come on. */
  #waiting: AbortController | undefined;
  #last: { readonly atMs: number; readonly base64: string } | undefined;

  constructor({ cast, page, starvation, outputs, lit, clock, timers }: PagePicturesDeps) {
    this.#cast = cast;
    this.#page = page;
    this.#starvation = starvation;
    this.#outputs = outputs;
    this.#lit = lit;
    this.#clock = clock;
    this.#timers = timers;
  }

  /** Discards the last sample: its renderer is gone. */
  forget(): void {
    this.#last = undefined;
    this.#waiting?.abort();
    this.#cast.abandon();
  }

  /**
   * Where the output is off mostly no frame comes, and the renderer draws the picture instead; `source` says so. `outputOff` names
   * the output in either case: a page that stands still is given its frames. With one output on, the page may be on it, only slow.
   */
  async screenshot(request: ScreenshotRequest): Promise<Result<ShellImage>> {
    const { format, widthMax } = request;
    const quality = format === "jpeg" ? (request.quality ?? 80) : undefined;
    const given = new AbortController();
    const looking = this.#outputs.look();
    const frame = this.#oneFrame({ format, quality, widthMax }, CAPTURE_TIMEOUT_MS, given.signal);
    try {
      const early = await this.#inTime(frame, DARK_CAPTURE_AFTER_MS);
      const output = await (early === "late" ? this.#outputs.look() : looking);
      const dark = early === "late" && output.kind !== "on";
      const base64 = dark ? await this.#capture(format, quality, widthMax) : await frame;
      if (base64 === undefined) return fail("screenshot.no-frame", `The compositor delivered no frame within ${CAPTURE_TIMEOUT_MS} ms.`);
      return ok({ base64, format, ...imageSize(Buffer.from(base64, "base64")), source: dark ? "chromium-renderer" : "chromium-compositor", ...(output.kind === "off" ? { outputOff: output.says } : {}) });
    } catch (thrown) {
      return fail("screenshot.failed", cdpFailure(thrown));
    } finally {
      given.abort();
      await frame.catch(cdpFailure);
    }
  }

  async sample(): Promise<Result<PixelSample>> {
    const last = this.#last;
    if (last !== undefined && this.#clock.monotonicMs() - last.atMs < SAMPLE_FRESH_MS) return decodePng(Buffer.from(last.base64, "base64"));
    try {
      const base64 = await this.#oneFrame(SAMPLE, SAMPLE_TIMEOUT_MS);
      return base64 === undefined ? fail("capture.no-frame", "the compositor delivered no frame") : decodePng(Buffer.from(base64, "base64"));
    } catch (thrown) {
      return fail("capture.failed", cdpFailure(thrown));
    }
  }

  /**
   * The frame witness. After a third of the time without a frame it asks whether the output is off, because behind such an output a
   * healthy page draws no frames. Only then does it ask the renderer in two more ways (evaluation and capture): a capture makes the
   * page draw, so frames that come after it prove nothing about the output. From then on it also measures how long the browser's
   * threads wait for a processor. While a load waits for its server, Chromium 150 holds back every evaluation (seen on
   * 2026-11-30; captures answer in 90 ms); then a capture alone proves the page alive.
   */
  async witness(timeoutMs: number): Promise<FrameFinding> {
    const startedMs = this.#clock.monotonicMs();
    const leftMs = (): number => Math.max(1, timeoutMs - (this.#clock.monotonicMs() - startedMs));
    this.#waiting?.abort();
    const enough = new AbortController();
    let looking = this.#look(timeoutMs, enough.signal);
    let found = await this.#inTime(looking, timeoutMs / 3);
    if (found !== "late" && !this.#off) return found;
    const output = await this.#outputs.look();
    this.#off = output.kind !== "on";
    // A new renderer may go on drawing behind an output that is off (seen with labwc 0.8.3 and Chromium 156): frames prove it, not the glass.
    if (output.kind === "off" && found !== "late" && found.kind === "alive") return { kind: "dark", outputOff: output.says };
    // With some outputs off, a few frames come through behind one. More come only where the glass shows them.
    for (let looks = 1; this.#off && looks < LOOKS_BEHIND_OFF && found !== "late"; looks += 1) {
      looking = this.#look(leftMs(), enough.signal);
      found = await this.#inTime(looking, leftMs() / 3);
    }
    // With some outputs off the window may be on one that is on: it gets more time for its frame.
    if (output.kind === "partly-off" && found === "late") found = await this.#inTime(looking, Math.max(1, leftMs() - timeoutMs / 2));
    if (found !== "late") return found;
    const waits = this.#page.pending() !== undefined;
    const measuring = this.#starvation.begin();
    const answering = this.#rendererAnswers(leftMs(), waits);
    if (output.kind !== "on" && (await answering)) {
      enough.abort();
      await looking;
      this.#awaitLight().catch(cdpFailure);
      return { kind: "dark", outputOff: output.says };
    }
    const [finding, renderer] = await Promise.all([looking, answering]);
    if (output.kind !== "on" && finding.kind !== "unknown") {
      if (finding.kind !== "late" || finding.renderer) return { kind: "dark", outputOff: output.says };
      return { ...finding, outputOff: output.says, starvedMs: await (await measuring)() };
    }
    if (finding.kind !== "late") return finding;
    if (waits && renderer) return { kind: "alive", tookMs: this.#clock.monotonicMs() - startedMs, how: "a new picture could be had while a load waits for its server" };
    return { ...finding, renderer: renderer || finding.renderer, starvedMs: await (await measuring)() };
  }

  /** Waits for a frame, which is the sign that the output is on again. The first one may be what the last capture left. */
  async #awaitLight(): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    for (let frames = 0; frames < LOOKS_BEHIND_OFF; frames += 1) {
      const came = await this.#cast.with(SAMPLE, (cast) => cast.moreThan(0, LIT_WAIT_MS), waiting.signal);
      if (!came || waiting.signal.aborted) return;
      if ((await this.#outputs.look()).kind !== "off") return this.#lit();
    }
  }

  /** The result of `work`, or `late` when it has none after `timeoutMs`. */
  async #inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | "late"> {
    const done = new AbortController();
    const late = sleep(this.#timers, "picture.no-frame-yet", timeoutMs, done.signal).then(() => "late" as const);
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }

  async #look(timeoutMs: number, signal: AbortSignal): Promise<FrameFinding> {
    const look = async (cast: OpenCast): Promise<FrameFinding> => {
      const finding = await witnessFrame(cast, this.#page, this.#clock, timeoutMs);
      const base64 = cast.last();
      if (base64 !== undefined && !cast.isOver()) this.#last = { atMs: this.#clock.monotonicMs(), base64 };
      return finding;
    };
    try {
      return await this.#cast.with(SAMPLE, look, signal);
    } catch (thrown) {
      if (!(thrown instanceof CdpError)) throw thrown;
      // Only a closed pipe leaves the answer unknown.
      return thrown.kind === "closed" ? { kind: "unknown", why: thrown.message } : NO_FRAME;
    }
  }

  /** Whether the main thread answers and a capture succeeds; neither needs an output. With `waits` only the capture is tried. */
  async #rendererAnswers(timeoutMs: number, waits: boolean): Promise<boolean> {
    const thread = waits ? [] : [this.#page.evaluateInMainWorld("0", timeoutMs)];
    const both = [...thread, this.#page.call("Page.captureScreenshot", { format: "jpeg", quality: 1, optimizeForSpeed: true }, timeoutMs)];
    const answers = await Promise.allSettled(both);
    return answers.every(({ status }) => status === "fulfilled");
  }

  /** A picture from the renderer, which draws it for this. With `widthMax` the page is resized for a moment, unseen behind an output that is off. */
  async #capture(format: "png" | "jpeg", quality: number | undefined, widthMax: number | undefined): Promise<string> {
    const { cssVisualViewport: view } = await this.#page.call("Page.getLayoutMetrics", undefined, METRICS_TIMEOUT_MS);
    const { clientWidth: width, clientHeight: height } = view;
    const clip = widthMax === undefined || width <= widthMax ? undefined : { x: 0, y: 0, width, height, scale: widthMax / width };
    return (await this.#page.call("Page.captureScreenshot", { format, ...(quality !== undefined && { quality }), ...(clip && { clip }) }, CAPTURE_TIMEOUT_MS)).data;
  }

  #oneFrame(settings: CastSettings, timeoutMs: number, signal?: AbortSignal): Promise<string | undefined> {
    this.#waiting?.abort();
    const look = async (cast: OpenCast): Promise<string | undefined> => {
      await cast.moreThan(0, timeoutMs);
      return cast.last();
    };
    return this.#cast.with(settings, look, signal);
  }
}
