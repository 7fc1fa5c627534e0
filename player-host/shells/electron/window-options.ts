import type { BrowserWindowConstructorOptions, Session } from "electron";

export interface WindowSettings {
  readonly headless: boolean;
  readonly size: { readonly width: number; readonly height: number };
  readonly session: Session;
  readonly preloadPath: string;
}

/** The one window. Every security-relevant preference is written out, defaults too: a default can change. */
export function windowOptions({ headless, size, session, preloadPath }: WindowSettings): BrowserWindowConstructorOptions {
  return {
    ...size,
    x: 0,
    y: 0,
    show: !headless,
    kiosk: !headless,
    fullscreen: !headless,
    frame: false,
    // A frameless window has round corners where the desktop draws its decorations (Electron 45, Linux too).
    roundedCorners: false,
    autoHideMenuBar: true,
    backgroundColor: "#000000",
    webPreferences: {
      session,
      preload: preloadPath,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webviewTag: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      enableBlinkFeatures: "",
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: false,
      // A wall's page is never in the background, and nobody is there to click "play".
      backgroundThrottling: false,
      autoplayPolicy: "no-user-gesture-required",
      // One device pixel for each CSS pixel, whatever screen the machine has: pictures have the size that was asked for.
      offscreen: headless ? { deviceScaleFactor: 1 } : false,
    },
  };
}
