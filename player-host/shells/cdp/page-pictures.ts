import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { FrameFinding, PixelSample, ScreenshotRequest, ShellImage } from "../../stage/shell.ts";
import { CdpError, cdpFailure } from "./cdp-client.ts";
import type { ChromiumPage } from "./chromium-page.ts";
import type { Starvation } from "./starvation.ts";
import { witnessFrame } from "./frame-witness.ts";
import type { CastSettings, Screencast } from "./screencast.ts";
import { decodePng, imageSize } from "./tiny-png.ts";

const CAPTURE_TIMEOUT_MS = 10_000;
const SAMPLE_TIMEOUT_MS = 4_000;
/** 15 by 15 pixels of a full HD screen become one: cheap, and small bright spots on a black picture still show. */
const SAMPLE: CastSettings = { format: "png", widthMax: 128, heightMax: 72 };
/** Maximum age of a frame witness's sample that is reused. */
const SAMPLE_FRESH_MS = 1_500;
const NO_FRAME: FrameFinding = { kind: "late", renderer: false, output: false };

/** Screenshots, pixel samples and the frame witness, all from the compositor's side. Every question has a deadline. */
export class PagePictures {
  readonly #cast: Screencast;
  readonly #page: ChromiumPage;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #starvation: Starvation;
  #last: { readonly atMs: number; readonly base64: string } | undefined;

  constructor(cast: Screencast, page: ChromiumPage, starvation: Starvation, clock: Clock, timers: Timers) {
    this.#cast = cast;
    this.#page = page;
    this.#starvation = starvation;
    this.#clock = clock;
    this.#timers = timers;
  }

  /** Discards the last sample: its renderer is gone. */
  forget(): void {
    this.#last = undefined;
    this.#cast.abandon();
  }

  async screenshot({ format, quality, widthMax }: ScreenshotRequest): Promise<Result<ShellImage>> {
    try {
      const base64 = await this.#oneFrame({ format, quality: format === "jpeg" ? (quality ?? 80) : undefined, widthMax }, CAPTURE_TIMEOUT_MS);
      if (base64 === undefined) return fail("screenshot.no-frame", `The compositor delivered no frame within ${CAPTURE_TIMEOUT_MS} ms.`);
      return ok({ base64, format, ...imageSize(Buffer.from(base64, "base64")), source: "chromium-compositor" });
    } catch (thrown) {
      return fail("screenshot.failed", cdpFailure(thrown));
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
   * The frame witness. After a third of the time without a frame, it asks the renderer in two more ways at once (evaluation
   * and capture), because a healthy page draws no frames while its output is switched off, but answers both. From then on it
   * also measures how long the browser's threads wait for a processor. While a load waits for its server, Chromium 150 holds
   * back every evaluation (seen on 2026-11-30; captures answer in 90 ms); then a capture alone proves the page alive.
   */
  async witness(timeoutMs: number): Promise<FrameFinding> {
    const looking = this.#look(timeoutMs);
    const found = new AbortController();
    const early = await Promise.race([looking, sleep(this.#timers, "witness.no-frame-yet", timeoutMs / 3, found.signal)]);
    found.abort();
    if (typeof early !== "boolean") return early;
    const startedMs = this.#clock.monotonicMs();
    const waits = this.#page.pending() !== undefined;
    const measuring = this.#starvation.begin();
    const [finding, renderer] = await Promise.all([looking, this.#rendererAnswers((timeoutMs * 2) / 3, waits)]);
    if (finding.kind !== "late") return finding;
    if (waits && renderer) return { kind: "alive", tookMs: this.#clock.monotonicMs() - startedMs, how: "a new picture could be had while a load waits for its server" };
    const starvedMs = await (await measuring)();
    return { ...finding, renderer: renderer || finding.renderer, starvedMs };
  }

  async #look(timeoutMs: number): Promise<FrameFinding> {
    try {
      return await this.#cast.with(SAMPLE, async (cast) => {
        const finding = await witnessFrame(cast, this.#page, this.#clock, timeoutMs);
        const base64 = cast.last();
        if (base64 !== undefined && !cast.isOver()) this.#last = { atMs: this.#clock.monotonicMs(), base64 };
        return finding;
      });
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

  #oneFrame(settings: CastSettings, timeoutMs: number): Promise<string | undefined> {
    return this.#cast.with(settings, async (cast) => {
      await cast.moreThan(0, timeoutMs);
      return cast.last();
    });
  }
}
