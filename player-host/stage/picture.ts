import type { HostPicture, HostVerdict } from "../contract/link-messages.ts";
import { loopEveryMs } from "./reload-loop.ts";
import type { PixelSample, WindowFinding } from "./shell.ts";
import type { StageState } from "./stage-state.ts";

/** What the frame witness has found so far. Times are monotonic milliseconds. */
export type FrameFact =
  /** `outputOff`: the output was off when the previous picture was judged. */
  | { readonly kind: "unasked"; readonly outputOff?: string }
  /** A frame was seen at `atMs`. */
  | { readonly kind: "alive"; readonly tookMs: number; readonly how: string; readonly atMs: number }
  /** At `atMs` no frame was due, because the output was off (`outputOff` says which), and the renderer answered a capture. */
  | { readonly kind: "dark"; readonly outputOff: string; readonly atMs: number }
  /**
   * `misses` in a row, the first requested at `sinceMs`; `renderer` and `output` say which half answered the last time;
   * `starvedMs`: total time the browser waited for a processor during these checks. `outputOff`: the output was off the last time.
   */
  | { readonly kind: "late"; readonly misses: number; readonly sinceMs: number; readonly renderer: boolean; readonly output: boolean; readonly starvedMs: number; readonly outputOff?: string }
  /** The check could not be made. Still counts as a miss, because no frame was seen. */
  | { readonly kind: "unknown"; readonly why: string; readonly misses: number; readonly sinceMs: number };

/** What the capture shows. `hits`: number of consecutive captures of a single colour. */
export type ContentFact =
  | { readonly kind: "unasked" }
  | { readonly kind: "varied"; readonly spread: number }
  /** One colour except for `odd` of `of` pixels: lights in the dark, or an empty page with a broken icon. */
  | { readonly kind: "sparse"; readonly red: number; readonly green: number; readonly blue: number; readonly odd: number; readonly of: number }
  | { readonly kind: "uniform"; readonly red: number; readonly green: number; readonly blue: number; readonly hits: number }
  | { readonly kind: "unknown"; readonly why: string };

export interface PictureFacts {
  readonly stage: StageState;
  readonly frame: FrameFact;
  readonly content: ContentFact;
  /** Absent when nothing observes the window: a headless browser, or a shell that cannot. */
  readonly window?: WindowFinding | undefined;
  readonly nowMs: number;
}

/** A single late frame may just be a busy page; this many in a row mean that the picture is frozen. */
export const MISSES_FOR_FROZEN = 2;
/** Age up to which a frame counts as current: longer than a check interval, the frame deadline and the capture deadline together. */
export const FRAME_FRESH_MS = 12_000;
/** A single capture may fall into a fade; this many in a row show what is on the screen. */
export const HITS_FOR_UNIFORM = 2;
/** Largest distance from the median on any channel (0 to 255) at which a pixel still counts as the same colour. */
const SAME_COLOUR_MAX = 6;
/** Largest fraction of differing pixels at which the picture is sparse rather than varied: 100 × 100 pixels on a full HD screen. */
const SPARSE_MAX = 0.005;
/** A colour at or below this on every channel (0 to 255) looks black in a lit room. */
const BLACK_MAX = 12;

/** Highest confidence in a good picture that stands in for the wanted one. */
const INSTEAD_CONFIDENCE_MAX = 0.5;

interface Judgement {
  readonly verdict: HostVerdict;
  readonly confidence: number;
}

/** The host's verdict on its own picture, from witnesses that can fail independently. Pure. */
export function judgePicture(facts: PictureFacts): HostPicture {
  const outputOff = outputOffOf(facts);
  const { verdict, confidence } = judge(facts, outputOff);
  return {
    verdict,
    confidence,
    ...(outputOff !== undefined && { outputOff }),
    evidence: [
      { witness: "load", says: describeLoad(facts.stage) + describeLoop(facts.stage, facts.nowMs) },
      { witness: "frame", says: describeFrame(facts.frame, facts.nowMs) },
      { witness: "capture", says: describeContent(facts.content) },
      ...(facts.window === undefined || facts.window.kind === "alone" ? [] : [{ witness: "window", says: facts.window.says }]),
    ],
  };
}

/** Which outputs are off, while that keeps the picture off the glass. */
function outputOffOf({ stage: { work }, frame, nowMs }: PictureFacts): string | undefined {
  if (work.kind === "no-shell") return work.outputOff;
  if (frame.kind === "dark") return nowMs - frame.atMs > FRAME_FRESH_MS ? undefined : frame.outputOff;
  return frame.kind === "late" || frame.kind === "unasked" ? frame.outputOff : undefined;
}

function judge({ stage, frame, content, window, nowMs }: PictureFacts, outputOff: string | undefined): Judgement {
  const { shown, wanted, work } = stage;
  // Whatever the page and its renderer do, the glass is dark.
  if (work.kind === "no-shell" || outputOff !== undefined) return { verdict: "dark", confidence: 0.9 };
  // Whatever the page renders, people see something else or only part of it.
  if (window?.kind === "covered" || window?.kind === "misplaced") return { verdict: "error-page", confidence: window.kind === "covered" ? 0.8 : 0.7 };
  if (work.kind === "cooling" && shown.kind === "nothing") return { verdict: "error-page", confidence: 1 };
  // Our own page in place of the customer's content.
  if (wanted.kind === "content" && shown.kind === "screen") return { verdict: "error-page", confidence: 1 };
  if (shown.kind === "screen" && shown.screen.kind === "fault") return { verdict: "error-page", confidence: 1 };
  // A renderer that answers is not frozen: a healthy page draws nothing while its output is switched off.
  if (frame.kind === "late" && frame.misses >= MISSES_FOR_FROZEN && !frame.renderer) return { verdict: "frozen", confidence: 0.95 };
  // The content's own document, but flawed: cut off, or trying to lead elsewhere.
  if (shown.kind === "content" && shown.flaw !== undefined) return { verdict: "error-page", confidence: 0.7 };
  if (wanted.kind === "blank" && shown.kind === "screen" && shown.screen.kind === "blank") return judgeBlank(content);
  if (shown.kind === "nothing") return { verdict: "unknown", confidence: 0.5 };
  // No recent frame was seen, whatever was there before.
  if (frame.kind !== "alive" || nowMs - frame.atMs > FRAME_FRESH_MS) return { verdict: "unknown", confidence: 0.5 };
  // Only one witness objects: the load is complete and frames arrive, so the single colour may be intended.
  if (content.kind === "uniform" && content.hits >= HITS_FOR_UNIFORM) return { verdict: isBlack(content) ? "dark" : "blank", confidence: 0.6 };
  const confidence = Math.min(SHOWING_CONFIDENCE[content.kind], window?.kind === "unknown" ? UNSEEN_CONFIDENCE : 1);
  return { verdict: "showing", confidence: failsToCome(stage) ? Math.min(confidence, INSTEAD_CONFIDENCE_MAX) : confidence };
}

/** Whether the wanted scene failed while another picture is on. */
function failsToCome(stage: StageState): boolean {
  return stage.error !== undefined && !isWanted(stage);
}

/** Our blank page is loaded. Whether the glass is black is for the capture to say. */
function judgeBlank(content: ContentFact): Judgement {
  if (content.kind === "varied" || content.kind === "sparse") return { verdict: "showing", confidence: 0.6 };
  if (content.kind !== "uniform") return { verdict: "dark", confidence: 0.6 };
  return isBlack(content) ? { verdict: "dark", confidence: 1 } : { verdict: "blank", confidence: 0.8 };
}

/** Confidence when frames arrive but another witness could not be consulted. */
const UNSEEN_CONFIDENCE = 0.75;
/** Confidence in a picture whose frames arrive, by what the capture shows. */
const SHOWING_CONFIDENCE: Readonly<Record<ContentFact["kind"], number>> = { varied: 0.95, unasked: UNSEEN_CONFIDENCE, unknown: UNSEEN_CONFIDENCE, sparse: 0.5, uniform: 0.4 };

function isBlack(colour: { readonly red: number; readonly green: number; readonly blue: number }): boolean {
  return colour.red <= BLACK_MAX && colour.green <= BLACK_MAX && colour.blue <= BLACK_MAX;
}

/** Finds the median colour and counts the pixels that differ from it. Pure. */
export function inspectSample(sample: PixelSample, hitsBefore: number): ContentFact {
  const pixels = Math.floor(sample.rgba.length / 4);
  if (pixels === 0) return { kind: "unknown", why: "the capture has no pixels" };
  const middle = [0, 1, 2].map((channel) => median(sample.rgba, channel, pixels));
  let odd = 0;
  let spread = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    let far = 0;
    for (let channel = 0; channel < 3; channel++) far = Math.max(far, Math.abs((sample.rgba[pixel * 4 + channel] ?? 0) - (middle[channel] ?? 0)));
    if (far > SAME_COLOUR_MAX) odd += 1;
    spread = Math.max(spread, far);
  }
  const [red = 0, green = 0, blue = 0] = middle;
  if (odd === 0) return { kind: "uniform", red, green, blue, hits: hitsBefore + 1 };
  return odd <= pixels * SPARSE_MAX ? { kind: "sparse", red, green, blue, odd, of: pixels } : { kind: "varied", spread };
}

function median(rgba: Uint8Array, channel: number, pixels: number): number {
  const counts = new Uint32Array(256);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const value = rgba[pixel * 4 + channel] ?? 0;
    counts[value] = (counts[value] ?? 0) + 1;
  }
  let below = 0;
  return Math.max(0, counts.findIndex((count) => (below += count) * 2 >= pixels));
}

/** For display; the full id is in the stage's report. A package's id is its SHA-256 in 64 hex digits. */
function shortId(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 8) : id;
}

function describeLoad(stage: StageState): string {
  const { shown, work } = stage;
  const other = isWanted(stage) ? "" : ", not what is wanted";
  const flaw = "content" in shown && shown.flaw !== undefined && shown.flaw !== stage.error ? ` (${shown.flaw.code}: ${shown.flaw.message})` : "";
  const on = "content" in shown ? `content ${shortId(shown.content.id)} is ${shown.kind === "arriving" ? "coming " : ""}on${other}${flaw}` : shown.kind === "screen" ? `our ${shown.screen.kind} page is on${other}` : "nothing is on";
  const error = stage.error === undefined ? "" : ` (${stage.error.code}: ${stage.error.message})`;
  switch (work.kind) {
    case "idle":
      return on;
    case "no-shell":
      return `no browser: ${work.why}`;
    case "probing":
      return `${on}; asking the content's origin${error}`;
    case "waiting":
      return `${on}; waiting for the content${error}`;
    case "loading":
      return `${on}; loading${error}`;
    case "cooling":
      return `${on}; renderer died, trying again${error}`;
  }
}

function describeLoop({ shown, ownReloads }: StageState, nowMs: number): string {
  const everyMs = shown.kind === "content" ? loopEveryMs(ownReloads, nowMs) : undefined;
  return everyMs === undefined ? "" : `; it loads itself anew about every ${Number((everyMs / 1000).toPrecision(1))} s`;
}

function isWanted({ shown, wanted }: StageState): boolean {
  if ("content" in shown) return wanted.kind === "content" && wanted.content.id === shown.content.id;
  return shown.kind === "nothing" || shown.screen.kind === wanted.kind;
}

function describeFrame(frame: FrameFact, nowMs: number): string {
  switch (frame.kind) {
    case "unasked":
      return "not asked yet";
    case "alive":
      return `a frame made for the question arrived after ${Math.round(frame.tookMs)} ms (${frame.how})`;
    case "dark":
      return `no frame is due: ${frame.outputOff}; the renderer answers a capture`;
    case "late": {
      const half = frame.outputOff !== undefined
        ? `${frame.outputOff}, and the renderer does not answer a capture either`
        : frame.renderer
        ? "the renderer answers a capture, and draws nothing: its output may be switched off"
        : frame.output ? "the renderer does not answer" : "neither renderer nor output answers";
      const starved = frame.starvedMs === 0 ? "" : `; the machine is busy: the browser waited ${Math.round(frame.starvedMs)} ms for a processor`;
      return `no frame ${frame.misses} times since ${Math.round(nowMs - frame.sinceMs)} ms: ${half}${starved}`;
    }
    case "unknown":
      return `could not ask: ${frame.why}`;
  }
}

function describeContent(content: ContentFact): string {
  switch (content.kind) {
    case "unasked":
      return "not captured yet";
    case "varied":
      return `not uniform (spread ${content.spread} of 255)`;
    case "sparse":
      return `nearly all rgb(${content.red}, ${content.green}, ${content.blue}); ${content.odd} of ${content.of} pixels differ`;
    case "uniform":
      return `uniform rgb(${content.red}, ${content.green}, ${content.blue}), ${content.hits} captures in a row`;
    case "unknown":
      return `could not capture: ${content.why}`;
  }
}
