import type { HostPicture, HostVerdict } from "../contract/link-messages.ts";
import type { PixelSample } from "./shell.ts";
import type { StageState } from "./stage-state.ts";

/** What the frame witness has found so far. */
export type FrameFact =
  | { readonly kind: "unasked" }
  | { readonly kind: "alive"; readonly tookMs: number; readonly how: string }
  /** `misses` in a row; `renderer` and `output` say which half answered the last time. */
  | { readonly kind: "late"; readonly misses: number; readonly sinceMs: number; readonly renderer: boolean; readonly output: boolean }
  | { readonly kind: "unknown"; readonly why: string };

/** What the capture shows. `hits`: how many captures in a row were of one colour. */
export type ContentFact =
  | { readonly kind: "unasked" }
  | { readonly kind: "varied"; readonly spread: number }
  | { readonly kind: "uniform"; readonly red: number; readonly green: number; readonly blue: number; readonly hits: number }
  | { readonly kind: "unknown"; readonly why: string };

export interface PictureFacts {
  readonly stage: StageState;
  readonly frame: FrameFact;
  readonly content: ContentFact;
  readonly nowMs: number;
}

/** One late frame may be a page that computes; two in a row are a page that stands still. */
export const MISSES_FOR_FROZEN = 2;
/** One capture may fall into a fade; this many are what is on the screen. */
export const HITS_FOR_UNIFORM = 2;
/** At most this far from its mean on any channel and a pixel counts as the same colour (of 255). */
const SAME_COLOUR_MAX = 6;
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
      { witness: "load", says: describeLoad(facts.stage) },
      { witness: "frame", says: describeFrame(facts.frame, facts.nowMs) },
      { witness: "capture", says: describeContent(facts.content) },
    ],
  };
}

function judge({ stage, frame, content }: PictureFacts): Judgement {
  const { shown, wanted, work } = stage;
  if (work.kind === "no-shell") return { verdict: "dark", confidence: 0.9 };
  if (work.kind === "cooling" && shown.kind === "nothing") return { verdict: "error-page", confidence: 1 };
  // Our own page where the customer's should be: honest, but not the customer's picture.
  if (wanted.kind === "content" && shown.kind === "screen") return { verdict: "error-page", confidence: 1 };
  if (shown.kind === "screen" && shown.screen.kind === "fault") return { verdict: "error-page", confidence: 1 };
  if (frame.kind === "late" && frame.misses >= MISSES_FOR_FROZEN) return { verdict: "frozen", confidence: frame.renderer && frame.output ? 0.7 : 0.95 };
  // The content's own document, and it says itself that it is not what should be seen.
  if (shown.kind === "content" && shown.flaw !== undefined) return { verdict: "error-page", confidence: 0.7 };
  if (wanted.kind === "blank" && shown.kind === "screen" && shown.screen.kind === "blank") return judgeBlank(content);
  if (shown.kind === "nothing") return { verdict: "unknown", confidence: 0.5 };
  if (content.kind === "uniform" && content.hits >= HITS_FOR_UNIFORM) {
    return { verdict: isBlack(content) ? "dark" : "blank", confidence: Math.min(0.95, 0.6 + 0.1 * content.hits) };
  }
  const judgement = showing(frame, content);
  return failsToCome(stage) ? { ...judgement, confidence: Math.min(judgement.confidence, INSTEAD_CONFIDENCE_MAX) } : judgement;
}

/** A good picture, while what is wanted was tried and could not be had. */
function failsToCome(stage: StageState): boolean {
  return stage.error !== undefined && !isWanted(stage);
}

/** Our black page was loaded. Whether the glass is black is the capture's to say, not ours. */
function judgeBlank(content: ContentFact): Judgement {
  if (content.kind === "varied") return { verdict: "showing", confidence: 0.6 };
  if (content.kind !== "uniform") return { verdict: "dark", confidence: 0.6 };
  return isBlack(content) ? { verdict: "dark", confidence: 1 } : { verdict: "blank", confidence: 0.8 };
}

/** How sure we are grows with every witness that could be asked and agrees. */
function showing(frame: FrameFact, content: ContentFact): Judgement {
  if (frame.kind === "late") return { verdict: "showing", confidence: 0.4 };
  if (frame.kind !== "alive" && content.kind !== "varied") return { verdict: "unknown", confidence: 0.5 };
  if (content.kind === "uniform") return { verdict: "showing", confidence: 0.4 };
  // A picture that was there a moment ago, and nobody who saw a frame since: it may be standing still.
  if (frame.kind !== "alive") return { verdict: "showing", confidence: 0.4 };
  return { verdict: "showing", confidence: 0.75 + (content.kind === "varied" ? 0.2 : 0) };
}

function isBlack(colour: { readonly red: number; readonly green: number; readonly blue: number }): boolean {
  return colour.red <= BLACK_MAX && colour.green <= BLACK_MAX && colour.blue <= BLACK_MAX;
}

/** Mean colour, and how far any pixel is from it. Pure. */
export function inspectSample(sample: PixelSample, hitsBefore: number): ContentFact {
  const pixels = Math.floor(sample.rgba.length / 4);
  if (pixels === 0) return { kind: "unknown", why: "the capture has no pixels" };
  const mean = [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let i = 0; i < pixels; i++) sum += sample.rgba[i * 4 + channel] ?? 0;
    return sum / pixels;
  });
  let spread = 0;
  for (let i = 0; i < pixels * 4; i++) {
    if (i % 4 !== 3) spread = Math.max(spread, Math.abs((sample.rgba[i] ?? 0) - (mean[i % 4] ?? 0)));
  }
  if (spread > SAME_COLOUR_MAX) return { kind: "varied", spread: Math.round(spread) };
  const [red = 0, green = 0, blue = 0] = mean.map((value) => Math.round(value));
  return { kind: "uniform", red, green, blue, hits: hitsBefore + 1 };
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
      const half = frame.renderer ? "the renderer answered, no frame came out" : frame.output ? "the renderer does not answer" : "neither renderer nor output answers";
      return `no frame ${frame.misses} times since ${Math.round(nowMs - frame.sinceMs)} ms: ${half}`;
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
    case "uniform":
      return `uniform rgb(${content.red}, ${content.green}, ${content.blue}), ${content.hits} captures in a row`;
    case "unknown":
      return `could not capture: ${content.why}`;
  }
}
