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

/** What is known of the browser's window at one moment. */
export interface WindowFacts {
  readonly bounds: (Box & { readonly windowId: number; readonly windowState: string }) | undefined;
  readonly page:
    | { readonly screen: Size; readonly usable: Box; readonly inner: Size; readonly outer: Size; readonly focused: boolean }
    | undefined;
  readonly own: X11Window | undefined;
  /** A compositor places and sizes the window by itself, maybe over several outputs, and tells no program where. */
  readonly composed: boolean;
  /** Windows above ours. */
  readonly over: readonly X11Window[];
  /** Pages besides ours that do not close. */
  readonly pages: readonly string[];
  /** Who has taken the keyboard from the page; absent: nobody. `browser` also where nobody can tell. */
  readonly keyboardAt?: "browser" | "other" | undefined;
  /** Who was asked and did not answer in time: then nothing that is missing here is known to be absent. */
  readonly silent: readonly ("the browser" | "the page" | "the X server")[];
}

/** A row or a column of pixels is no reason: rounding under a scaled screen makes one. */
const TOLERANCE_PX = 1;
/** Smaller ones are cursors, tray icons and helpers nobody sees. */
const SEEN_PX = 16;

/** Where the window is against the screen, and what is over it. Pure. */
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
  if (keyboardAt === "browser") return { kind: "covered", by: "browser", says: "window.covered: a dialog of the browser's, or another program, has taken the keyboard from the page" };
  // The server shows that nothing is over our window: somebody types beside it, as in a remote session.
  if (keyboardAt === "other" && own === undefined) return { kind: "covered", by: "other", says: "window.covered: another program has the keyboard, and may be over the picture" };
  if (silent.length > 0) return { kind: "unknown", says: `window.unknown: where the window is and what is over it is not known: no answer of ${silent.join(" and of ")}` };
  return { kind: "alone" };
}

function misplaced(bounds: NonNullable<WindowFacts["bounds"]>, page: NonNullable<WindowFacts["page"]>, { own, composed }: WindowFacts): string | undefined {
  const { screen, usable } = page;
  const on = `on a screen of ${screen.width}×${screen.height}`;
  if (bounds.windowState !== "fullscreen") return `window.size: the window is not in full screen (${bounds.windowState}), ${bounds.width}×${bounds.height} ${on}`;
  // The server counts device pixels and the browser scaled ones: the server's word counts where the two are the same.
  const box: Box = own !== undefined && Math.abs(own.width - bounds.width) <= TOLERANCE_PX ? own : bounds;
  const exact = box === own ? 0 : TOLERANCE_PX;
  const smaller = box.width < screen.width - exact || box.height < screen.height - exact;
  const larger = box.width > screen.width + exact || box.height > screen.height + exact;
  if (smaller || (larger && !composed)) return `window.size: the window is ${box.width}×${box.height} ${on}`;
  const starts = bounds.left > usable.left + TOLERANCE_PX || bounds.top > usable.top + TOLERANCE_PX;
  const ends = bounds.left + bounds.width < usable.left + usable.width - TOLERANCE_PX || bounds.top + bounds.height < usable.top + usable.height - TOLERANCE_PX;
  if ((starts || ends) && !composed) return `window.size: the window is at ${bounds.left},${bounds.top} and partly off the screen`;
  const bars = barsPx(page);
  return bars > 0 ? `window.bars: the browser's own bars take ${bars} of ${page.outer.height} rows` : undefined;
}

/** Rows of the window that are the browser's and not the page's, whatever the page is zoomed to. Pure. */
export function barsPx({ inner, outer }: NonNullable<WindowFacts["page"]>): number {
  const zoom = inner.width === 0 ? 1 : outer.width / inner.width;
  const rows = Math.round(outer.height - inner.height * zoom);
  return rows > 2 * TOLERANCE_PX ? rows : 0;
}

/** Windows that are above ours, drawn, large enough to be seen and over it. A menu of the page itself is the page's. Pure. */
export function windowsOver(windows: readonly X11Window[], own: X11Window | undefined): readonly X11Window[] {
  const at = own === undefined ? -1 : windows.indexOf(own);
  if (own === undefined || at < 0) return [];
  return windows.slice(at + 1).filter((window) => {
    if (!window.mapped || window.width < SEEN_PX || window.height < SEEN_PX) return false;
    if (window.popup && window.pid === own.pid) return false;
    return window.left < own.left + own.width && window.left + window.width > own.left && window.top < own.top + own.height && window.top + window.height > own.top;
  });
}
