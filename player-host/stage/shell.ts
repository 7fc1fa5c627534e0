import type { WayOut } from "../contract/link-messages.ts";
import type { Issue, Result } from "../../platform/ports/result.ts";

/**
 * The one port between the stage and whatever draws: a Chromium over its debugging pipe, Electron, a
 * panel's own browser. A shell draws one main frame on one output and reports what it sees. It decides
 * nothing: when to load, to wait or to recover is the stage's business.
 */
export interface Shell {
  /** `chromium`, `electron`, …: known before the browser has said its version. */
  readonly kind: string;
  /** Starts the browser and shows nothing yet. Fails with `shell.…` codes. Starting a started shell is a bug. */
  start(): Promise<Result<ShellFacts>>;
  /** Ends the browser and everything it started. Resolves when none of its processes is left. */
  stop(): Promise<void>;
  /**
   * Begins loading. What becomes of it comes as events with the same `load` number. A load that fails
   * leaves what was on the screen where the shell can do so (`pictureKept` in the event says whether).
   */
  load(load: number, target: LoadTarget): Promise<void>;
  /** Ends the page's renderer process the hard way, hung or not. `renderer-gone` follows. */
  resetRenderer(): Promise<void>;
  /** What is on the screen, from the compositor. Works with a hung renderer too where the shell can do so. */
  screenshot(request: ScreenshotRequest): Promise<Result<ShellImage>>;
  /** The picture at a very small size, as pixels. */
  sample(): Promise<Result<PixelSample>>;
  /** Makes the page's renderer produce a frame and waits for its arrival in the compositor's output. */
  witnessFrame(timeoutMs: number): Promise<FrameFinding>;
  clearCache(what: { readonly storage: boolean }): Promise<Result<undefined>>;
  /** Text for the page's side of the page API. Dropped and counted when there is no page to hear it. */
  sendToPage(text: string): void;
  /** A large label over everything, without touching the page's own document; `undefined` takes it away. */
  overlay(text: string | undefined): Promise<void>;
  /** Numbers about the renderer, by telemetry name. What is not known is not in it. */
  metrics(): Promise<Readonly<Record<string, number>>>;
  /** Ends what pages of this package (`id` as in its target) kept: storage, caches, cookies. Absent: the shell cannot do it for one package alone. */
  clearPackageStorage?(id: string): Promise<Result<undefined>>;
  /**
   * The way out of the site's network, for every request of the page. Before the first start, and whenever it changes: a browser that
   * cannot change it while it runs ends soon after (`browser-gone`) and begins anew with it. Absent: the shell's own machine decides.
   */
  setWayOut?(wayOut: WayOut): void;
  /** Listens to everything that happens. Returns the undo. */
  onEvent(listener: (event: ShellEvent) => void): () => void;
}

export interface ShellFacts {
  /** For people and for `host-hello`: `chromium 156.0.8078.79`. */
  readonly name: string;
}

export type LoadTarget =
  | {
      readonly kind: "url";
      readonly url: string;
      /** Besides the address's own, those that are the content too. */
      readonly origins?: readonly string[] | undefined;
      readonly ignoreCache: boolean;
      /** It may use the site's own network and this machine, by configuration. */
      readonly localNetwork?: boolean | undefined;
    }
  | {
      readonly kind: "package";
      readonly id: string;
      readonly folder: string;
      readonly entry: string;
      readonly allowedOrigins: readonly string[];
      readonly ignoreCache: boolean;
    }
  /** One of our own pages. It has its own origin and no page API. */
  | { readonly kind: "screen"; readonly screen: ScreenModel };

/** What our own pages show. */
export type ScreenModel =
  | { readonly kind: "pairing"; readonly code?: string; readonly claimUrl?: string; readonly deviceId: string; readonly status: string }
  | { readonly kind: "offline"; readonly message: string }
  | { readonly kind: "fault"; readonly code: string; readonly message: string }
  | { readonly kind: "blank" };

export interface ScreenshotRequest {
  readonly format: "png" | "jpeg";
  /** 1 to 100, for jpeg. */
  readonly quality?: number;
  /** Scaled down to this width, keeping the shape. */
  readonly widthMax?: number;
}

export interface ShellImage {
  readonly base64: string;
  readonly format: "png" | "jpeg";
  readonly width: number;
  readonly height: number;
  /** Where in the chain it was taken: an image from the browser is no proof of what is on the glass. */
  readonly source: string;
}

/** Red, green, blue and alpha, one byte each, row by row. */
export interface PixelSample {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/**
 * `alive`: a frame made for this question arrived. `late`: none did in time; `renderer` and `output` say
 * which half answered; `starvedMs`: of the time of this look, so long what draws the picture was kept waiting for a
 * processor, which says nothing about the page. `unknown`: could not ask.
 */
export type FrameFinding =
  | { readonly kind: "alive"; readonly tookMs: number; readonly how: string }
  | { readonly kind: "late"; readonly renderer: boolean; readonly output: boolean; readonly starvedMs?: number }
  | { readonly kind: "unknown"; readonly why: string };

/**
 * The window against the screen: `alone` is as it should be. `covered`: something stands over the picture; `by` says whether
 * it is the browser's own. `misplaced`: larger or smaller than the screen, elsewhere, or with the browser's bars in it.
 * `unknown`: somebody who has to be asked did not answer in time. `says` begins with `window.…`.
 */
export type WindowFinding =
  | { readonly kind: "alone" }
  | { readonly kind: "covered"; readonly by: "browser" | "other"; readonly says: string }
  | { readonly kind: "misplaced"; readonly says: string }
  | { readonly kind: "unknown"; readonly says: string };

export type ShellEvent =
  /** `load` is absent when the page itself began it. */
  | { readonly kind: "load-started"; readonly load?: number; readonly url: string }
  /** The document of a load of the host's has taken the old one's place; its pictures and scripts may still be coming. */
  | { readonly kind: "load-committed"; readonly load: number; readonly url: string }
  | { readonly kind: "load-finished"; readonly load?: number; readonly url: string }
  | { readonly kind: "load-failed"; readonly load?: number; readonly url: string; readonly error: Issue; readonly pictureKept: boolean }
  /** The document that came ended before its end: a part of it is on the screen. */
  | { readonly kind: "load-cut"; readonly load?: number; readonly url: string; readonly error: Issue }
  /** With nobody touching it, the page on the screen wanted to go where it may not. It is still on, and not where it belongs. */
  | { readonly kind: "leads-elsewhere"; readonly url: string }
  /** The picture is gone. `reason` is the shell's own word. */
  | { readonly kind: "renderer-gone"; readonly reason: string }
  /** The browser is gone or was never there. */
  | { readonly kind: "browser-gone"; readonly reason: string }
  | { readonly kind: "unresponsive" }
  /** Where the window is, and what is over it; after every look of a shell that has a screen. */
  | { readonly kind: "window"; readonly finding: WindowFinding }
  | { readonly kind: "title"; readonly title: string }
  /** A file that the document on the screen asked for could not be had; `why` is the browser's own text. */
  | { readonly kind: "file-missing"; readonly url: string; readonly why: string }
  /** Errors the page logged or threw. */
  | { readonly kind: "page-error"; readonly message: string }
  /** A call of the page API, as the page sent it: text from the main frame of the content, nothing else. */
  | { readonly kind: "page-call"; readonly text: string }
  /** A new main document with the page API in it: open calls of the old one will never be answered. */
  | { readonly kind: "page-begun" }
  /** Something the page tried and may not do. */
  | { readonly kind: "refused"; readonly what: RefusedThing; readonly detail: string };

export type RefusedThing = "navigation" | "window" | "permission" | "download" | "dialog" | "page-call" | "request";
