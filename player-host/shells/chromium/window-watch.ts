import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { sleep, withDeadline } from "../../../platform/runtime/sleep.ts";
import type { WindowFinding } from "../../stage/shell.ts";
import { cdpFailure, type CdpClient } from "../cdp/cdp-client.ts";
import { barsPx, judgeWindow, windowsOver, type WindowFacts } from "./window-facts.ts";
import type { X11Connection, X11Window } from "./x11-connection.ts";

export interface WindowWatchDeps {
  readonly cdp: CdpClient;
  /** The one page there should be. */
  readonly targetId: string;
  /** Process id of the browser, by which its windows are known. */
  readonly pid: number;
  /** Gives the page the keyboard: an empty tab leaves it to the address bar, where no page hears a key. Rejects with a `CdpError`. */
  readonly toFront: () => Promise<unknown>;
  /** Evaluates in our own world of the page. Rejects with a `CdpError`. */
  readonly evaluate: (expression: string, timeoutMs: number) => Promise<unknown>;
  /** Pages besides ours that do not close. */
  readonly pages: () => readonly string[];
  /** Absent under Wayland, which shows a program no windows but its own, and where the server refuses us. */
  readonly x11: X11Connection | undefined;
  /** Under Wayland. */
  readonly composed: boolean;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly found: (finding: WindowFinding) => void;
  /** A window of the browser's own that does not go away stood over the picture for `COVERED_MAX_MS`. */
  readonly covered: (why: string) => void;
}

interface Bounds {
  readonly windowState?: "normal" | "fullscreen";
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
}

export const LOOK_EVERY_MS = 4_000;
/** Own windows are asked to close at once; what stays for this long goes with the browser. */
const COVERED_MAX_MS = 20_000;
/** Tries to put the window right for one size of the screen; after that it is told and left. */
const TRIES_MAX = 4;
const UNFOCUSED_LOOKS = 3;
const ANSWER_TIMEOUT_MS = 2_000;
/** A server on a loaded machine answers a dozen questions late, and asking it holds up nobody else. */
const X11_TIMEOUT_MS = 6_000;
/** Until there is a first answer, and after the window was put right. */
const LOOK_AGAIN_MS = 500;

/** Screen and viewport as the page's own process knows them; our world's globals are not the page's to change. */
const LOOK = `JSON.stringify({ screen: { width: screen.width, height: screen.height }, usable: { left: screen.availLeft, top: screen.availTop, width: screen.availWidth, height: screen.availHeight },
  inner: { width: innerWidth, height: innerHeight }, outer: { width: outerWidth, height: outerHeight }, focused: document.hasFocus() })`;

/** Keeps the browser's one window as large as the screen, and notices what stands over it. Not for a headless browser. */
export class WindowWatch {
  readonly #deps: WindowWatchDeps;
  #tries: { readonly screen: string; readonly count: number } = { screen: "", count: 0 };
  /** Looks in a row that found the page without the keyboard, though it was given it after each. */
  #unfocused = 0;
  #coveredSinceMs: number | undefined;

  constructor(deps: WindowWatchDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let known = false; !signal.aborted; ) {
      const finding = await this.look();
      if (signal.aborted) return;
      this.#deps.found(finding);
      this.#follow(finding);
      // A window that was just put right is looked at again soon.
      const soon = finding.kind === "misplaced" ? this.#tries.count < TRIES_MAX : finding.kind === "unknown" && !known;
      known ||= finding.kind !== "unknown";
      const delayMs = soon ? LOOK_AGAIN_MS : LOOK_EVERY_MS;
      await sleep(this.#deps.timers, "window.next-look", delayMs, signal);
    }
  }

  /** One look; puts right what can be. Never rejects. */
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
    const finding = judgeWindow(facts);
    if (finding.kind === "misplaced") await this.#putRight(facts);
    else if (finding.kind !== "unknown") this.#tries = { screen: "", count: 0 };
    return finding;
  }

  #follow(finding: WindowFinding): void {
    const { clock, covered } = this.#deps;
    if (finding.kind === "unknown") return;
    const own = finding.kind === "covered" && finding.by === "browser";
    if (!own) {
      this.#coveredSinceMs = undefined;
      return;
    }
    this.#coveredSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#coveredSinceMs < COVERED_MAX_MS) return;
    this.#coveredSinceMs = undefined;
    covered(finding.says);
  }

  async #putRight({ bounds, page, own }: WindowFacts): Promise<void> {
    const { x11, log, targetId } = this.#deps;
    if (page === undefined || bounds === undefined) return;
    const { screen } = page;
    const name = `${screen.width}x${screen.height}`;
    this.#tries = { screen: name, count: this.#tries.screen === name ? this.#tries.count + 1 : 1 };
    if (this.#tries.count > TRIES_MAX) return;
    log.warn({ bounds, screen, attempt: this.#tries.count }, "the browser's window is not the screen: putting it right");
    const set = async (change: Bounds): Promise<void> => this.#set(bounds.windowId, change);
    try {
      // A browser makes a window of exactly the screen's size one pixel smaller; the server does not.
      if (own !== undefined && bounds.windowState === "fullscreen" && barsPx(page) === 0) return x11?.place(own.id, { left: 0, top: 0, ...screen });
      // A window manager or a compositor makes it fit by itself, once it is told.
      if (bounds.windowState !== "fullscreen") return await set({ windowState: "fullscreen" });
      // Without a window manager nobody does: out of full screen, to its size, and back, which takes the browser's bars away.
      await set({ windowState: "normal" });
      await set({ left: 0, top: 0, ...screen });
      await set({ windowState: "fullscreen" });
    } catch (thrown) {
      log.warn({ error: cdpFailure(thrown), targetId }, "the window could not be put right");
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
      this.#deps.log.debug({ error: cdpFailure(thrown) }, "the browser does not say where its window is");
      return undefined;
    }
  }

  /** `undefined` while the page does not answer, which others judge. */
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

  /** Whose the keyboard is that the page lost; `browser` also where nobody can tell. */
  async #keyboardAt(): Promise<WindowFacts["keyboardAt"]> {
    const elsewhere = await this.#askX11((x11) => x11.keyboardIsElsewhere(this.#deps.pid), false);
    return elsewhere === undefined ? undefined : elsewhere ? "other" : "browser";
  }

  /** `unseen` where there is no server to ask; `undefined` when it does not answer. */
  async #askX11<T>(question: (x11: X11Connection) => Promise<T>, unseen: T): Promise<T | undefined> {
    const { x11, timers } = this.#deps;
    try {
      return x11 === undefined ? unseen : await withDeadline(timers, "window.x11", X11_TIMEOUT_MS, question(x11));
    } catch (thrown) {
      this.#deps.log.debug({ error: messageOf(thrown) }, "the X server could not be asked");
      return undefined;
    }
  }

  /** The browser's first window is the kiosk's: an id of the X server's rises with every window of one program. */
  #own(windows: readonly X11Window[]): X11Window | undefined {
    const ours = windows.filter((window) => window.pid === this.#deps.pid && window.mapped && !window.popup);
    return ours.toSorted((a, b) => a.id - b.id)[0];
  }
}
