import type { Clock } from "../../../platform/ports/clock.ts";
import type { FrameFinding } from "../../stage/shell.ts";
import { CdpError } from "./cdp-client.ts";
import type { OpenCast } from "./screencast.ts";

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

/**
 * Asks the page's renderer for a frame and looks for it where the compositor puts its frames out. A page
 * that stands still answers like one that moves; a renderer that computes for ever, is stopped or hangs does
 * not, however many timers run in the process beside it.
 */
export async function witnessFrame(cast: OpenCast, evaluate: EvaluateInPage, clock: Clock, timeoutMs: number): Promise<FrameFinding> {
  const startedMs = clock.monotonicMs();
  const leftMs = (): number => Math.max(50, timeoutMs - (clock.monotonicMs() - startedMs));
  const output = cast.moreThan(0, timeoutMs);
  const renderer = await answers(evaluate(TWO_FRAMES, timeoutMs));
  if (!renderer) return { kind: "late", renderer: false, output: await output };
  const before = cast.count();
  if (await cast.moreThan(Math.max(1, before), MOVING_WITHIN_MS)) {
    return { kind: "alive", tookMs: clock.monotonicMs() - startedMs, how: "the page moves" };
  }
  const standing = cast.count();
  const different = answers(evaluate(DIFFERENT_FRAME, leftMs()));
  const arrived = await cast.moreThan(standing, leftMs());
  if (arrived) return { kind: "alive", tookMs: clock.monotonicMs() - startedMs, how: "the page stands still" };
  return { kind: "late", renderer: await different, output: await output };
}

async function answers(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (thrown) {
    // No answer is the finding. A renderer that died meanwhile is reported as such by the shell.
    if (thrown instanceof CdpError) return false;
    throw thrown;
  }
}
