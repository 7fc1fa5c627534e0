/**
 * `window.vitrine`: what the customer's page sees. The same on every shell. Versioned: a page asks
 * `vitrine.version`; within version 1 things are added, never changed. Every method that can be
 * refused returns a promise that rejects with a `VitrineError` (stable `code`).
 *
 * Limits per page, enforced by the host: 50 calls a second (burst 200), 8 KiB a call. What is over
 * is refused with `page.rate-limited` or `page.too-large`, counted, and reported to the cloud.
 */
export interface VitrineApi {
  readonly version: 1;
  /** Facts about this device. Cached; resolves even while the agent is away, once it was there. */
  device(): Promise<PageDeviceInfo>;
  /** The configuration the cloud set for this player (`player.config` of desired state); `{}` when none. */
  config(): Promise<PageJsonObject>;
  /** Calls back with the whole configuration after each change. Returns its undo. */
  onConfig(listener: (config: PageJsonObject) => void): () => void;
  /** What the page says of itself; shown in the device's reported state under `page`. Replaces the last. At most 4 KiB. */
  reportState(state: PageJsonObject): Promise<void>;
  /** An event for the cloud; kept through outages. Resolves once the agent (or, while it is away, the host) holds it. */
  emit(name: string, data?: PageJsonObject): Promise<void>;
  /** Proof that an item was played. Resolves once it is on disk. */
  reportPlay(play: PagePlay): Promise<void>;
  /** Messages sent to this page by the cloud or by tools on the device. Returns its undo. */
  onMessage(listener: (message: PageJson) => void): () => void;
  /** Edges on the device's input lines. Needs the `gpio` grant; without it the listener is never called. Returns its undo. */
  onGpio(listener: (edge: { readonly line: string; readonly level: 0 | 1 }) => void): () => void;
}

export interface PageDeviceInfo {
  readonly id: string;
  /** Name for people, when it has one. */
  readonly name?: string;
  readonly platform: string;
  readonly agentVersion: string;
  readonly shell: string;
  readonly timeZone?: string;
  /** The link to the cloud, as the agent last said; the page may show it, never rely on it. */
  readonly online: boolean;
  /** What this page may use: `gpio`, … */
  readonly grants: readonly string[];
}

export interface PagePlay {
  /** The page's own name for the item, 1 to 256 characters. */
  readonly item: string;
  /** Start, milliseconds since the epoch by the page's clock. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly result: "completed" | "skipped" | "failed";
  readonly error?: string;
  readonly data?: PageJsonObject;
}

export interface VitrineError extends Error {
  /** `page.rate-limited`, `page.too-large`, `page.invalid`, `page.not-granted`, `page.unavailable`; from `emit` and `reportPlay` also the agent's `outbox.…` codes. */
  readonly code: string;
}

export type PageJson = null | boolean | number | string | readonly PageJson[] | { readonly [key: string]: PageJson };
export type PageJsonObject = { readonly [key: string]: PageJson };
