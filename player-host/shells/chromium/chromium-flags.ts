import type { OzonePlatform } from "./browser-environment.ts";

/** How the kiosk browser is started. */
export interface ChromiumSettings {
  readonly profileDir: string;
  readonly headless: boolean;
  /** The window system; absent when unknown. A headless browser ignores it. */
  readonly ozone?: OzonePlatform | undefined;
  /** Window size in CSS pixels. When not headless, the browser covers the whole screen instead. */
  readonly window: { readonly width: number; readonly height: number };
  /** False when running as root, where Chromium refuses to run its sandbox. This is weaker, so it is logged. */
  readonly sandbox: boolean;
  readonly diskCacheBytesMax: number;
  /** The proxy, and the hosts reached without it; absent: as the environment says. */
  readonly proxy?: { readonly server: string; readonly bypass: string } | undefined;
  /** Limit of each page's JavaScript heap, in MiB; absent: the browser's default. */
  readonly heapMbMax?: number | undefined;
}

/** Features a kiosk does not need: they cost memory or network traffic, or show a dialog over the picture. */
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
  // They try https before plain http. If nothing answers there, the page comes late or behind a warning.
  "HttpsUpgrades",
  "HttpsFirstBalancedMode",
  "HttpsFirstBalancedModeAutoEnable",
  // A package's sandboxed frame in its own process would not get the script that removes WebRTC from packages.
  "IsolateSandboxedIframes",
  // There is only ever one page: a spare renderer wastes memory.
  "SpareRendererForSitePerProcess",
  // The address bar's two pop-ups are pages with a renderer each, but a kiosk has no address bar.
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
  // While a new page has no first frame, for up to half a second, Chromium 150 handles keys itself instead of passing them to
  // the page: F1 opens its help. 156 no longer has this feature.
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
    // Software WebGL when there is no GPU or its process died, instead of no WebGL. A headless browser has this by default,
    // so no headless test sees the difference (docs/decisions/2026-11-29-windows-and-gpu.md).
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
    // The page is always on display and must not be throttled as a background page, whatever the window system reports.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // The player host decides when a page hangs; the browser's dialog would cover the picture.
    "--disable-hang-monitor",
    "--deny-permission-prompts",
    // Delivers keys and touches to a page before its first frame. Disabling `DropInputEventsWhilePaintHolding` is not enough.
    "--allow-pre-commit-input",
    // The eye dropper shows a magnifying glass over the picture until somebody picks a colour.
    "--disable-blink-features=EyeDropperAPI",
    `--disable-features=${FEATURES_OFF.join(",")}`,
    // `about:blank` would give the keyboard focus to the address bar, and the browser would get every key before the page.
    settings.headless ? "about:blank" : "data:text/html,",
  ];
}
