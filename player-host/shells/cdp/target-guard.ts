import type { Clock } from "../../../platform/ports/clock.ts";
import { cdpFailure, type CdpClient } from "./cdp-client.ts";

export interface TargetGuardDeps {
  readonly cdp: CdpClient;
  /** The one page there should be. */
  readonly ours: string;
  readonly clock: Clock;
  readonly titled: (title: string) => void;
  readonly gone: () => void;
  /** A page of the browser's own came, by a key or a gesture, and was closed. What our page opens is told by the page. */
  readonly refused: (url: string) => void;
}

/** Part of a page, or at work for one: none of them is a window. */
const NO_WINDOW = new Set(["iframe", "worker", "shared_worker", "service_worker", "worklet", "shared_storage_worklet", "auction_worklet", "tab", "browser", "prerender"]);
/** A page that is asked to close is gone within this. */
const CLOSED_WITHIN_MS = 2_000;

/**
 * Watches over what the browser has besides our page. A page, whoever opened it, is closed at once; one that stays is
 * over the picture. The browser's own small interfaces (`browser_ui`) may exist unseen and are told alone.
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

  /** Addresses of pages that did not close; each is asked again. */
  left(): readonly string[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const left = [...this.#others].filter(([, { sinceMs }]) => nowMs - sinceMs > CLOSED_WITHIN_MS);
    for (const [targetId] of left) this.#deps.cdp.call("Target.closeTarget", { targetId }).catch(cdpFailure);
    return left.map(([, { url }]) => url.slice(0, 200));
  }
}
