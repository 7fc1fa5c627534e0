import type { Clock } from "../../../platform/ports/clock.ts";
import type { FrameFinding } from "../../stage/shell.ts";
import { CdpError } from "./cdp-client.ts";
import type { OpenCast } from "./screencast.ts";

/** The page as the witness needs it. */
export interface WitnessedPage {
  readonly evaluate: EvaluateInPage;
  /** Documents of the main frame that have had their first paint so far. */
  readonly documentsPainted: number;
  /** Documents of the main frame that have finished loading so far. */
  readonly documentsLoaded: number;
}

/** Evaluates in our isolated world of the page's main frame. Rejects with a `CdpError`. */
export type EvaluateInPage = (expression: string, timeoutMs: number) => Promise<unknown>;

/** Resolves after two animation frames of the main thread: the second proves that the first was committed. */
const TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
/**
 * Makes the renderer submit a different frame by an invisible change (a quarter of one step of 255) that touches neither
 * the document nor its styles.
 */
const DIFFERENT_FRAME = "document.documentElement?.animate([{ opacity: 1 }, { opacity: 0.999 }], 50).finished.then(() => true, () => false)";
/** An animated page draws its next frame within this. */
const MOVING_WITHIN_MS = 120;
/** Delay after a refusal, in which the next document may commit. */
const ASK_AGAIN_MS = 100;
/** An evaluation may be lost with its document, so it is repeated after this. */
const ANSWER_MS = 1_000;
/** Whether a new document was painted is checked with each frame, and at least this often. */
const LOOK_AGAIN_MS = 250;

/**
 * Asks the page's renderer for a frame and waits for it at the compositor's output. A still page answers like an animated
 * one; a renderer that loops, hangs or is stopped does not, whatever timers run elsewhere in its process. No answer and a
 * refusal at the end of the time are both `late`, because the browser refuses what its renderer does not accept.
 *
 * A page that reloads every few hundred milliseconds may never stay long enough to answer. There a document painted since
 * the question, followed by a frame, counts as alive. In a window Chromium holds back the first frame of a document
 * without text or pictures for half a second (seen on 150); there a loaded document proves only that the renderer runs.
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

/** Whether the page answers in the remaining time. If the document is replaced, the new one is asked. */
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
