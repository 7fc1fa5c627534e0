import type { Clock } from "../../../platform/ports/clock.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { FrameFinding, PixelSample, ScreenshotRequest, ShellImage } from "../../stage/shell.ts";
import { cdpFailure } from "./cdp-client.ts";
import type { ChromiumPage } from "./chromium-page.ts";
import { witnessFrame } from "./frame-witness.ts";
import type { CastSettings, Screencast } from "./screencast.ts";
import { decodePng, imageSize } from "./tiny-png.ts";

const CAPTURE_TIMEOUT_MS = 10_000;
const SAMPLE: CastSettings = { format: "png", widthMax: 64, heightMax: 36 };
/** A sample this fresh was taken by the frame witness for the same look. */
const SAMPLE_FRESH_MS = 1_500;

/** Everything that is seen of a page from the compositor's side. */
export class PagePictures {
  readonly #cast: Screencast;
  readonly #page: ChromiumPage;
  readonly #clock: Clock;
  #last: { readonly atMs: number; readonly base64: string } | undefined;

  constructor(cast: Screencast, page: ChromiumPage, clock: Clock) {
    this.#cast = cast;
    this.#page = page;
    this.#clock = clock;
  }

  /** The picture belonged to a renderer that is gone. */
  forget(): void {
    this.#last = undefined;
  }

  async screenshot({ format, quality, widthMax }: ScreenshotRequest): Promise<Result<ShellImage>> {
    try {
      const base64 = await this.#oneFrame({ format, quality: format === "jpeg" ? (quality ?? 80) : undefined, widthMax });
      if (base64 === undefined) return fail("screenshot.no-frame", `No frame came out of the compositor within ${CAPTURE_TIMEOUT_MS} ms.`);
      return ok({ base64, format, ...imageSize(Buffer.from(base64, "base64")), source: "chromium-compositor" });
    } catch (thrown) {
      return fail("screenshot.failed", cdpFailure(thrown));
    }
  }

  async sample(): Promise<Result<PixelSample>> {
    const last = this.#last;
    if (last !== undefined && this.#clock.monotonicMs() - last.atMs < SAMPLE_FRESH_MS) return decodePng(Buffer.from(last.base64, "base64"));
    try {
      const base64 = await this.#oneFrame(SAMPLE);
      return base64 === undefined ? fail("capture.no-frame", "no frame came out of the compositor") : decodePng(Buffer.from(base64, "base64"));
    } catch (thrown) {
      return fail("capture.failed", cdpFailure(thrown));
    }
  }

  async witness(timeoutMs: number): Promise<FrameFinding> {
    try {
      return await this.#cast.with(SAMPLE, async (cast) => {
        const finding = await witnessFrame(cast, (expression, ms) => this.#page.evaluate(expression, ms), this.#clock, timeoutMs);
        const base64 = cast.last();
        if (base64 !== undefined) this.#last = { atMs: this.#clock.monotonicMs(), base64 };
        return finding;
      });
    } catch (thrown) {
      return { kind: "unknown", why: cdpFailure(thrown) };
    }
  }

  #oneFrame(settings: CastSettings): Promise<string | undefined> {
    return this.#cast.with(settings, async (cast) => {
      await cast.moreThan(0, CAPTURE_TIMEOUT_MS);
      return cast.last();
    });
  }
}
