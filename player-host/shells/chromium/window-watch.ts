import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { withDeadline } from "../../../platform/runtime/sleep.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { WindowFinding } from "../../stage/shell.ts";
import { cdpFailure, type CdpClient } from "../cdp/cdp-client.ts";
import { judgeOutputs, type OutputPower } from "../cdp/output-power.ts";
import { barsPx, fillsScreen, judgeWindow, windowsOver, type WindowFacts } from "./window-facts.ts";
import type { X11Connection, X11Window } from "./x11-connection.ts";

export interface WindowWatchDeps {
  readonly cdp: CdpClient;
  /** Target id of our page. */
  readonly targetId: string;
  /** Process id of the browser, which identifies its windows. */
  readonly pid: number;
  /** Gives the page the keyboard focus, which an empty tab leaves in the address bar. Rejects with a `CdpError`. */
  readonly toFront: () => Promise<unknown>;
  /** Evaluates in our isolated world of the page. Rejects with a `CdpError`. */
  readonly evaluate: (expression: string, timeoutMs: number) => Promise<unknown>;
  /** Addresses of other pages that have not closed. */
  readonly pages: () => readonly string[];
  /** Absent under Wayland, which shows a program only its own windows, and when the server refuses the connection. */
  readonly x11: X11Connection | undefined;
  /** True under Wayland. */
  readonly composed: boolean;
  readonly outputs: OutputPower;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly found: (finding: WindowFinding) => void;
  /** One of the browser's own windows has covered the picture, or the compositor does not size ours, for longer than it may. */
  readonly stuck: (why: string) => void;
}

interface Bounds {
  readonly windowState?: "normal" | "fullscreen";
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
}

export const LOOK_EVERY_MS = 4_000;
/** The browser's own windows are asked to close at once; after this `stuck` is called. */
const COVERED_MAX_MS = 20_000;
/** Attempts to correct the window for one screen size where no compositor sizes it. After them it is only reported. */
const TRIES_MAX = 4;
/**
 * What a compositor and the browser get to carry out a change of the window's size. An emulated Pi needs two to three seconds; asked again
 * meanwhile, the browser was left with a window of 500×46 in full screen on a black screen, for good (labwc 0.8.3, Chromium 156).
 */
const COMPOSED_SETTLE_MS = 8_000;
/** A window that the compositor does not size for so long gets a new browser. */
const MISPLACED_MAX_MS = 60_000;
const UNFOCUSED_LOOKS = 3;
const ANSWER_TIMEOUT_MS = 2_000;
/** Generous, for a dozen requests to the server of a loaded machine; nothing else waits for them. */
const X11_TIMEOUT_MS = 6_000;
/** Interval until the first answer, and after the window was corrected. */
const LOOK_AGAIN_MS = 500;

/** Screen and viewport as the page's process knows them, read in our isolated world, where the page cannot fake them. */
const LOOK = `JSON.stringify({ screen: { width: screen.width, height: screen.height }, usable: { left: screen.availLeft, top: screen.availTop, width: screen.availWidth, height: screen.availHeight },
  inner: { width: innerWidth, height: innerHeight }, outer: { width: outerWidth, height: outerHeight }, focused: document.hasFocus() })`;

/** Keeps the browser's window at the size of the screen, and notices what covers it. Not for a headless browser. */
export class WindowWatch {
  readonly #deps: WindowWatchDeps;
  readonly #wake = new Wake();
  #tries: { readonly screen: string; readonly count: number } = { screen: "", count: 0 };
  /** Consecutive looks that found the page without keyboard focus, although each gave it back. */
  #unfocused = 0;
  #coveredSinceMs: number | undefined;
  #misplacedSinceMs: number | undefined;
  /** When the browser was asked to change its window. */
  #correctedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: WindowWatchDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let known = false; !signal.aborted; ) {
      const finding = await this.look();
      if (signal.aborted) return;
      this.#deps.found(finding);
      this.#follow(finding);
      const soon = finding.kind === "misplaced" ? this.#isBeingCorrected() : finding.kind === "unknown" && !known;
      known ||= finding.kind !== "unknown";
      // A slow machine needs longer to carry a correction out than to look again.
      const delayMs = soon ? LOOK_AGAIN_MS * Math.max(1, this.#tries.count) : LOOK_EVERY_MS;
      await this.#wake.wait(this.#deps.timers, "window.next-look", delayMs, signal);
    }
  }

  /** A window that was just corrected is checked again soon. */
  #isBeingCorrected(): boolean {
    if (!this.#deps.composed) return this.#tries.count < TRIES_MAX;
    return this.#deps.clock.monotonicMs() - (this.#misplacedSinceMs ?? Number.NEGATIVE_INFINITY) < COMPOSED_SETTLE_MS;
  }

  /** Looks now instead of after the pause. */
  lookNow(): void {
    this.#wake.ring();
  }

  /** Looks once and corrects what it can. Never rejects. */
  async look(): Promise<WindowFinding> {
    const [bounds, page, asked] = await Promise.all([this.#bounds(), this.#page(), this.#windows()]);
    const windows = asked ?? [];
    this.#unfocused = page === undefined ? this.#unfocused : page.focused ? 0 : this.#unfocused + 1;
    if (this.#unfocused > 0) await this.#deps.toFront().catch(cdpFailure);
    const own = this.#own(windows);
    const over = windowsOver(windows, own);
    for (const window of over) if (window.pid === this.#deps.pid) await this.#deps.x11?.askToClose(window.id);
    const silent: WindowFacts["silent"] = [...(bounds === undefined ? ["the browser" as const] : []), ...(page === undefined ? ["the page" as const] : []), ...(asked === undefined ? ["the X server" as const] : [])];
    const facts: WindowFacts = { bounds, page, own, over, silent, composed: this.#deps.composed, pages: this.#deps.pages(), keyboardAt: this.#unfocused < UNFOCUSED_LOOKS ? undefined : await this.#keyboardAt() };
    const finding = await this.#judge(facts);
    if (finding.kind === "misplaced") {
      this.#misplacedSinceMs ??= this.#deps.clock.monotonicMs();
      await (this.#deps.composed ? this.#askCompositor(facts) : this.#putRight(facts));
    } else if (finding.kind !== "unknown") {
      this.#tries = { screen: "", count: 0 };
      this.#misplacedSinceMs = undefined;
    }
    return finding;
  }

  /** A compositor with no output that is on does not size windows. Without a compositor's answer the window is judged by the screen alone. */
  async #judge(facts: WindowFacts): Promise<WindowFinding> {
    if (!facts.composed || fillsScreen(facts)) return judgeWindow(facts);
    const outputs = await this.#deps.outputs.outputs();
    const finding = judgeWindow({ ...facts, outputs });
    const output = outputs === undefined ? undefined : judgeOutputs(outputs);
    if (finding.kind !== "misplaced" || output?.kind !== "off") return finding;
    return { kind: "unknown", says: `window.unknown: the window gets its size when an output is on: ${output.says}` };
  }

  #follow(finding: WindowFinding): void {
    const { clock, composed, stuck } = this.#deps;
    if (finding.kind === "unknown") return;
    if (finding.kind === "misplaced" && composed && clock.monotonicMs() - (this.#misplacedSinceMs ?? Number.POSITIVE_INFINITY) >= MISPLACED_MAX_MS) {
      this.#misplacedSinceMs = undefined;
      stuck(finding.says);
    }
    const own = finding.kind === "covered" && finding.by === "browser";
    if (!own) {
      this.#coveredSinceMs = undefined;
      return;
    }
    this.#coveredSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#coveredSinceMs < COVERED_MAX_MS) return;
    this.#coveredSinceMs = undefined;
    stuck(finding.says);
  }

  /** A compositor sizes the window itself, once the window is in full screen: it only has to be asked, and given the time. */
  async #askCompositor({ bounds }: WindowFacts): Promise<void> {
    const { clock, log } = this.#deps;
    if (bounds === undefined) return;
    const nowMs = clock.monotonicMs();
    const isFull = bounds.windowState === "fullscreen";
    if (nowMs - this.#correctedMs < COMPOSED_SETTLE_MS || (isFull && nowMs - (this.#misplacedSinceMs ?? nowMs) < COMPOSED_SETTLE_MS)) return;
    this.#correctedMs = nowMs;
    log.warn({ bounds }, "the compositor has not given the browser's window the screen: asking for full screen");
    try {
      if (isFull) await this.#set(bounds.windowId, { windowState: "normal" });
      await this.#set(bounds.windowId, { windowState: "fullscreen" });
    } catch (thrown) {
      log.warn({ error: cdpFailure(thrown) }, "the window could not be put into full screen");
    }
  }

  async #putRight({ bounds, page, own }: WindowFacts): Promise<void> {
    const { x11, log, targetId } = this.#deps;
    if (page === undefined || bounds === undefined) return;
    const { screen } = page;
    const name = `${screen.width}x${screen.height}`;
    this.#tries = { screen: name, count: this.#tries.screen === name ? this.#tries.count + 1 : 1 };
    if (this.#tries.count > TRIES_MAX) return;
    log.warn({ bounds, screen, attempt: this.#tries.count }, "the browser's window does not fill the screen: correcting it");
    const set = async (change: Bounds): Promise<void> => this.#set(bounds.windowId, change);
    try {
      // The browser would make a window of exactly the screen's size one pixel smaller; the X server does not.
      if (own !== undefined && bounds.windowState === "fullscreen" && barsPx(page) === 0) return x11?.place(own.id, { left: 0, top: 0, ...screen });
      // A window manager then sizes the window.
      if (bounds.windowState !== "fullscreen") return await set({ windowState: "fullscreen" });
      // Without one: leave full screen, set the size, and return to full screen, which hides the browser's bars.
      await set({ windowState: "normal" });
      await set({ left: 0, top: 0, ...screen });
      await set({ windowState: "fullscreen" });
    } catch (thrown) {
      log.warn({ error: cdpFailure(thrown), targetId }, "the window could not be corrected");
    }
    return undefined;
  }

  async #set(windowId: number, bounds: Bounds): Promise<void> {
    await this.#deps.cdp.call("Browser.setWindowBounds", { windowId, bounds }, { timeoutMs: ANSWER_TIMEOUT_MS });
  }

  async #bounds(): Promise<WindowFacts["bounds"]> {
    try {
      const { windowId, bounds } = await this.#deps.cdp.call("Browser.getWindowForTarget", { targetId: this.#deps.targetId }, { timeoutMs: ANSWER_TIMEOUT_MS });
      const { left = 0, top = 0, width = 0, height = 0, windowState = "normal" } = bounds;
      return { windowId, left, top, width, height, windowState };
    } catch (thrown) {
      this.#deps.log.debug({ error: cdpFailure(thrown) }, "the browser does not report where its window is");
      return undefined;
    }
  }

  /** `undefined` when the page does not answer, which other checks judge. */
  async #page(): Promise<WindowFacts["page"]> {
    try {
      const text = await this.#deps.evaluate(LOOK, ANSWER_TIMEOUT_MS);
      return typeof text === "string" ? (JSON.parse(text) as WindowFacts["page"]) : undefined;
    } catch (thrown) {
      cdpFailure(thrown);
      return undefined;
    }
  }

  #windows(): Promise<readonly X11Window[] | undefined> {
    return this.#askX11((x11) => x11.windows(), []);
  }

  /** Who has the keyboard focus that the page lost; `browser` also when that is unknown. */
  async #keyboardAt(): Promise<WindowFacts["keyboardAt"]> {
    const elsewhere = await this.#askX11((x11) => x11.keyboardIsElsewhere(this.#deps.pid), false);
    return elsewhere === undefined ? undefined : elsewhere ? "other" : "browser";
  }

  /** `unseen` when there is no server; `undefined` when it does not answer. */
  async #askX11<T>(question: (x11: X11Connection) => Promise<T>, unseen: T): Promise<T | undefined> {
    const { x11, timers } = this.#deps;
    try {
      return x11 === undefined ? unseen : await withDeadline(timers, "window.x11", X11_TIMEOUT_MS, question(x11));
    } catch (thrown) {
      this.#deps.log.debug({ error: messageOf(thrown) }, "the X server could not be asked");
      return undefined;
    }
  }

  /** The kiosk's window is the browser's first: X window ids rise with every window of one program. */
  #own(windows: readonly X11Window[]): X11Window | undefined {
    const ours = windows.filter((window) => window.pid === this.#deps.pid && window.mapped && !window.popup);
    return ours.toSorted((a, b) => a.id - b.id)[0];
  }
}
