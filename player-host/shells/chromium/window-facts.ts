import type { CompositorOutput } from "../../../platform/ports/compositor.ts";
import type { WindowFinding } from "../../stage/shell.ts";
import type { X11Window } from "./x11-connection.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** Facts about the browser's window at one moment. */
export interface WindowFacts {
  readonly bounds: (Box & { readonly windowId: number; readonly windowState: string }) | undefined;
  readonly page:
    | { readonly screen: Size; readonly usable: Box; readonly inner: Size; readonly outer: Size; readonly focused: boolean }
    | undefined;
  readonly own: X11Window | undefined;
  /** True under a Wayland compositor, which places and sizes the window, perhaps over several outputs, and does not say where. */
  readonly composed: boolean;
  /** The compositor's outputs, if it was asked and has answered. */
  readonly outputs?: readonly CompositorOutput[] | undefined;
  /** Windows that cover ours. */
  readonly over: readonly X11Window[];
  /** Addresses of other pages that have not closed. */
  readonly pages: readonly string[];
  /** Who has taken the keyboard focus from the page; absent when nobody has. `browser` also when that is unknown. */
  readonly keyboardAt?: "browser" | "other" | undefined;
  /** Who did not answer in time. Then a missing fact here is unknown, not absent. */
  readonly silent: readonly ("the browser" | "the page" | "the X server")[];
}

/** One row or column of pixels may come from rounding on a scaled screen. */
const TOLERANCE_PX = 1;
/** Smaller windows are cursors, tray icons and invisible helpers. */
const SEEN_PX = 16;

/** Judges where the window is on the screen and what covers it. Pure. */
export function judgeWindow(facts: WindowFacts): WindowFinding {
  const { bounds, page, over, pages, keyboardAt, own, silent } = facts;
  const [first] = over;
  if (first !== undefined) {
    const by = first.pid !== undefined && first.pid === own?.pid ? "browser" : "other";
    const names = over.map((window) => `"${window.name}" (${window.width}×${window.height}${window.pid === undefined ? "" : `, process ${window.pid}`})`);
    return { kind: "covered", by, says: `window.covered: over the picture is ${names.slice(0, 4).join(", ")}` };
  }
  if (pages.length > 0) return { kind: "covered", by: "browser", says: `window.covered: the browser has another page open: ${pages.slice(0, 4).join(", ")}` };
  const wrong = bounds === undefined || page === undefined ? undefined : misplaced(bounds, page, facts);
  if (wrong !== undefined) return { kind: "misplaced", says: wrong };
  if (keyboardAt === "browser") return { kind: "covered", by: "browser", says: "window.covered: a dialog of the browser, or another program, has taken the keyboard focus from the page" };
  // With our window known, `over` has what covers it; then another program may have the keyboard, as in a remote session.
  if (keyboardAt === "other" && own === undefined) return { kind: "covered", by: "other", says: "window.covered: another program has the keyboard focus and may cover the picture" };
  if (silent.length > 0) return { kind: "unknown", says: `window.unknown: the window's place and what covers it are unknown: no answer from ${silent.join(" and from ")}` };
  return { kind: "alone" };
}

function misplaced(bounds: NonNullable<WindowFacts["bounds"]>, page: NonNullable<WindowFacts["page"]>, { own, composed, outputs }: WindowFacts): string | undefined {
  const { screen, usable } = page;
  const on = `on a screen of ${screen.width}×${screen.height}`;
  if (bounds.windowState !== "fullscreen") return `window.size: the window is not in full screen (${bounds.windowState}), ${bounds.width}×${bounds.height} ${on}`;
  // The server counts device pixels and the browser scaled ones; the server's figures are used where both agree.
  const box: Box = own !== undefined && Math.abs(own.width - bounds.width) <= TOLERANCE_PX ? own : bounds;
  const exact = box === own ? 0 : TOLERANCE_PX;
  const smaller = box.width < screen.width - exact || box.height < screen.height - exact;
  const larger = box.width > screen.width + exact || box.height > screen.height + exact;
  if (smaller || (larger && !(composed && (outputs === undefined || isWhole(bounds, outputs))))) return `window.size: the window is ${box.width}×${box.height} ${on}`;
  const starts = bounds.left > usable.left + TOLERANCE_PX || bounds.top > usable.top + TOLERANCE_PX;
  const ends = bounds.left + bounds.width < usable.left + usable.width - TOLERANCE_PX || bounds.top + bounds.height < usable.top + usable.height - TOLERANCE_PX;
  if ((starts || ends) && !composed) return `window.size: the window is at ${bounds.left},${bounds.top} and partly off the screen`;
  const bars = barsPx(page);
  return bars > 0 ? `window.bars: the browser's own bars take ${bars} of ${page.outer.height} rows` : undefined;
}

/** Whether the window is in full screen and has exactly the screen's size. False when that is unknown. Pure. */
export function fillsScreen({ bounds, page }: WindowFacts): boolean {
  if (bounds === undefined || page === undefined || bounds.windowState !== "fullscreen") return false;
  return Math.abs(bounds.width - page.screen.width) <= TOLERANCE_PX && Math.abs(bounds.height - page.screen.height) <= TOLERANCE_PX;
}

/** Whether the window is as large as all outputs side by side: cage shows one window over all of them. */
function isWhole(window: Size, outputs: readonly CompositorOutput[]): boolean {
  const sizes = outputs.flatMap(({ enabled, mode, orientation }) => {
    if (!enabled || mode.kind !== "ok") return [];
    const turned = orientation.kind === "ok" && orientation.value % 180 !== 0;
    return [turned ? { width: mode.value.height, height: mode.value.width } : mode.value];
  });
  const width = sizes.reduce((sum, size) => sum + size.width, 0);
  const height = Math.max(0, ...sizes.map((size) => size.height));
  return sizes.length > 1 && Math.abs(window.width - width) <= TOLERANCE_PX && Math.abs(window.height - height) <= TOLERANCE_PX;
}

/** Rows of the window that show the browser's bars, at any page zoom. 0 within the tolerance. Pure. */
export function barsPx({ inner, outer }: NonNullable<WindowFacts["page"]>): number {
  const zoom = inner.width === 0 ? 1 : outer.width / inner.width;
  const rows = Math.round(outer.height - inner.height * zoom);
  return rows > 2 * TOLERANCE_PX ? rows : 0;
}

/** Mapped windows above `own` that overlap it and are large enough to see. Its own process's menus do not count. Pure. */
export function windowsOver(windows: readonly X11Window[], own: X11Window | undefined): readonly X11Window[] {
  const at = own === undefined ? -1 : windows.indexOf(own);
  if (own === undefined || at < 0) return [];
  return windows.slice(at + 1).filter((window) => {
    if (!window.mapped || window.width < SEEN_PX || window.height < SEEN_PX) return false;
    if (window.popup && window.pid === own.pid) return false;
    return window.left < own.left + own.width && window.left + window.width > own.left && window.top < own.top + own.height && window.top + window.height > own.top;
  });
}
