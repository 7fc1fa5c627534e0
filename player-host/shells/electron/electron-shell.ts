import type { App, BrowserWindow, BrowserWindowConstructorOptions, IpcMain, Session } from "electron";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Compositor } from "../../../platform/ports/compositor.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { mayUseLocalNetwork, PACKAGE_SCHEME, SCHEME_ORIGINS, SCREEN_SCHEME } from "../../stage/navigation-rules.ts";
import type { FrameFinding, LoadTarget, PixelSample, ScreenshotRequest, Shell, ShellEvent, ShellFacts, ShellImage } from "../../stage/shell.ts";
import type { WayOut } from "../../contract/link-messages.ts";
import { browserProxyOf } from "../../host/way-out.ts";
import { endStuckRenderer, ProcessStarvation } from "../cdp/starvation.ts";
import { CdpError, cdpFailure } from "../cdp/cdp-client.ts";
import { ChromiumPage } from "../cdp/chromium-page.ts";
import { FetchGuard, type ServedHere } from "../cdp/fetch-guard.ts";
import { OutputPower } from "../cdp/output-power.ts";
import { PagePictures } from "../cdp/page-pictures.ts";
import { Screencast } from "../cdp/screencast.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { ElectronCdp } from "./electron-cdp.ts";
import { lockApp, lockContents, lockSession } from "./lock-down.ts";
import { answerOwn } from "./own-schemes.ts";
import { checkSent, TO_HOST, TO_PAGE } from "./page-channel.ts";
import { windowOptions } from "./window-options.ts";

/** Electron's objects, passed in by `main.ts`: this file imports only types from Electron. */
export interface ElectronParts {
  readonly makeWindow: (options: BrowserWindowConstructorOptions) => BrowserWindow;
  readonly session: Session;
  readonly ipcMain: Pick<IpcMain, "on" | "off">;
  readonly app: Pick<App, "getAppMetrics" | "on" | "off">;
  readonly electronVersion: string;
  readonly chromeVersion: string;
  /** Absolute path of the bundled preload script. */
  readonly preloadPath: string;
}

export interface ElectronShellDeps extends ServedHere {
  readonly electron: ElectronParts;
  readonly headless: boolean;
  readonly size: { readonly width: number; readonly height: number };
  readonly overlayScript: (text: string | undefined) => string;
  /** What shows the window; absent for a hidden window and under X11. */
  readonly compositor?: Pick<Compositor, "outputs"> | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** Time allowed from killing a renderer to Electron's event that it is gone. */
const RENDERER_END_MS = 5_000;

interface Open {
  readonly window: BrowserWindow;
  readonly cdp: ElectronCdp;
  readonly page: ChromiumPage;
  readonly pictures: PagePictures;
}

/** Electron as a shell: one locked-down window, whose page is guarded and watched by the same code as Chromium's. */
export class ElectronShell implements Shell {
  readonly kind = "electron";
  readonly #deps: ElectronShellDeps;
  readonly #events: Emitter<ShellEvent>;
  #open: Open | undefined;
  #wayOut: WayOut = {};
  /** Removes listeners from the session, the app and IPC, which outlive the window. */
  #undo: (() => void)[] = [];

  constructor(deps: ElectronShellDeps) {
    this.#deps = deps;
    this.#events = Emitter.logged(deps.log, "the shell");
  }

  onEvent(listener: (event: ShellEvent) => void): () => void {
    return this.#events.on(listener);
  }

  async start(): Promise<Result<ShellFacts>> {
    const { electron, headless, size, timers, log, clock } = this.#deps;
    if (this.#open !== undefined) throw new Error("the window is open already");
    const refuse = (what: Extract<ShellEvent, { kind: "refused" }>["what"], detail: string): void => this.#events.emit({ kind: "refused", what, detail });
    this.#undo.push(lockSession(electron.session, (url) => mayUseLocalNetwork(this.#open?.page.targets() ?? [], url, SCHEME_ORIGINS), refuse), lockApp(electron.app, refuse), this.#serveOwnSchemes(electron.session));
    const window = electron.makeWindow(windowOptions({ headless, size, session: electron.session, preloadPath: electron.preloadPath }));
    try {
      const cdp = new ElectronCdp(window.webContents.debugger, { timers, log });
      // The main frame must exist before its id can be asked for.
      await window.loadURL("about:blank");
      const { frameTree } = await cdp.call("Page.getFrameTree", undefined);
      const emit = (event: ShellEvent): void => this.#events.emit(event);
      const starvation = new ProcessStarvation(() => Promise.resolve(electron.app.getAppMetrics().map(({ pid }) => pid)), clock);
      const page = new ChromiumPage({ cdp, sessionId: undefined, frameId: frameTree.frame.id, timers, log, emit, onStuck: (isStill) => void endStuckRenderer({ starvation, isStill, endRenderer: () => this.resetRenderer(), clock, timers, log }), own: SCHEME_ORIGINS });
      const pictures = new PagePictures({ cast: new Screencast(cdp, undefined, timers), page, starvation, outputs: new OutputPower(this.#deps), lit: () => emit({ kind: "output-lit" }), clock, timers });
      lockContents(window.webContents, () => page.rules(), (url) => page.heldBack(url), refuse);
      this.#listen(window, page, pictures);
      await page.prepare();
      await new FetchGuard(cdp, log, this.#deps, () => this.#wayOut).enable(page);
      await this.#applyWayOut();
      this.#open = { window, cdp, page, pictures };
      return ok({ name: `electron ${electron.electronVersion} (chromium ${electron.chromeVersion})` });
    } catch (thrown) {
      this.#takeBack();
      if (!window.isDestroyed()) window.destroy();
      if (!(thrown instanceof CdpError)) log.error({ error: messageOf(thrown) }, "the window could not be prepared");
      return fail("shell.not-started", `Electron's window could not be opened: ${messageOf(thrown)}`);
    }
  }

  setWayOut(wayOut: WayOut): void {
    this.#wayOut = wayOut;
    if (this.#open === undefined) return;
    this.#applyWayOut().catch((thrown: unknown) => this.#deps.log.error({ error: messageOf(thrown) }, "the proxy settings could not be changed"));
  }

  /** Applies the proxy to the running session. Open connections stay as they are. */
  async #applyWayOut(): Promise<void> {
    const proxy = browserProxyOf(this.#wayOut);
    const { session } = this.#deps.electron;
    await session.setProxy(proxy === undefined ? { mode: "system" } : { proxyRules: proxy.server, proxyBypassRules: proxy.bypass });
  }

  stop(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#takeBack();
    open?.page.gone();
    open?.pictures.forget();
    open?.cdp.detach();
    if (open !== undefined && !open.window.isDestroyed()) open.window.destroy();
    return Promise.resolve();
  }

  async load(load: number, target: LoadTarget): Promise<void> {
    await this.#open?.page.load(load, target);
  }

  /**
   * Kills the process, because a stopped one handles no message and `reload()` waits for the unload handlers of the hung
   * page. If Electron does not report the process gone, the window is closed and reopened.
   */
  async resetRenderer(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    const { webContents } = open.window;
    const gone = new AbortController();
    webContents.once("render-process-gone", () => gone.abort());
    killRenderer(webContents.getOSProcessId());
    const silent = await sleep(this.#deps.timers, "shell.renderer-end", RENDERER_END_MS, gone.signal);
    if (!silent || this.#open !== open) return;
    this.#deps.log.error({}, "Electron does not report the end of its renderer: closing the window");
    this.#events.emit({ kind: "browser-gone", reason: "its page hung, and ending the page's process did not help" });
  }

  async screenshot(request: ScreenshotRequest): Promise<Result<ShellImage>> {
    const shot = (await this.#open?.pictures.screenshot(request)) ?? fail("player.no-browser", "There is no window to take a picture of.");
    return shot.ok ? ok({ ...shot.value, source: shot.value.source.replace("chromium", "electron") }) : shot;
  }

  async sample(): Promise<Result<PixelSample>> {
    return (await this.#open?.pictures.sample()) ?? fail("player.no-browser", "There is no window to look at.");
  }

  async witnessFrame(timeoutMs: number): Promise<FrameFinding> {
    return (await this.#open?.pictures.witness(timeoutMs)) ?? { kind: "unknown", why: "there is no window" };
  }

  async clearCache({ storage }: { readonly storage: boolean }): Promise<Result<undefined>> {
    try {
      await this.#deps.electron.session.clearCache();
      if (storage) await this.#deps.electron.session.clearStorageData();
      return ok(undefined);
    } catch (thrown) {
      return fail("cache.not-cleared", messageOf(thrown));
    }
  }

  async clearPackageStorage(id: string): Promise<Result<undefined>> {
    try {
      await this.#deps.electron.session.clearStorageData({ origin: SCHEME_ORIGINS.package(id) });
      return ok(undefined);
    } catch (thrown) {
      return fail("cache.not-cleared", messageOf(thrown));
    }
  }

  /** Sends to the main frame only. `send` throws when the renderer is gone, whatever `isDestroyed` says. */
  sendToPage(text: string): void {
    try {
      this.#open?.window.webContents.mainFrame.send(TO_PAGE, text);
    } catch (thrown) {
      this.#deps.log.debug({ error: messageOf(thrown) }, "there is no page to receive the message");
    }
  }

  async overlay(text: string | undefined): Promise<void> {
    try {
      await this.#open?.page.evaluate(this.#deps.overlayScript(text), 3_000);
    } catch (thrown) {
      this.#deps.log.warn({ error: cdpFailure(thrown) }, "the label could not be shown");
    }
  }

  async metrics(): Promise<Readonly<Record<string, number>>> {
    const open = this.#open;
    if (open === undefined) return {};
    const found: Record<string, number> = {};
    const processes = this.#deps.electron.app.getAppMetrics();
    // `workingSetSize` is in KiB.
    const bytesOf = (type: string): number => processes.filter((one) => one.type === type).reduce((sum, one) => sum + one.memory.workingSetSize * 1024, 0);
    found["player.renderer-bytes"] = bytesOf("Tab");
    found["player.browser-bytes"] = bytesOf("Browser");
    try {
      const { metrics } = await open.page.call("Performance.getMetrics", undefined, 2_000);
      const heap = metrics.find((metric) => metric.name === "JSHeapUsedSize");
      if (heap !== undefined) found["player.js-heap-bytes"] = heap.value;
    } catch (thrown) {
      // A hung renderer does not answer; its metrics are left out.
      this.#deps.log.debug({ error: cdpFailure(thrown) }, "not all metrics could be read");
    }
    return found;
  }

  #takeBack(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #serveOwnSchemes(session: Session): () => void {
    const schemes = [PACKAGE_SCHEME, SCREEN_SCHEME];
    for (const scheme of schemes) session.protocol.handle(scheme, (request) => answerOwn(request, this.#open?.page.targets() ?? [], this.#deps));
    return () => {
      for (const scheme of schemes) session.protocol.unhandle(scheme);
    };
  }

  #listen(window: BrowserWindow, page: ChromiumPage, pictures: PagePictures): void {
    const { webContents } = window;
    const { electron } = this.#deps;
    const onSent = (event: Electron.IpcMainEvent, ...args: unknown[]): void => {
      const sent = checkSent({ frame: event.senderFrame, args }, webContents.mainFrame, page.contentRules());
      if (sent.ok) this.#events.emit({ kind: "page-call", text: sent.text });
      else this.#events.emit({ kind: "refused", what: "page-call", detail: sent.why });
    };
    electron.ipcMain.on(TO_HOST, onSent);
    this.#undo.push(() => electron.ipcMain.off(TO_HOST, onSent));
    webContents.on("render-process-gone", (_event, { reason, exitCode }) => {
      page.gone();
      pictures.forget();
      this.#events.emit({ kind: "renderer-gone", reason: `${reason} (${exitCode})` });
    });
    webContents.on("unresponsive", () => this.#events.emit({ kind: "unresponsive" }));
    webContents.on("page-title-updated", (_event, title) => this.#events.emit({ kind: "title", title: title.slice(0, 500) }));
    window.on("closed", () => {
      if (this.#open?.window === window) this.#events.emit({ kind: "browser-gone", reason: "the window was closed" });
    });
  }
}

/** Kills the renderer. A `pid` of 0 means that there is none. */
function killRenderer(pid: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (thrown) {
    // Already gone; Electron reports it.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}
