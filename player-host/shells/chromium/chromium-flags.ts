import type { OzonePlatform } from "./browser-environment.ts";

/** How the kiosk browser is started. */
export interface ChromiumSettings {
  readonly profileDir: string;
  readonly headless: boolean;
  /** The window system, where one is known; a headless browser has its own. */
  readonly ozone?: OzonePlatform | undefined;
  /** CSS pixels; the whole screen when it is not headless. */
  readonly window: { readonly width: number; readonly height: number };
  /** Chromium refuses to run its sandbox as root: said in the log, because it is weaker. */
  readonly sandbox: boolean;
  readonly diskCacheBytesMax: number;
  /** The proxy, and what is reached without it; absent: as the environment says. */
  readonly proxy?: { readonly server: string; readonly bypass: string } | undefined;
  /** Limit of each page's JavaScript heap, in MiB; absent: the browser's own. */
  readonly heapMbMax?: number | undefined;
}

/** What a kiosk has no use for: it costs memory, network or a dialog over the picture. */
const FEATURES_OFF = [
  "Translate",
  "MediaRouter",
  "OptimizationHints",
  "InterestFeedContentSuggestions",
  "CertificateTransparencyComponentUpdater",
  "AutofillServerCommunication",
  "DialMediaRouteProvider",
  "GlobalMediaControls",
  "PrivacySandboxSettings4",
  "CalculateNativeWinOcclusion",
  // Plain http is tried by https first, and where nobody answers there, late or behind a warning page.
  "HttpsUpgrades",
  "HttpsFirstBalancedMode",
  "HttpsFirstBalancedModeAutoEnable",
  // A sandboxed frame of a package in a process of its own would not get the script that takes WebRTC away from packages.
  "IsolateSandboxedIframes",
  // One page is all there ever is: a renderer kept warm for another is memory for nothing.
  "SpareRendererForSitePerProcess",
  // The address bar's two pop-ups are pages of their own, with a renderer, for a bar that a kiosk does not have.
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
  // For half a second after each load without a first frame, Chromium 150 keeps keys from the page and uses them itself: F1
  // opens its help. 156 no longer knows it.
  "DropInputEventsWhilePaintHolding",
];

/** The command line, in a fixed order. Pure. */
export function chromiumFlags(settings: ChromiumSettings): readonly string[] {
  const { width, height } = settings.window;
  return [
    "--remote-debugging-pipe",
    `--user-data-dir=${settings.profileDir}`,
    `--disk-cache-size=${settings.diskCacheBytesMax}`,
    `--window-size=${width},${height}`,
    "--window-position=0,0",
    ...(settings.headless ? ["--headless=new", "--hide-scrollbars"] : ["--kiosk", "--start-fullscreen"]),
    ...(settings.headless || settings.ozone === undefined ? [] : [`--ozone-platform=${settings.ozone}`]),
    ...(settings.sandbox ? [] : ["--no-sandbox"]),
    ...(settings.proxy === undefined ? [] : [`--proxy-server=${settings.proxy.server}`, ...(settings.proxy.bypass === "" ? [] : [`--proxy-bypass-list=${settings.proxy.bypass}`])]),
    ...(settings.heapMbMax === undefined ? [] : [`--js-flags=--max-old-space-size=${settings.heapMbMax}`]),
    // Without a GPU, or after its process died, WebGL by the processor instead of none: a headless browser has that by itself,
    // so that no headless test sees the difference (docs/decisions/2026-11-29-windows-and-gpu.md).
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--no-default-browser-check",
    "--noerrdialogs",
    "--disable-infobars",
    "--hide-crash-restore-bubble",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-breakpad",
    "--metrics-recording-only",
    "--no-pings",
    "--disable-print-preview",
    "--disable-prompt-on-repost",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--password-store=basic",
    "--autoplay-policy=no-user-gesture-required",
    // The wall's page is never in the background, whatever the window system believes.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Our own watch decides when a page hangs; the browser's dialog would cover the picture.
    "--disable-hang-monitor",
    "--deny-permission-prompts",
    // A page hears keys and touches before its first frame; see `DropInputEventsWhilePaintHolding`, which alone is not enough.
    "--allow-pre-commit-input",
    // It puts a magnifying glass over the picture, which stays until somebody picks a colour.
    "--disable-blink-features=EyeDropperAPI",
    `--disable-features=${FEATURES_OFF.join(",")}`,
    // An empty tab gives the keyboard to the address bar, and the browser hears every key before a page does.
    settings.headless ? "about:blank" : "data:text/html,",
  ];
}
