import type { Clock } from "../../../platform/ports/clock.ts";
import { cdpFailure, type CdpClient } from "./cdp-client.ts";

export interface TargetGuardDeps {
  readonly cdp: CdpClient;
  /** Target id of our page, the only one there should be. */
  readonly ours: string;
  readonly clock: Clock;
  readonly titled: (title: string) => void;
  readonly gone: () => void;
  /** Something other than our page opened a window, by a key or gesture. Windows that our page opens are reported by the page. */
  readonly refused: (url: string) => void;
}

/** Target types that belong to a page and have no window. */
const NO_WINDOW = new Set(["iframe", "worker", "shared_worker", "service_worker", "worklet", "shared_storage_worklet", "auction_worklet", "tab", "browser", "prerender"]);
/** Time in which a page must have closed. */
const CLOSED_WITHIN_MS = 2_000;

/**
 * Watches the browser's targets besides our page. Every other page is closed at once; one that stays covers the picture.
 * The browser's own small interfaces (`browser_ui`) may exist unseen and are only reported.
 */
export class TargetGuard {
  readonly #deps: TargetGuardDeps;
  readonly #others = new Map<string, { readonly url: string; readonly sinceMs: number }>();

  constructor(deps: TargetGuardDeps) {
    this.#deps = deps;
    const { cdp, ours } = deps;
    cdp.on("Target.targetCreated", undefined, ({ targetInfo }) => {
      const { targetId, type, url, openerId } = targetInfo;
      if (targetId === ours || NO_WINDOW.has(type)) return;
      if (openerId !== ours) deps.refused(`${type} ${url}`.slice(0, 500));
      if (type !== "page") return;
      this.#others.set(targetId, { url, sinceMs: deps.clock.monotonicMs() });
      cdp.call("Target.closeTarget", { targetId }).catch(cdpFailure);
    });
    cdp.on("Target.targetInfoChanged", undefined, ({ targetInfo }) => {
      if (targetInfo.targetId === ours) deps.titled(targetInfo.title.slice(0, 500));
    });
    cdp.on("Target.targetDestroyed", undefined, ({ targetId }) => {
      this.#others.delete(targetId);
      if (targetId === ours) deps.gone();
    });
  }

  /** Addresses of pages that have not closed; asks each to close again. */
  left(): readonly string[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const left = [...this.#others].filter(([, { sinceMs }]) => nowMs - sinceMs > CLOSED_WITHIN_MS);
    for (const [targetId] of left) this.#deps.cdp.call("Target.closeTarget", { targetId }).catch(cdpFailure);
    return left.map(([, { url }]) => url.slice(0, 200));
  }
}
