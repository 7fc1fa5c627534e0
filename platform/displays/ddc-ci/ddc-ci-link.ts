import type { Clock, Timers } from "../../ports/clock.ts";
import type { Ddc } from "../../ports/ddc.ts";
import { err, fail, ok, type Issue, type Result } from "../../ports/result.ts";
import { CAPABILITIES_REPLY_BYTES, decodeCapabilities, decodeFeature, DISPLAY_ADDRESS, encodeCapabilities, encodeGet, encodeSet, FEATURE_REPLY_BYTES, type Fault, type FeatureReply } from "./codec.ts";

/** Between a question and its answer the standard wants 40 ms, between messages 50 ms. Displays that say nothing useful get more. */
const ANSWER_MS = 50;
const PAUSE_MS = 50;
const TRIES = 4;
/** No retry starts later than this after the first try. */
const PATIENCE_MS = 1_500;
/** Longest time the kernel gives one transfer. */
const TRANSFER_MAX_MS = 2_000;
/** Parts of at most 32 letters; real texts have 200 to 600. */
const CAPABILITIES_PARTS_MAX = 64;
const CAPABILITIES_MS = 4_000;

/** Longest time of one question or order. */
export const EXCHANGE_MAX_MS = PATIENCE_MS + 2 * TRANSFER_MAX_MS + TRIES * ANSWER_MS + PAUSE_MS;

export interface DdcCiLinkDeps {
  readonly ddc: Ddc;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Questions and orders to a display over DDC/CI, with the pauses and repetitions that displays need. */
export class DdcCiLink {
  readonly #deps: DdcCiLinkDeps;

  constructor(deps: DdcCiLinkDeps) {
    this.#deps = deps;
  }

  /** Asks for a feature. Errors: `display.no-answer`, and those of `Ddc` but `ddc.no-answer`. */
  get(feature: number): Promise<Result<FeatureReply>> {
    return this.#ask(encodeGet(feature), FEATURE_REPLY_BYTES, (bytes) => decodeFeature(bytes, feature));
  }

  /** Sets a feature. Success means that the display's I2C receiver acknowledged every byte. Errors: as of `get`. */
  async set(feature: number, value: number): Promise<Result<void>> {
    const startedMs = this.#nowMs();
    for (;;) {
      const written = await this.#deps.ddc.write(DISPLAY_ADDRESS, encodeSet(feature, value));
      await this.#pause(PAUSE_MS);
      if (written.ok || written.error.code !== "ddc.no-answer") return written;
      // A busy display acknowledges nothing for a moment. Setting a value twice is the same as once.
      if (this.#nowMs() - startedMs >= TRIES * PAUSE_MS) return noAnswer(written.error);
    }
  }

  /** The text in which the display lists what it can do. Errors: as of `get`. */
  async capabilities(): Promise<Result<string>> {
    const startedMs = this.#nowMs();
    let text = "";
    for (let part = 0; part < CAPABILITIES_PARTS_MAX && this.#nowMs() - startedMs < CAPABILITIES_MS; part += 1) {
      const offset = text.length;
      const read = await this.#ask(encodeCapabilities(offset), CAPABILITIES_REPLY_BYTES, (bytes) => decodeCapabilities(bytes, offset));
      if (!read.ok) return read;
      if (read.value === "") break;
      text += read.value;
    }
    return ok(text);
  }

  async #ask<T>(question: Uint8Array, answerBytes: number, decode: (bytes: Uint8Array) => Result<T, Fault>): Promise<Result<T>> {
    const startedMs = this.#nowMs();
    let fault: Fault | Issue = "null";
    for (let tries = 1; tries <= TRIES && this.#nowMs() - startedMs < PATIENCE_MS; tries += 1) {
      const answered = await this.#exchange(question, answerBytes, tries * ANSWER_MS);
      await this.#pause(PAUSE_MS);
      if (!answered.ok) {
        if (answered.error.code !== "ddc.no-answer") return answered;
        fault = answered.error;
        continue;
      }
      const decoded = decode(answered.value);
      if (decoded.ok) return decoded;
      fault = decoded.error;
    }
    return noAnswer(fault);
  }

  async #exchange(question: Uint8Array, answerBytes: number, waitMs: number): Promise<Result<Uint8Array>> {
    const { ddc } = this.#deps;
    const written = await ddc.write(DISPLAY_ADDRESS, question);
    if (!written.ok) return written;
    await this.#pause(waitMs);
    return ddc.read(DISPLAY_ADDRESS, answerBytes);
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }

  async #pause(durationMs: number): Promise<void> {
    await new Promise<void>((resolve) => this.#deps.timers.after("ddc-ci.pause", durationMs, resolve));
  }
}

const SAYS: Readonly<Record<Fault, string>> = {
  null: "the display acknowledges the question and has no answer; some do so for what they do not have",
  garbage: "the display's answers are not DDC/CI messages",
  other: "the display answers something else",
};

function noAnswer(fault: Fault | Issue): Result<never> {
  if (typeof fault === "string") return fail("display.no-answer", SAYS[fault]);
  return err({ code: "display.no-answer", message: "the display does not acknowledge its DDC/CI address", hint: "DDC/CI may be switched off in its menu" });
}
