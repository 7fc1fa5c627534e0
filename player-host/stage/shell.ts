import type { WayOut } from "../contract/link-messages.ts";
import type { Issue, Result } from "../../platform/ports/result.ts";

/**
 * The port between the stage and the browser that renders: a Chromium over its debugging pipe, Electron, or a
 * panel's own browser. A shell renders one main frame on one output and reports what it observes. It decides
 * nothing: the stage decides when to load, wait or recover.
 */
export interface Shell {
  /** `chromium`, `electron`, …: known before the browser has reported its version. */
  readonly kind: string;
  /** Starts the browser without showing anything. Fails with `shell.…` codes. Starting a running shell is a bug. */
  start(): Promise<Result<ShellFacts>>;
  /** Ends the browser and everything it started. Resolves when all of its processes have ended. */
  stop(): Promise<void>;
  /**
   * Begins loading. The outcome is reported by events with the same `load` number. If the load fails, the
   * previous picture stays on the screen where the shell can keep it (see `pictureKept` in the event).
   */
  load(load: number, target: LoadTarget): Promise<void>;
  /** Kills the page's renderer process, hung or not. `renderer-gone` follows. */
  resetRenderer(): Promise<void>;
  /** Captures the screen from the compositor. Also works with a hung renderer, where the shell supports that. */
  screenshot(request: ScreenshotRequest): Promise<Result<ShellImage>>;
  /** Captures the picture, scaled down to a very small size, as pixels. */
  sample(): Promise<Result<PixelSample>>;
  /** Makes the page's renderer produce a frame and waits until it reaches the compositor's output. */
  witnessFrame(timeoutMs: number): Promise<FrameFinding>;
  clearCache(what: { readonly storage: boolean }): Promise<Result<undefined>>;
  /** Sends text to the page's side of the page API. Dropped and counted when there is no page to receive it. */
  sendToPage(text: string): void;
  /** Shows a large label on top of everything, without touching the page's own document; `undefined` removes it. */
  overlay(text: string | undefined): Promise<void>;
  /** Renderer metrics by telemetry name. Unknown values are omitted. */
  metrics(): Promise<Readonly<Record<string, number>>>;
  /**
   * Deletes the storage, caches and cookies of this package's pages (`id` as in its target). Absent when the shell
   * cannot do this for a single package.
   */
  clearPackageStorage?(id: string): Promise<Result<undefined>>;
  /**
   * Sets the way out of the site's network for all requests of the page. Called before the first start and on every change. A browser
   * that cannot change it while running ends soon after (`browser-gone`) and restarts with it. Absent: the shell's machine decides.
   */
  setWayOut?(wayOut: WayOut): void;
  /** Subscribes to all events. Returns a function that unsubscribes. */
  onEvent(listener: (event: ShellEvent) => void): () => void;
}

export interface ShellFacts {
  /** For display and for `host-hello`: `chromium 156.0.8078.79`. */
  readonly name: string;
}

export type LoadTarget =
  | {
      readonly kind: "url";
      readonly url: string;
      /** Further origins that belong to the content, besides that of `url`. */
      readonly origins?: readonly string[] | undefined;
      readonly ignoreCache: boolean;
      /** Configuration allows it to use the site's own network and this machine. */
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
  /** One of our own pages: it has an origin of its own and no page API. */
  | { readonly kind: "screen"; readonly screen: ScreenModel };

/** What our own pages show. */
export type ScreenModel =
  | { readonly kind: "pairing"; readonly code?: string; readonly claimUrl?: string; readonly deviceId: string; readonly status: string; readonly setup?: { readonly ssid: string; readonly password: string; readonly url: string } }
  | { readonly kind: "offline"; readonly message: string }
  | { readonly kind: "fault"; readonly code: string; readonly message: string }
  | { readonly kind: "blank" };

export interface ScreenshotRequest {
  readonly format: "png" | "jpeg";
  /** 1 to 100, for JPEG only. */
  readonly quality?: number;
  /** Maximum width in pixels; larger images are scaled down, keeping the aspect ratio. */
  readonly widthMax?: number;
}

export interface ShellImage {
  readonly base64: string;
  readonly format: "png" | "jpeg";
  readonly width: number;
  readonly height: number;
  /** Where in the output chain it was captured: an image from the browser does not prove what is on the glass. */
  readonly source: string;
  /** The picture is not on the glass, because these outputs are off: `HDMI-A-1 is off`. Absent also where nobody can tell. */
  readonly outputOff?: string;
}

/** RGBA pixels, one byte per channel, row by row. */
export interface PixelSample {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/**
 * `alive`: a frame produced for this request arrived. `dark`: none arrived because the output is off, and the renderer answered
 * a capture instead. `late`: none arrived in time; `renderer` and `output` say which half answered; `starvedMs` is how long the
 * browser waited for a processor during this check, which is no fault of the page; with `outputOff` the output is off, and the
 * renderer did not answer the capture either. `unknown`: the check could not be made. `outputOff` names the outputs that are off.
 */
export type FrameFinding =
  | { readonly kind: "alive"; readonly tookMs: number; readonly how: string }
  | { readonly kind: "dark"; readonly outputOff: string }
  | { readonly kind: "late"; readonly renderer: boolean; readonly output: boolean; readonly starvedMs?: number; readonly outputOff?: string }
  | { readonly kind: "unknown"; readonly why: string };

/**
 * How the window relates to the screen. `alone`: as it should be. `covered`: something covers the picture; `by` says whether
 * it belongs to the browser. `misplaced`: wrong size or position, or showing the browser's bars.
 * `unknown`: something that was queried did not answer in time. `says` begins with `window.…`.
 */
export type WindowFinding =
  | { readonly kind: "alone" }
  | { readonly kind: "covered"; readonly by: "browser" | "other"; readonly says: string }
  | { readonly kind: "misplaced"; readonly says: string }
  | { readonly kind: "unknown"; readonly says: string };

export type ShellEvent =
  /** `load` is absent when the page itself started the load. */
  | { readonly kind: "load-started"; readonly load?: number; readonly url: string }
  /** The document of a load by the host has replaced the old one; its images and scripts may still be loading. */
  | { readonly kind: "load-committed"; readonly load: number; readonly url: string }
  | { readonly kind: "load-finished"; readonly load?: number; readonly url: string }
  | { readonly kind: "load-failed"; readonly load?: number; readonly url: string; readonly error: Issue; readonly pictureKept: boolean }
  /** The document was cut off: only part of it is on the screen. */
  | { readonly kind: "load-cut"; readonly load?: number; readonly url: string; readonly error: Issue }
  /** Without user input, the page on the screen tried to navigate to a forbidden address. It stays on, but is not the intended page. */
  | { readonly kind: "leads-elsewhere"; readonly url: string }
  /** The renderer died and the picture with it. `reason` is the shell's own word. */
  | { readonly kind: "renderer-gone"; readonly reason: string }
  /** The browser has ended or never started. */
  | { readonly kind: "browser-gone"; readonly reason: string }
  | { readonly kind: "unresponsive" }
  /**
   * The browser is not started, because nothing starts while no output is enabled. Repeated until an output is enabled or the
   * start is stopped; `start` resolves only then.
   */
  | { readonly kind: "no-output"; readonly outputOff: string }
  /** After a `dark` finding a frame has arrived: the output may be on again. */
  | { readonly kind: "output-lit" }
  /** Where the window is and what covers it; sent after every check by a shell that has a screen. */
  | { readonly kind: "window"; readonly finding: WindowFinding }
  | { readonly kind: "title"; readonly title: string }
  /** A file requested by the document on the screen could not be loaded; `why` is the browser's own text. */
  | { readonly kind: "file-missing"; readonly url: string; readonly why: string }
  /** An error the page logged or threw. */
  | { readonly kind: "page-error"; readonly message: string }
  /** A call of the page API, unvalidated, as the page sent it. Comes only from the content's main frame. */
  | { readonly kind: "page-call"; readonly text: string }
  /** A new main document with the page API has started: pending calls of the old one are never answered. */
  | { readonly kind: "page-begun" }
  /** Something the page tried but is not allowed to do. */
  | { readonly kind: "refused"; readonly what: RefusedThing; readonly detail: string };

export type RefusedThing = "navigation" | "window" | "permission" | "download" | "dialog" | "page-call" | "request";
