import type { HostPicture, HostVerdict } from "../contract/link-messages.ts";
import { loopEveryMs } from "./reload-loop.ts";
import type { PixelSample, WindowFinding } from "./shell.ts";
import type { StageState } from "./stage-state.ts";

/** What the frame witness has found so far. Times are monotonic. */
export type FrameFact =
  | { readonly kind: "unasked" }
  /** A frame was seen at `atMs`. */
  | { readonly kind: "alive"; readonly tookMs: number; readonly how: string; readonly atMs: number }
  /**
   * `misses` in a row, the first asked at `sinceMs`; `renderer` and `output` say which half answered the last time;
   * `starvedMs`: for how long in these looks what draws the picture was kept waiting for a processor.
   */
  | { readonly kind: "late"; readonly misses: number; readonly sinceMs: number; readonly renderer: boolean; readonly output: boolean; readonly starvedMs: number }
  /** There was nobody to ask. Counts as a miss all the same: nobody saw a frame. */
  | { readonly kind: "unknown"; readonly why: string; readonly misses: number; readonly sinceMs: number };

/** What the capture shows. `hits`: how many captures in a row were of one colour. */
export type ContentFact =
  | { readonly kind: "unasked" }
  | { readonly kind: "varied"; readonly spread: number }
  /** One colour but for `odd` of `of` pixels: a picture of lights in the dark, or an empty page with a broken icon. */
  | { readonly kind: "sparse"; readonly red: number; readonly green: number; readonly blue: number; readonly odd: number; readonly of: number }
  | { readonly kind: "uniform"; readonly red: number; readonly green: number; readonly blue: number; readonly hits: number }
  | { readonly kind: "unknown"; readonly why: string };

export interface PictureFacts {
  readonly stage: StageState;
  readonly frame: FrameFact;
  readonly content: ContentFact;
  /** Absent where nobody looks at the window: a headless browser, another shell. */
  readonly window?: WindowFinding | undefined;
  readonly nowMs: number;
}

/** One late frame may be a page that computes; two in a row mean that the picture is frozen. */
export const MISSES_FOR_FROZEN = 2;
/** Older than this, a frame says nothing of the screen now: a look, its deadline and a capture's all fit into it. */
export const FRAME_FRESH_MS = 12_000;
/** One capture may fall into a fade; this many are what is on the screen. */
export const HITS_FOR_UNIFORM = 2;
/** At most this far from the middle on any channel and a pixel counts as the same colour (of 255). */
const SAME_COLOUR_MAX = 6;
/** Up to this part of the pixels may be odd without the picture being varied: 100 by 100 pixels of a full HD screen. */
const SPARSE_MAX = 0.005;
/** Mean below this on every channel is black to an eye in a lit room (of 255). */
const BLACK_MAX = 12;

/** A picture stays in the place of what is wanted: it is good, and it is the wrong one. */
const INSTEAD_CONFIDENCE_MAX = 0.5;

interface Judgement {
  readonly verdict: HostVerdict;
  readonly confidence: number;
}

/** The host's verdict over its own picture, from witnesses that can fail independently. Pure. */
export function judgePicture(facts: PictureFacts): HostPicture {
  const { verdict, confidence } = judge(facts);
  return {
    verdict,
    confidence,
    evidence: [
      { witness: "load", says: describeLoad(facts.stage) + describeLoop(facts.stage, facts.nowMs) },
      { witness: "frame", says: describeFrame(facts.frame, facts.nowMs) },
      { witness: "capture", says: describeContent(facts.content) },
      ...(facts.window === undefined || facts.window.kind === "alone" ? [] : [{ witness: "window", says: facts.window.says }]),
    ],
  };
}

function judge({ stage, frame, content, window, nowMs }: PictureFacts): Judgement {
  const { shown, wanted, work } = stage;
  if (work.kind === "no-shell") return { verdict: "dark", confidence: 0.9 };
  // Whatever the page draws, people see something else, or a part of it.
  if (window?.kind === "covered" || window?.kind === "misplaced") return { verdict: "error-page", confidence: window.kind === "covered" ? 0.8 : 0.7 };
  if (work.kind === "cooling" && shown.kind === "nothing") return { verdict: "error-page", confidence: 1 };
  // Our own page where the customer's should be: honest, but not the customer's picture.
  if (wanted.kind === "content" && shown.kind === "screen") return { verdict: "error-page", confidence: 1 };
  if (shown.kind === "screen" && shown.screen.kind === "fault") return { verdict: "error-page", confidence: 1 };
  // A renderer that answers is not frozen: behind an output that is switched off a healthy page draws nothing.
  if (frame.kind === "late" && frame.misses >= MISSES_FOR_FROZEN && !frame.renderer) return { verdict: "frozen", confidence: 0.95 };
  // The content's own document, and it says itself that it is not what should be seen.
  if (shown.kind === "content" && shown.flaw !== undefined) return { verdict: "error-page", confidence: 0.7 };
  if (wanted.kind === "blank" && shown.kind === "screen" && shown.screen.kind === "blank") return judgeBlank(content);
  if (shown.kind === "nothing") return { verdict: "unknown", confidence: 0.5 };
  // Nobody saw a frame within the last interval, whatever was there before.
  if (frame.kind !== "alive" || nowMs - frame.atMs > FRAME_FRESH_MS) return { verdict: "unknown", confidence: 0.5 };
  // One witness alone: the load is complete and frames come, so it may well be meant.
  if (content.kind === "uniform" && content.hits >= HITS_FOR_UNIFORM) return { verdict: isBlack(content) ? "dark" : "blank", confidence: 0.6 };
  const confidence = Math.min(SHOWING_CONFIDENCE[content.kind], window?.kind === "unknown" ? UNSEEN_CONFIDENCE : 1);
  return { verdict: "showing", confidence: failsToCome(stage) ? Math.min(confidence, INSTEAD_CONFIDENCE_MAX) : confidence };
}

/** A good picture, while what is wanted was tried and could not be had. */
function failsToCome(stage: StageState): boolean {
  return stage.error !== undefined && !isWanted(stage);
}

/** Our black page was loaded. Whether the glass is black is the capture's to say, not ours. */
function judgeBlank(content: ContentFact): Judgement {
  if (content.kind === "varied" || content.kind === "sparse") return { verdict: "showing", confidence: 0.6 };
  if (content.kind !== "uniform") return { verdict: "dark", confidence: 0.6 };
  return isBlack(content) ? { verdict: "dark", confidence: 1 } : { verdict: "blank", confidence: 0.8 };
}

/** A picture whose frames come, while a witness of what else is on the glass could not be asked. */
const UNSEEN_CONFIDENCE = 0.75;
/** Of a picture whose frames come: how sure we are grows with what the capture shows. */
const SHOWING_CONFIDENCE: Readonly<Record<ContentFact["kind"], number>> = { varied: 0.95, unasked: UNSEEN_CONFIDENCE, unknown: UNSEEN_CONFIDENCE, sparse: 0.5, uniform: 0.4 };

function isBlack(colour: { readonly red: number; readonly green: number; readonly blue: number }): boolean {
  return colour.red <= BLACK_MAX && colour.green <= BLACK_MAX && colour.blue <= BLACK_MAX;
}

/** The middle colour, and how many pixels are another one. Pure. */
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

/** For people; the whole id is in the stage's report. A package's is the 64 digits of its SHA-256. */
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
    case "late": {
      const half = frame.renderer
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
