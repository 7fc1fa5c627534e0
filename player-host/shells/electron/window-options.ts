import type { BrowserWindowConstructorOptions, Session } from "electron";

export interface WindowSettings {
  readonly headless: boolean;
  readonly size: { readonly width: number; readonly height: number };
  readonly session: Session;
  readonly preloadPath: string;
}

/** Options of the only window. Security-relevant preferences are explicit even where they are the default, which may change. */
export function windowOptions({ headless, size, session, preloadPath }: WindowSettings): BrowserWindowConstructorOptions {
  return {
    ...size,
    x: 0,
    y: 0,
    show: !headless,
    kiosk: !headless,
    fullscreen: !headless,
    frame: false,
    // By default a frameless window may have rounded corners (Electron 45, on Linux too).
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
      // The page is never in the background, and nobody is there to click "play".
      backgroundThrottling: false,
      autoplayPolicy: "no-user-gesture-required",
      // One device pixel per CSS pixel on any screen, so that captures have the requested size.
      offscreen: headless ? { deviceScaleFactor: 1 } : false,
    },
  };
}
