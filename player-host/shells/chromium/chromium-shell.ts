import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Compositor } from "../../../platform/ports/compositor.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result, stackOf } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { sleep, withDeadline } from "../../../platform/runtime/sleep.ts";
import type {
  FrameFinding,
  LoadTarget,
  PixelSample,
  ScreenshotRequest,
  Shell,
  ShellEvent,
  ShellFacts,
  ShellImage,
} from "../../stage/shell.ts";
import { browserEnvironment } from "./browser-environment.ts";
import { browserMetrics } from "./browser-metrics.ts";
import type { WayOut } from "../../contract/link-messages.ts";
import { startBrowser, type BrowserProcess } from "./browser-process.ts";
import { CdpClient, CdpError, cdpFailure } from "../cdp/cdp-client.ts";
import { chromiumFlags, type ChromiumSettings } from "./chromium-flags.ts";
import { ChromiumPage, type PageScript } from "../cdp/chromium-page.ts";
import { FetchGuard, type ServedHere } from "../cdp/fetch-guard.ts";
import { FrameGuard } from "../cdp/frame-guard.ts";
import { HTTPS_ORIGINS } from "../../stage/navigation-rules.ts";
import { GpuWatch } from "./gpu-watch.ts";
import { LocalNetwork } from "./local-network.ts";
import { OutputPower } from "../cdp/output-power.ts";
import { untilOutput } from "./until-output.ts";
import { PagePictures } from "../cdp/page-pictures.ts";
import { browserProxyOf, proxyName } from "../../host/way-out.ts";
import { endStuckRenderer, ProcessStarvation } from "../cdp/starvation.ts";
import { freeProfile } from "./profile-guard.ts";
import { lockPreferences } from "./profile-preferences.ts";
import { processesInGroup, rendererPids, renderersInGroup } from "./renderer-processes.ts";
import { RestartBudget } from "./restart-budget.ts";
import { Screencast } from "../cdp/screencast.ts";
import { TargetGuard } from "../cdp/target-guard.ts";
import { WindowWatch } from "./window-watch.ts";
import { X11Connection } from "./x11-connection.ts";

export interface ChromiumShellDeps extends ServedHere {
  readonly browserPath: string;
  /** This process's environment. The browser gets the part that `browserEnvironment` lets through. */
  readonly env: NodeJS.ProcessEnv;
  readonly settings: ChromiumSettings;
  /**
   * Finds a writable folder for the profile. Called at each start, because a disk may become read-only while the browser runs.
   * Default: the folder in the settings.
   */
  readonly findProfile?: (wanted: string) => Promise<{ readonly path: string; readonly insteadBecause?: string }>;
  readonly script: PageScript;
  /** JavaScript that shows the label over the page, or removes it when `text` is undefined. */
  readonly overlayScript: (text: string | undefined) => string;
  /** What shows the window; absent for a headless browser and under X11. */
  readonly compositor?: Pick<Compositor, "outputs"> | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** A browser that has started completely. */
interface Running {
  readonly process: BrowserProcess;
  readonly cdp: CdpClient;
  readonly page: ChromiumPage;
  readonly pictures: PagePictures;
  readonly gpu: GpuWatch;
  readonly targetId: string;
  /** Aborted when this browser is stopped or lost. */
  readonly over: AbortController;
}

/** A small machine with a cold disk cache needs half a minute for the first start; while everything else started too, an emulated one took 57 s. */
const START_TIMEOUT_MS = 120_000;
const WAY_OUT_SETTLE_MS = 2_000;
const RESTARTS_PER_HOUR = 6;
const CLOSE_GRACE_MS = 1_200;
/** Longest time from killing a renderer to the browser's report that it is gone. */
const RENDERER_END_MS = 5_000;
/** Limit of the disk cache when the profile is in a temporary folder, which may be memory. */
const MEMORY_CACHE_BYTES_MAX = 32 * 1024 * 1024;
/** Most texts to the page that may wait for a busy renderer. */
const SENDS_OPEN_MAX = 200;
const SEND_TIMEOUT_MS = 30_000;

/** A kiosk Chromium, driven over its debugging pipe. It has one page and one profile, and no port is open. */
export class ChromiumShell implements Shell {
  readonly kind = "chromium";
  readonly #deps: ChromiumShellDeps;
  readonly #events: Emitter<ShellEvent>;
  readonly #outputs: OutputPower;
  #running: Running | undefined;
  /** The browser whose end has been reported: pipe, process and window end together and must cause only one event. */
  #lostRunning: Running | undefined;
  #starting: BrowserProcess | undefined;
  /** Aborted when `stop` is called after the start began. */
  #stopAsked = new AbortController();
  /** Set while a renderer is being ended; aborted when it is gone. */
  #ending: AbortController | undefined;
  #wayOut: WayOut = {};
  /** Pending restart of a running browser, because the way out has changed. */
  #anew: Timer | undefined;
  readonly #budget: RestartBudget;
  #sendsOpen = 0;
  #sendsDropped = 0;

  constructor(deps: ChromiumShellDeps) {
    this.#deps = deps;
    this.#budget = new RestartBudget(deps.clock, RESTARTS_PER_HOUR, 3_600_000);
    this.#events = Emitter.logged(deps.log, "the shell");
    this.#outputs = new OutputPower(deps);
  }

  /** Process id of the browser's first process, the leader of its process group. */
  get browserPid(): number | undefined {
    return this.#running?.process.pid;
  }

  onEvent(listener: (event: ShellEvent) => void): () => void {
    return this.#events.on(listener);
  }

  setWayOut(wayOut: WayOut): void {
    const { timers, log } = this.#deps;
    if (JSON.stringify(wayOut) === JSON.stringify(this.#wayOut)) return;
    this.#wayOut = wayOut;
    if (this.#running === undefined && this.#starting === undefined) return;
    this.#anew?.cancel();
    // Several changes in a row cause only one restart.
    this.#anew = timers.after("shell.way-out", WAY_OUT_SETTLE_MS, () => {
      log.warn({ proxy: proxyName(wayOut) ?? "none" }, "the proxy settings have changed: restarting the browser");
      this.#lost("it was ended: it starts anew with the changed proxy");
    });
  }

  async start(): Promise<Result<ShellFacts>> {
    const { browserPath, timers, log, env } = this.#deps;
    if (this.#running !== undefined) throw new Error("the browser is running already");
    const stopAsked = new AbortController();
    this.#stopAsked = stopAsked;
    this.#anew?.cancel();
    const settings = await this.#settings();
    await freeProfile(settings.profileDir, log);
    await lockPreferences(settings.profileDir, log);
    if (!settings.headless) await untilOutput({ outputs: this.#outputs, timers, log, waits: (outputOff) => this.#events.emit({ kind: "no-output", outputOff }) }, stopAsked.signal);
    // `stop` was called before there was a process to end.
    if (stopAsked.signal.aborted) return fail("shell.stopped", "The browser was not started: the host ends.");
    if (!settings.sandbox) log.warn({}, "Chromium runs without its sandbox, because this process runs as root; run the player as a user of its own");
    const x11 = await this.#openX11(settings);
    const window = (await x11?.rootSize()) ?? settings.window;
    const process = startBrowser({ path: browserPath, flags: chromiumFlags({ ...settings, window }), env: browserEnvironment(env) }, timers);
    this.#starting = process;
    const cdp = new CdpClient(process.pipes, { timers, log });
    try {
      const dead = process.exited.then((how) => {
        throw new CdpError("closed", how);
      });
      const up = withDeadline(timers, "shell.start", START_TIMEOUT_MS, this.#open(process, cdp, x11));
      const { running, product } = await Promise.race([up, dead]);
      this.#running = running;
      this.#watchEnd(running);
      return ok({ name: `chromium ${product.replace(/^[A-Za-z]+\//, "")}` });
    } catch (thrown) {
      const how = await process.howItEnded(messageOf(thrown));
      const output = await this.#outputs.look();
      cdp.close();
      x11?.close();
      await process.end(0);
      if (output.kind === "off" && output.disabled) return fail("shell.no-output", `${browserPath} did not start, because no output is enabled: ${output.says}.`, "It starts when an output is enabled.");
      return fail("shell.not-started", `${browserPath} did not start: ${how}`, `Run it by hand as the player's user to see what it needs: ${browserPath} --version`);
    } finally {
      this.#starting = undefined;
    }
  }

  /** For observing and placing windows only. The browser draws without it, so a failure is just logged. */
  async #openX11({ headless, ozone }: ChromiumSettings): Promise<X11Connection | undefined> {
    if (headless || ozone !== "x11") return undefined;
    try {
      return await X11Connection.open(this.#deps.env);
    } catch (thrown) {
      this.#deps.log.warn({ error: messageOf(thrown) }, "the X server does not show its windows to us: windows over the picture will not be noticed");
      return undefined;
    }
  }

  async #settings(): Promise<ChromiumSettings> {
    const { settings, findProfile, log } = this.#deps;
    const found = await findProfile?.(settings.profileDir);
    const here = { ...settings, proxy: browserProxyOf(this.#wayOut) };
    if (found?.insteadBecause === undefined) return here;
    log.error(
      { why: found.insteadBecause, profile: found.path },
      "the browser profile cannot be written to the data folder: using a temporary folder; if that is in memory, what the page stores is lost at the machine's next start",
    );
    return { ...here, profileDir: found.path, diskCacheBytesMax: Math.min(settings.diskCacheBytesMax, MEMORY_CACHE_BYTES_MAX) };
  }

  async stop(): Promise<void> {
    this.#anew?.cancel();
    this.#stopAsked.abort();
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) {
      await this.#starting?.end(0);
      return;
    }
    running.page.gone();
    running.over.abort();
    running.pictures.forget();
    // Asking first lets the browser write its profile. Whatever is left after the grace period is killed with the group.
    const asked = running.cdp.call("Browser.close", undefined, { timeoutMs: CLOSE_GRACE_MS }).catch(cdpFailure);
    await running.process.end(CLOSE_GRACE_MS);
    running.cdp.close();
    await asked;
  }

  async load(load: number, target: LoadTarget): Promise<void> {
    await this.#running?.page.load(load, target);
  }

  /**
   * Kills every renderer by signal: they all belong to the one page, and a stopped process handles no message. With `/proc`,
   * nothing here needs an answer from the browser. If it does not report the renderer's end, or there is no renderer to
   * end, the browser itself is given up.
   */
  async resetRenderer(): Promise<void> {
    const running = this.#running;
    if (running === undefined || this.#ending !== undefined) return;
    const ending = new AbortController();
    this.#ending = ending;
    try {
      const pids = (await renderersInGroup(running.process.pid)) ?? (await rendererPids(running.cdp).catch(noneOnCdpError));
      for (const pid of pids) this.#kill(pid);
      const silent = pids.length === 0 || (await sleep(this.#deps.timers, "shell.renderer-end", RENDERER_END_MS, ending.signal));
      if (!silent || this.#running !== running) return;
      this.#deps.log.error({ pids }, "the browser does not report the end of its renderer: ending the browser");
      this.#lost("it was ended: its page hung, and ending the page's process did not help");
    } finally {
      this.#ending = undefined;
    }
  }

  #kill(pid: number): void {
    try {
      process.kill(pid, "SIGKILL");
    } catch (thrown) {
      this.#deps.log.debug({ pid, error: messageOf(thrown) }, "renderer was gone already");
    }
  }

  async screenshot(request: ScreenshotRequest): Promise<Result<ShellImage>> {
    return (await this.#running?.pictures.screenshot(request)) ?? fail("player.no-browser", "There is no browser to take a picture of.");
  }

  async sample(): Promise<Result<PixelSample>> {
    return (await this.#running?.pictures.sample()) ?? fail("player.no-browser", "There is no browser to look at.");
  }

  async witnessFrame(timeoutMs: number): Promise<FrameFinding> {
    return (await this.#running?.pictures.witness(timeoutMs)) ?? { kind: "unknown", why: "there is no browser" };
  }

  async clearCache({ storage }: { readonly storage: boolean }): Promise<Result<undefined>> {
    const running = this.#running;
    if (running === undefined) return fail("player.no-browser", "There is no browser whose cache could be cleared.");
    try {
      await running.page.call("Network.clearBrowserCache", undefined);
      if (storage) await running.page.call("Storage.clearDataForOrigin", { origin: "*", storageTypes: "all" });
      return ok(undefined);
    } catch (thrown) {
      return fail("cache.not-cleared", cdpFailure(thrown));
    }
  }

  async clearPackageStorage(id: string): Promise<Result<undefined>> {
    const running = this.#running;
    if (running === undefined) return fail("player.no-browser", "There is no browser whose storage could be cleared.");
    try {
      await running.page.call("Storage.clearDataForOrigin", { origin: HTTPS_ORIGINS.package(id), storageTypes: "all" });
      return ok(undefined);
    } catch (thrown) {
      return fail("cache.not-cleared", cdpFailure(thrown));
    }
  }

  sendToPage(text: string): void {
    const page = this.#running?.page;
    if (page === undefined || this.#sendsOpen >= SENDS_OPEN_MAX) {
      this.#sendsDropped += 1;
      return;
    }
    this.#sendsOpen += 1;
    page
      .evaluateInMainWorld(`globalThis[Symbol.for("vitrine.host")]?.(${JSON.stringify(text)})`, SEND_TIMEOUT_MS)
      .catch((thrown: unknown) => {
        cdpFailure(thrown);
        this.#sendsDropped += 1;
      })
      .finally(() => {
        this.#sendsOpen -= 1;
      })
      .catch((thrown: unknown) => this.#deps.log.error({ error: stackOf(thrown) }, "sending to the page threw"));
  }

  async overlay(text: string | undefined): Promise<void> {
    try {
      await this.#running?.page.evaluate(this.#deps.overlayScript(text), 3_000);
    } catch (thrown) {
      this.#deps.log.warn({ error: cdpFailure(thrown) }, "the label could not be shown");
    }
  }

  async metrics(): Promise<Readonly<Record<string, number>>> {
    const running = this.#running;
    if (running === undefined) return {};
    const known = { "player.sends-dropped": this.#sendsDropped, "player.texts-dropped": running.cdp.oversized, "player.gpu-deaths": running.gpu.deaths };
    return { ...known, ...(await browserMetrics(running, this.#deps.log)) };
  }

  async #open(process: BrowserProcess, cdp: CdpClient, x11: X11Connection | undefined): Promise<{ readonly running: Running; readonly product: string }> {
    const { timers, log, script, settings, clock } = this.#deps;
    const { product } = await cdp.call("Browser.getVersion", undefined, { timeoutMs: START_TIMEOUT_MS });
    const targetId = await firstPage(cdp);
    const { sessionId } = await cdp.call("Target.attachToTarget", { targetId, flatten: true });
    // A page's target and its main frame have the same id (content/browser/devtools, since 2016; the conformance suite relies on it).
    const emit = (event: ShellEvent): void => {
      this.#events.emit(event);
      if (!settings.headless && event.kind === "load-finished") toFront();
    };
    // An empty tab gives the keyboard focus to the address bar: the page would get no key, and the browser would get them all.
    const toFront = (): void => {
      cdp.call("Page.bringToFront", undefined, { sessionId, timeoutMs: 2_000 }).catch(cdpFailure);
    };
    const size = settings.headless ? settings.window : undefined;
    const localNetwork = new LocalNetwork(cdp, HTTPS_ORIGINS, log);
    const starvation = new ProcessStarvation(async () => (await processesInGroup(process.pid)) ?? [], clock);
    const page = new ChromiumPage({ cdp, sessionId, frameId: targetId, timers, log, script, emit, onStuck: (isStill) => void endStuckRenderer({ starvation, isStill, endRenderer: () => this.resetRenderer(), clock, timers, log }), size, own: HTTPS_ORIGINS, beforeLoad: (target) => localNetwork.allow(target) });
    // A window that was opened while its output was off has the wrong size until it is put right.
    let lookAtWindow = (): void => undefined;
    const lit = (): void => {
      lookAtWindow();
      emit({ kind: "output-lit" });
    };
    const pictures = new PagePictures({ cast: new Screencast(cdp, sessionId, timers), page, starvation, outputs: this.#outputs, lit, clock, timers });
    const guard = new FetchGuard(cdp, log, this.#deps, () => this.#wayOut);
    const frames = new FrameGuard({ cdp, binding: `${script.binding}Guard`, saw: (what, detail) => emit({ kind: "refused", what, detail }) });
    const targets = new TargetGuard({
      cdp, ours: targetId, clock,
      titled: (title) => emit({ kind: "title", title }),
      gone: () => {
        if (this.#running?.targetId === targetId) this.#lostBecause(this.#running, "the page closed its window");
      },
      refused: (url) => emit({ kind: "refused", what: "window", detail: url }),
    });
    cdp.on("Browser.downloadWillBegin", undefined, ({ url }) => emit({ kind: "refused", what: "download", detail: url.slice(0, 500) }));
    await Promise.all([
      page.prepare().then(() => frames.guardPage(sessionId)),
      guard.enable(page),
      cdp.call("Target.setDiscoverTargets", { discover: true }),
      // The call grants the listed permissions and rejects all others, so an empty list rejects all. `LocalNetwork` grants its
      // own to single origins.
      cdp.call("Browser.grantPermissions", { permissions: [] }),
      cdp.call("Browser.setDownloadBehavior", { behavior: "deny", eventsEnabled: true }),
    ]);
    cdp.on("Inspector.targetCrashed", sessionId, () => {
      page.gone();
      pictures.forget();
      this.#events.emit({ kind: "renderer-gone", reason: this.#ending === undefined ? "crashed" : "ended by the host" });
      this.#ending?.abort();
    });
    const gpu = new GpuWatch({ cdp, timers, log, worn: (why) => this.#startAnew(why) });
    const running: Running = { process, cdp, page, pictures, gpu, targetId, over: new AbortController() };
    gpu.run(running.over.signal).catch((thrown: unknown) => log.error({ error: stackOf(thrown) }, "watching the GPU process threw"));
    if (x11 !== undefined) running.over.signal.addEventListener("abort", () => x11.close(), { once: true });
    if (!settings.headless) lookAtWindow = this.#watchWindow(running, x11, targets);
    return { running, product };
  }

  /** Only with a screen. A browser window that stays over the picture is removed by restarting the browser. Returns a function that looks at once. */
  #watchWindow(running: Running, x11: X11Connection | undefined, targets: TargetGuard): () => void {
    const { clock, timers, log } = this.#deps;
    const { cdp, page, process, targetId, over } = running;
    const watch = new WindowWatch({
      cdp, targetId, x11, clock, timers, log,
      pid: process.pid, composed: this.#deps.settings.ozone === "wayland", outputs: this.#outputs,
      toFront: () => page.call("Page.bringToFront", undefined, 2_000),
      evaluate: (expression, timeoutMs) => page.evaluate(expression, timeoutMs),
      pages: () => targets.left(),
      found: (finding) => this.#events.emit({ kind: "window", finding }),
      stuck: (why) => this.#startAnew(`${why}; it stays so`),
    });
    watch.run(over.signal).catch((thrown: unknown) => log.error({ error: stackOf(thrown) }, "watching the window threw"));
    return () => watch.lookNow();
  }

  /** Gives the browser up, so that the stage starts another one. Limited by the budget, for machines where a restart does not help. */
  #startAnew(why: string): void {
    if (this.#budget.take()) this.#lost(why);
    else this.#deps.log.error({ why }, "the browser is not restarted: it was restarted too often within the hour");
  }

  #watchEnd(running: Running): void {
    this.#lostBecause(running, undefined);
    running.cdp.onClosed((why) => this.#lostBecause(running, why));
  }

  /** Reports the end of the browser once it is known how it ended. `why`: the first sign of it. */
  #lostBecause(running: Running, why: string | undefined): void {
    const { process } = running;
    (why === undefined ? process.exited : process.howItEnded(why))
      .then((how) => {
        if (this.#running === running) this.#lost(why === undefined ? how : `${why}: ${how}`);
      })
      .catch((thrown: unknown) => this.#deps.log.error({ error: stackOf(thrown) }, "watching the browser threw"));
  }

  #lost(reason: string): void {
    const running = this.#running;
    if (running === undefined || this.#lostRunning === running) return;
    this.#lostRunning = running;
    running.page.gone();
    running.over.abort();
    running.pictures.forget();
    this.#events.emit({ kind: "browser-gone", reason });
  }
}

async function firstPage(cdp: CdpClient): Promise<string> {
  const { targetInfos } = await cdp.call("Target.getTargets", {});
  const page = targetInfos.find((info) => info.type === "page");
  return page?.targetId ?? (await cdp.call("Target.createTarget", { url: "about:blank" })).targetId;
}

function noneOnCdpError(thrown: unknown): readonly number[] {
  cdpFailure(thrown);
  return [];
}
