import type { Clock } from "../../../platform/ports/clock.ts";
import type { FrameFinding } from "../../stage/shell.ts";
import { CdpError } from "./cdp-client.ts";
import type { OpenCast } from "./screencast.ts";

/** What the witness asks of a page. */
export interface WitnessedPage {
  readonly evaluate: EvaluateInPage;
  /** Documents of the main frame whose first picture the renderer has made, so far. */
  readonly documentsPainted: number;
  /** Documents of the main frame that the renderer has loaded to their end, so far. */
  readonly documentsLoaded: number;
}

/** Evaluates in our own world of the page's main frame. Rejects with a `CdpError`. */
export type EvaluateInPage = (expression: string, timeoutMs: number) => Promise<unknown>;

/** Resolves after the page's main thread has been through the frame loop twice: once begun, once committed. */
const TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
/**
 * Makes the page's renderer hand in a frame that differs, by a change nobody can see (a quarter of one step
 * of 255) and that touches neither the document nor its styles.
 */
const DIFFERENT_FRAME = "document.documentElement?.animate([{ opacity: 1 }, { opacity: 0.999 }], 50).finished.then(() => true, () => false)";
/** A page that moves by itself gives its next frame within this. */
const MOVING_WITHIN_MS = 120;
/** After a refusal: the next document may be on by then. */
const ASK_AGAIN_MS = 100;
/** A question may be lost with the document it was put to, so it is put again after this. */
const ANSWER_MS = 1_000;
/** Whether a new document was painted is looked at with each frame, and this often. */
const LOOK_AGAIN_MS = 250;

/**
 * Asks the page's renderer for a frame and looks for it where the compositor puts its frames out. A still page answers
 * like one that moves; a renderer that computes for ever, is stopped or hangs does
 * not, however many timers run in the process beside it. No answer and a refusal at the end of the time are
 * both `late`: a browser refuses what its renderer does not take.
 *
 * A page that loads itself anew every few hundred milliseconds may never be there long enough to answer: a document
 * that was painted since the question, and a frame after it, say the same. In a window Chromium holds the first frame of a document
 * back for half a second where that has no text and no picture (seen on 150): then a document that was loaded says at least
 * that the renderer runs.
 */
export async function witnessFrame(cast: OpenCast, page: WitnessedPage, clock: Clock, timeoutMs: number): Promise<FrameFinding> {
  const startedMs = clock.monotonicMs();
  const leftMs = (): number => timeoutMs - (clock.monotonicMs() - startedMs);
  const loadedBefore = page.documentsLoaded;
  const asked = askForFrame(cast, (expression, ms) => page.evaluate(expression, ms), clock, timeoutMs);
  const drew = drewNewDocument(cast, page, leftMs);
  if ((await Promise.race([asked, drew])) === true) return { kind: "alive", tookMs: clock.monotonicMs() - startedMs, how: "it drew a new document" };
  const finding = await asked;
  return finding.kind === "late" && page.documentsLoaded > loadedBefore ? { ...finding, renderer: true } : finding;
}

/** False at the end of the time. */
async function drewNewDocument(cast: OpenCast, page: WitnessedPage, leftMs: () => number): Promise<boolean> {
  const before = page.documentsPainted;
  while (leftMs() > 0 && !cast.isOver()) {
    const seen = cast.count();
    const painted = page.documentsPainted > before;
    const arrived = await cast.moreThan(seen, Math.max(1, Math.min(LOOK_AGAIN_MS, leftMs())));
    if (painted && arrived) return true;
  }
  return false;
}

async function askForFrame(cast: OpenCast, evaluate: EvaluateInPage, clock: Clock, timeoutMs: number): Promise<FrameFinding> {
  const startedMs = clock.monotonicMs();
  const leftMs = (): number => timeoutMs - (clock.monotonicMs() - startedMs);
  const answers = (expression: string): Promise<boolean> => answered(cast, evaluate, expression, leftMs);
  const output = cast.moreThan(0, timeoutMs);
  const renderer = await answers(TWO_FRAMES);
  if (!renderer) return { kind: "late", renderer: false, output: await output };
  const before = cast.count();
  if (await cast.moreThan(Math.max(1, before), MOVING_WITHIN_MS)) {
    return { kind: "alive", tookMs: clock.monotonicMs() - startedMs, how: "the page moves" };
  }
  const standing = cast.count();
  const different = answers(DIFFERENT_FRAME);
  const arrived = await cast.moreThan(standing, Math.max(50, leftMs()));
  if (arrived) return { kind: "alive", tookMs: clock.monotonicMs() - startedMs, how: "it drew the frame it was asked for" };
  return { kind: "late", renderer: await different, output: await output };
}

/** Whether the page answers in the time that is left. A document that takes the place of the one that was asked is asked anew. */
async function answered(cast: OpenCast, evaluate: EvaluateInPage, expression: string, leftMs: () => number): Promise<boolean> {
  while (leftMs() > 0 && !cast.isOver()) {
    try {
      await evaluate(expression, Math.max(50, Math.min(ANSWER_MS, leftMs())));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof CdpError)) throw thrown;
      if (thrown.kind === "closed") return false;
      if (thrown.kind !== "timeout") await cast.moreThan(Number.MAX_SAFE_INTEGER, ASK_AGAIN_MS);
    }
  }
  return false;
}
