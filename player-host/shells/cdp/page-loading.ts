import type { Issue } from "../../../platform/ports/result.ts";
import type { NavigationRules } from "../../stage/navigation-rules.ts";
import type { LoadTarget } from "../../stage/shell.ts";

/** A load that the host started, until its outcome. */
export type Loading =
  | { readonly kind: "none" }
  /** `loaderId`: the browser's id of the document to come. `cut`: it arrived incomplete. */
  | { readonly kind: "asked"; readonly load: number; readonly url: string; readonly loaderId?: string; readonly cut?: Issue }
  | { readonly kind: "committed"; readonly load: number; readonly url: string; readonly loaderId: string };

/** What the main frame is to show, and where it may navigate meanwhile. */
export interface Aim {
  readonly target: LoadTarget;
  readonly rules: NavigationRules;
}

/** Time allowed until the document arrives. After it the load has failed and the picture stays. */
export const COMMIT_TIMEOUT_MS = 45_000;
/** Time allowed from a document's headers to its commit; a server cannot be the cause of a delay here. */
export const TAKE_TIMEOUT_MS = 8_000;
/** After this a document counts as loaded even if some of its files are still missing. */
export const SETTLE_TIMEOUT_MS = 20_000;
/** For the question whether a person touched the page; no answer counts as no. */
export const TOUCH_TIMEOUT_MS = 1_000;
/** A page that is busy for longer is navigated away from without restoring its address. */
export const PUT_BACK_TIMEOUT_MS = 1_500;
/** How many navigations are remembered that have not come to a document. */
const BEGUN_MAX = 8;

/** Over which document of the main frame each navigation began. */
export class BegunNavigations {
  readonly #over = new Map<string, string>();

  /** A navigation to the document `loaderId` begins, while the document `over` is on screen. */
  begins(loaderId: string, over: string): void {
    this.#over.set(loaderId, over);
    for (const oldest of [...this.#over.keys()].slice(0, -BEGUN_MAX)) this.#over.delete(oldest);
  }

  /** The document `loaderId` takes the place of `now`. Returns whether another one was on screen when the navigation to it began. */
  arrivesLate(loaderId: string, now: string): boolean {
    const over = this.#over.get(loaderId) ?? now;
    this.#over.delete(loaderId);
    return over !== now;
  }
}
