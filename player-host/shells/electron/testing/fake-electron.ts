import { EventEmitter } from "node:events";
import type { BrowserWindow, BrowserWindowConstructorOptions } from "electron";
import type { ElectronParts } from "../electron-shell.ts";

/** The parts of Electron that opening and closing a window needs, with a record of the calls. */
export class FakeElectron {
  readonly session = Object.assign(new EventEmitter(), {
    setPermissionRequestHandler: () => undefined,
    setPermissionCheckHandler: () => undefined,
    setDevicePermissionHandler: () => undefined,
    setDisplayMediaRequestHandler: () => undefined,
    setUSBProtectedClassesHandler: () => undefined,
    setProxy: () => Promise.resolve(),
    protocol: {
      handle: (scheme: string) => {
        // As Electron does.
        if (this.schemes.has(scheme)) throw new Error(`${scheme} is handled already`);
        this.schemes.add(scheme);
      },
      unhandle: (scheme: string) => this.schemes.delete(scheme),
      isProtocolHandled: (scheme: string) => this.schemes.has(scheme),
    },
  });
  readonly app = Object.assign(new EventEmitter(), { getAppMetrics: () => [] });
  readonly ipcMain = new EventEmitter();
  readonly schemes = new Set<string>();
  readonly windows: BrowserWindowConstructorOptions[] = [];
  /** The answer to `Page.getFrameTree`, the first call of a new window. */
  frameTree: () => Promise<unknown> = () => Promise.resolve({ frameTree: { frame: { id: "main" } } });

  parts(): ElectronParts {
    return {
      makeWindow: (options) => this.#makeWindow(options),
      session: this.session as unknown as ElectronParts["session"],
      ipcMain: this.ipcMain as unknown as ElectronParts["ipcMain"],
      app: this.app as unknown as ElectronParts["app"],
      electronVersion: "45.4.1",
      chromeVersion: "154.0.0.0",
      preloadPath: "/app/preload.cjs",
    };
  }

  /** Number of listeners on the objects that outlive a window. */
  listeners(): number {
    const emitters: EventEmitter[] = [this.session, this.app, this.ipcMain];
    return emitters.reduce((sum, emitter) => sum + emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0), 0);
  }

  #makeWindow(options: BrowserWindowConstructorOptions): BrowserWindow {
    this.windows.push(options);
    let destroyed = false;
    let attached = false;
    const pageDebugger = Object.assign(new EventEmitter(), {
      attach: () => (attached = true),
      detach: () => (attached = false),
      isAttached: () => attached,
      sendCommand: (method: string) => (method === "Page.getFrameTree" ? this.frameTree() : Promise.resolve({})),
    });
    const webContents = Object.assign(new EventEmitter(), { debugger: pageDebugger, mainFrame: {}, setWindowOpenHandler: () => undefined });
    const window = Object.assign(new EventEmitter(), {
      webContents,
      loadURL: () => Promise.resolve(),
      isDestroyed: () => destroyed,
      destroy: () => (destroyed = true),
    });
    return window as unknown as BrowserWindow;
  }
}
