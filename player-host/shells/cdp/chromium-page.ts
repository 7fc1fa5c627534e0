import type { Protocol } from "devtools-protocol";
import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { packageLimits } from "../../page-api/package-limits.ts";
import { addressOf, mayNavigate, originForPeople, PACKAGE_ORIGIN, rulesFor, sameAddress, type NavigationRules, type OwnOrigins } from "../../stage/navigation-rules.ts";
import type { LoadTarget, RefusedThing, ShellEvent } from "../../stage/shell.ts";
import { CdpError, cdpFailure, type Cdp, type CdpCommands, type CdpParams, type CdpResult } from "./cdp-client.ts";
import { hostOf, loadIssue } from "../../host/load-issue.ts";
import type { GuardedPage, PendingLoad } from "./fetch-guard.ts";
import { textOf } from "./remote-object-text.ts";
import { BegunNavigations, COMMIT_TIMEOUT_MS, PUT_BACK_TIMEOUT_MS, SETTLE_TIMEOUT_MS, TAKE_TIMEOUT_MS, TOUCH_TIMEOUT_MS, type Aim, type Loading } from "./page-loading.ts";

/** The page API script injected into every document, and how it calls the host. */
export interface PageScript {
  readonly source: string;
  /** Name of the binding function. The script removes it before the page's code runs. */
  readonly binding: string;
  /** Prefix of every call, known only to the script in the main frame. */
  readonly token: string;
}

export interface ChromiumPageDeps {
  readonly cdp: Cdp;
  readonly sessionId: string | undefined;
  readonly own: OwnOrigins;
  readonly frameId: string;
  readonly timers: Timers;
  readonly log: Log;
  readonly emit: (event: ShellEvent) => void;
  /** The document has arrived but the renderer does not commit it. The owner of the processes must end the renderer while `isStill()`. */
  readonly onStuck: (isStill: () => boolean) => void;
  /** Prepares for a target before it is loaded. Never rejects. */
  readonly beforeLoad?: (target: LoadTarget) => Promise<void>;
  /** Absent when the shell injects the page API itself. */
  readonly script?: PageScript | undefined;
  /** Page size for a headless browser, whose window has an invisible frame. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
}

const WORLD = "vitrine";
const NOWHERE: NavigationRules = { origins: [] };

/** The kiosk's one page: loads its targets, guards its navigation and reports its events. */
export class ChromiumPage implements GuardedPage {
  readonly frameId: string;
  /** Documents of the main frame that have had their first paint so far. */
  documentsPainted = 0;
  /** Documents of the main frame that have finished loading so far. */
  documentsLoaded = 0;
  readonly #deps: ChromiumPageDeps;
  /** The aim of the document on screen. A load that fails before its document arrives does not change it. */
  #on: Aim | undefined;
  /** The aim of the latest load, until its document commits or it fails. */
  #coming: Aim | undefined;
  #loading: Loading = { kind: "none" };
  readonly #begun = new BegunNavigations();
  #deadline: Timer | undefined;
  /** Id of the document in the main frame. Its API calls are accepted only while it belongs to the content. */
  #loaderId = "";
  /** The main frame's address as the page sees it, changed by `history.pushState` too. */
  #url = "";
  #certificateError: { readonly url: string; readonly name: string } | undefined;
  #apiOpen = false;
  #world: { readonly loaderId: string; readonly contextId: number } | undefined;

  constructor(deps: ChromiumPageDeps) {
    this.#deps = deps;
    this.frameId = deps.frameId;
  }

  call<M extends keyof CdpCommands>(method: M, params: CdpParams<M>, timeoutMs?: number): Promise<CdpResult<M>> {
    const { cdp, sessionId } = this.#deps;
    return cdp.call(method, params, { sessionId, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  }

  async prepare(): Promise<void> {
    this.#listen();
    const { script, size } = this.#deps;
    // Bindings reach new documents only if the Runtime domain was enabled before they are added (tried on Chromium 156).
    if (script !== undefined) await this.call("Runtime.enable", undefined);
    await Promise.all([
      this.call("Page.enable", {}),
      this.call("Page.setLifecycleEventsEnabled", { enabled: true }),
      this.call("Inspector.enable", undefined),
      this.call("Performance.enable", {}),
      // Every file that fails to load is a log entry; the `Network` domain would send several events for each request.
      this.call("Log.enable", undefined),
      this.call("Security.enable", undefined),
      this.call("Security.setOverrideCertificateErrors", { override: true }),
      this.call("Page.addScriptToEvaluateOnNewDocument", { source: packageLimits(PACKAGE_ORIGIN) }),
      script && this.call("Runtime.addBinding", { name: script.binding }),
      script && this.call("Page.addScriptToEvaluateOnNewDocument", { source: script.source }),
      size && this.call("Emulation.setDeviceMetricsOverride", { ...size, deviceScaleFactor: 1, mobile: false }),
    ]);
  }

  targets(): readonly LoadTarget[] {
    return [this.#coming, this.#on].flatMap((aim) => (aim === undefined ? [] : [aim.target]));
  }

  pending(): PendingLoad | undefined {
    if (this.#loading.kind !== "asked" || this.#coming === undefined) return undefined;
    const { load, url } = this.#loading;
    return { load, url, rules: this.#coming.rules };
  }

  answered(): void {
    if (this.#loading.kind !== "asked") return;
    const { load } = this.#loading;
    this.#armDeadline(TAKE_TIMEOUT_MS, () => {
      this.#armDeadline(COMMIT_TIMEOUT_MS);
      this.#deps.onStuck(() => this.#loading.kind === "asked" && this.#loading.load === load);
    });
  }

  rules(): NavigationRules {
    return this.#on?.rules ?? NOWHERE;
  }

  /** Origins that may call the page API: those of the content on screen and of the content that is loading. */
  contentRules(): NavigationRules {
    const aims = [this.#coming, this.#on].filter((aim) => aim !== undefined && aim.target.kind !== "screen");
    return { origins: aims.flatMap((aim) => aim?.rules.origins ?? []) };
  }

  failed(url: string, error: Issue, ours: boolean): void {
    if (ours && this.#loading.kind === "asked") this.#fail(this.#loading.load, url, error);
    else this.#deps.emit({ kind: "load-failed", url, error, pictureKept: true });
  }

  cutOff(url: string, error: Issue): void {
    const loading = this.#loading;
    // Not committed yet: reported once it is.
    if (loading.kind === "asked") this.#loading = { ...loading, cut: error };
    else this.#cut(url, error);
  }

  #cut(url: string, error: Issue): void {
    const loading = this.#loading;
    this.#loading = { kind: "none" };
    this.#deadline?.cancel();
    this.#deps.emit({ kind: "load-cut", url, error, ...(loading.kind === "none" ? {} : { load: loading.load }) });
  }

  heldBack(url: string): void {
    this.refused("navigation", url.slice(0, 500));
    const now = this.#on?.target;
    if (now === undefined || now.kind === "screen" || this.#loading.kind === "asked") return;
    const loaderId = this.#loaderId;
    const say = (touched: boolean): void => {
      if (!touched && loaderId === this.#loaderId) this.#deps.emit({ kind: "leads-elsewhere", url: originForPeople(url) });
    };
    // A person who touched a link sees that nothing happens; only a page that navigates by itself is reported.
    this.evaluate("navigator.userActivation?.isActive === true", TOUCH_TIMEOUT_MS).then(
      (touched) => say(touched === true),
      (thrown: unknown) => {
        if (!(thrown instanceof CdpError)) throw thrown;
        say(false);
      },
    );
  }

  certificateError(url: string): string | undefined {
    return this.#certificateError !== undefined && sameAddress(this.#certificateError.url, url) ? this.#certificateError.name : undefined;
  }

  fileMissing(url: string, why: string): void {
    // Requested by the browser itself, not by the document.
    if (URL.parse(url)?.pathname === "/favicon.ico") return;
    this.#deps.emit({ kind: "file-missing", url: url.slice(0, 2_000), why: why.slice(0, 200) });
  }

  refused(what: RefusedThing, detail: string): void {
    this.#deps.emit({ kind: "refused", what, detail });
  }

  async load(load: number, target: LoadTarget): Promise<void> {
    const url = addressOf(target, this.#deps.own);
    this.#coming = { target, rules: rulesFor(target, this.#deps.own) };
    this.#loading = { kind: "asked", load, url };
    this.#armDeadline(COMMIT_TIMEOUT_MS);
    this.#deps.emit({ kind: "load-started", load, url });
    await this.#orFail(load, url, async () => {
      await this.#deps.beforeLoad?.(target);
      const way = await this.#wayTo(target, url);
      // Another load was requested meanwhile.
      if (this.#loading.kind !== "asked" || this.#loading.load !== load) return;
      if (way === "reload" && (await this.#reloads(target.kind !== "screen" && target.ignoreCache))) return;
      await this.#navigate(load, url);
    });
  }

  async #navigate(load: number, url: string): Promise<void> {
    this.#afterNavigate(load, url, await this.call("Page.navigate", { url }, COMMIT_TIMEOUT_MS));
  }

  async #orFail(load: number, url: string, go: () => Promise<void>): Promise<void> {
    try {
      await go();
    } catch (thrown) {
      if (!(thrown instanceof CdpError)) throw thrown;
      // The shell reports a closed pipe.
      if (thrown.kind !== "closed") this.#fail(load, url, { code: "load.refused", message: thrown.message });
    }
  }

  /** False when the browser refuses the reload, as it does while it replaces the renderer; it accepts a navigation then. */
  async #reloads(ignoreCache: boolean): Promise<boolean> {
    try {
      await this.call("Page.reload", { ignoreCache }, COMMIT_TIMEOUT_MS);
      return true;
    } catch (thrown) {
      if (thrown instanceof CdpError && thrown.kind === "refused") return false;
      throw thrown;
    }
  }

  /** Evaluates in our isolated world of the main frame, which shares no globals with the page. */
  async evaluate(expression: string, timeoutMs: number): Promise<unknown> {
    const contextId = await this.#worldOf(timeoutMs);
    const { result, exceptionDetails } = await this.call(
      "Runtime.evaluate",
      { expression, contextId, awaitPromise: true, returnByValue: true },
      timeoutMs,
    );
    if (exceptionDetails !== undefined) throw new CdpError("refused", exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Runs an expression in the page's own world, where the page API is. */
  async evaluateInMainWorld(expression: string, timeoutMs: number): Promise<void> {
    // The result is discarded, because the page's own code may return or throw values of any size.
    await this.call("Runtime.evaluate", { expression: `(() => { ${expression}; })()`, returnByValue: false, silent: true }, timeoutMs);
  }

  /** The renderer died, and the document with it. */
  gone(): void {
    this.#loading = { kind: "none" };
    this.#on = undefined;
    this.#coming = undefined;
    this.#deadline?.cancel();
    this.#world = undefined;
    this.#loaderId = "";
    this.#url = "";
    this.#apiOpen = false;
  }

  #listen(): void {
    const { cdp, sessionId, script } = this.#deps;
    cdp.on("Page.frameStartedNavigating", sessionId, (begun) => this.#begins(begun));
    cdp.on("Page.frameNavigated", sessionId, ({ frame }) => this.#navigated(frame));
    cdp.on("Page.navigatedWithinDocument", sessionId, ({ frameId, url }) => {
      if (frameId === this.frameId) this.#url = url;
    });
    cdp.on("Security.certificateError", sessionId, ({ eventId, errorType, requestURL }) => {
      this.#certificateError = { url: requestURL, name: errorType };
      // The default outcome. The override serves only to learn the error's name.
      this.#send(this.call("Security.handleCertificateError", { eventId, action: "cancel" }));
    });
    cdp.on("Page.lifecycleEvent", sessionId, (event) => this.#lifecycle(event));
    // The browser blocks a window opened without a user gesture; one opened with a gesture is closed at once.
    cdp.on("Page.windowOpen", sessionId, ({ url }) => this.refused("window", url.slice(0, 500)));
    cdp.on("Page.javascriptDialogOpening", sessionId, ({ type, message }) => {
      this.refused("dialog", `${type}: ${message.slice(0, 200)}`);
      // Alerts and `beforeunload` are accepted; any other dialog is answered with no.
      this.#send(this.call("Page.handleJavaScriptDialog", { accept: type === "beforeunload" || type === "alert" }));
    });
    cdp.onOversized((method) => {
      if (method !== "Page.javascriptDialogOpening") return;
      // The page waits for an answer, whatever the text.
      this.refused("dialog", "its text was too long to read");
      this.#send(this.call("Page.handleJavaScriptDialog", { accept: false }));
    });
    cdp.on("Runtime.consoleAPICalled", sessionId, ({ type, args }) => {
      if (type === "error" || type === "assert") this.#deps.emit({ kind: "page-error", message: args.map(textOf).join(" ").slice(0, 500) });
    });
    cdp.on("Log.entryAdded", sessionId, ({ entry }) => {
      if (entry.source === "network" && entry.level === "error" && entry.url !== undefined) this.fileMissing(entry.url, entry.text);
    });
    if (script === undefined) return;
    cdp.on("Runtime.bindingCalled", sessionId, ({ name, payload }) => {
      if (name === script.binding) this.#pageCall(payload, script.token);
    });
  }

  /** A call without the token comes from another frame or script. */
  #pageCall(payload: string, token: string): void {
    if (this.#apiOpen && payload.startsWith(token)) this.#deps.emit({ kind: "page-call", text: payload.slice(token.length) });
    else this.refused("page-call", "a call that is not from the content's own page");
  }

  /** Notes over which document a navigation began, and for one to the requested address the id that its document will have. */
  #begins({ frameId, url, loaderId, navigationType }: Protocol.Page.FrameStartedNavigatingEvent): void {
    const loading = this.#loading;
    if (frameId !== this.frameId || navigationType === "sameDocument" || navigationType === "historySameDocument") return;
    this.#begun.begins(loaderId, this.#loaderId);
    if (loading.kind === "asked" && sameAddress(url, loading.url)) this.#loading = { ...loading, loaderId };
  }

  /** Whether `frame` has the pending load's document: the page may navigate by itself at the same time. */
  #isOurs(loading: Extract<Loading, { kind: "asked" }>, frame: Protocol.Page.Frame): boolean {
    return loading.loaderId === undefined ? sameAddress(frame.unreachableUrl ?? frame.url, loading.url) : loading.loaderId === frame.loaderId;
  }

  #navigated(frame: Protocol.Page.Frame): void {
    if (frame.id !== this.frameId) return;
    const isLate = this.#begun.arrivesLate(frame.loaderId, this.#loaderId);
    this.#loaderId = frame.loaderId;
    this.#url = `${frame.url}${frame.urlFragment ?? ""}`;
    this.#world = undefined;
    const asked = this.#loading.kind === "asked" && this.#isOurs(this.#loading, frame) ? this.#loading : undefined;
    if (asked !== undefined) {
      this.#on = this.#coming;
      this.#coming = undefined;
    }
    const now = this.#on?.target;
    if (asked === undefined && isLate && now !== undefined && this.#loading.kind !== "asked") return this.#loadAgain(now);
    const atHome = mayNavigate(this.rules(), frame.url);
    this.#apiOpen = now !== undefined && now.kind !== "screen" && frame.unreachableUrl === undefined && atHome;
    if (asked !== undefined && (frame.unreachableUrl !== undefined || !atHome)) return this.#replaced(asked.load, frame.unreachableUrl ?? frame.url);
    if (asked !== undefined) {
      this.#loading = { kind: "committed", load: asked.load, url: frame.url, loaderId: frame.loaderId };
      this.#armDeadline(SETTLE_TIMEOUT_MS);
      this.#deps.emit({ kind: "load-committed", load: asked.load, url: frame.url });
    } else if (!this.#apiOpen && now !== undefined && now.kind !== "screen") {
      this.#strayed(frame.url);
      return;
    } else this.#deps.emit({ kind: "load-started", url: frame.url });
    if (this.#apiOpen) this.#deps.emit({ kind: "page-begun" });
    if (asked?.cut !== undefined) this.#cut(frame.url, asked.cut);
  }

  /**
   * The page before had begun to navigate, and its document came after ours, which Chromium lets happen (1 of 150 changes away from a page that
   * just then navigates, Chromium 156): the old content would stay on screen in the name of the new one.
   */
  #loadAgain(target: LoadTarget): void {
    const url = addressOf(target, this.#deps.own);
    this.#apiOpen = false;
    this.#deps.log.warn({ url: originForPeople(url) }, "the page before navigated over the content that replaced it: loading the content again");
    const loading = this.#loading;
    if (loading.kind !== "committed") return this.#send(this.call("Page.navigate", { url }, COMMIT_TIMEOUT_MS));
    this.#coming = this.#on;
    this.#loading = { kind: "asked", load: loading.load, url };
    this.#armDeadline(COMMIT_TIMEOUT_MS);
    this.#send(this.#orFail(loading.load, url, () => this.#navigate(loading.load, url)));
  }

  /** A document that bypassed the guard, such as the browser's own error page, has replaced both the picture and the content. */
  #replaced(load: number, url: string): void {
    this.#loading = { kind: "none" };
    this.#deadline?.cancel();
    const error: Issue = { code: "load.failed", message: `The content could not be shown; a page of ${originForPeople(url)} was shown instead.` };
    this.#deps.emit({ kind: "load-failed", load, url, error, pictureKept: false });
  }

  /** The page went where the guard does not see it, such as about:blank: the picture is no longer the content's. */
  #strayed(url: string): void {
    this.refused("navigation", url.slice(0, 500));
    const error: Issue = { code: "content.strayed", message: `The page went to ${url.slice(0, 200)}.` };
    this.#deps.emit({ kind: "load-failed", url, error, pictureKept: false });
  }

  #lifecycle(event: Protocol.Page.LifecycleEventEvent): void {
    if (event.frameId !== this.frameId) return;
    if (event.name === "firstPaint") this.documentsPainted += 1;
    if (event.name !== "load") return;
    this.documentsLoaded += 1;
    const loading = this.#loading;
    if (loading.kind === "committed" && loading.loaderId === event.loaderId) this.#finish(loading.load, loading.url);
    else if (loading.kind === "none" && event.loaderId === this.#loaderId && this.#apiOpen) {
      this.#deps.emit({ kind: "load-finished", url: this.#on === undefined ? "" : addressOf(this.#on.target, this.#deps.own) });
    }
  }

  /** Handles the result of `Page.navigate`, unless the guard has reported it already. */
  #afterNavigate(load: number, url: string, result: Protocol.Page.NavigateResponse): void {
    const { errorText, isDownload, loaderId } = result;
    if (isDownload === true) return this.#fail(load, url, { code: "content.is-download", message: `${hostOf(url)} sends a download, not a page.` });
    if (errorText !== undefined) return this.#fail(load, url, loadIssue(errorText, url));
    const loading = this.#loading;
    if (loading.kind === "asked" && loading.load === load && loaderId !== undefined) this.#loading = { ...loading, loaderId };
  }

  #fail(load: number, url: string, error: Issue): void {
    if (this.#loading.kind === "none" || this.#loading.load !== load) return;
    const pictureKept = this.#loading.kind === "asked";
    this.#loading = { kind: "none" };
    // The old document stays on screen, with its files, its origins and its reload.
    this.#coming = undefined;
    this.#deadline?.cancel();
    this.#deps.emit({ kind: "load-failed", load, url, error, pictureKept });
  }

  #finish(load: number, url: string): void {
    this.#loading = { kind: "none" };
    this.#deadline?.cancel();
    this.#deps.emit({ kind: "load-finished", load, url });
  }

  #armDeadline(afterMs: number, late: () => void = () => this.#endLoading()): void {
    this.#deadline?.cancel();
    this.#deadline = this.#deps.timers.after("page.load-deadline", afterMs, late);
  }

  #endLoading(): void {
    const loading = this.#loading;
    if (loading.kind === "committed") this.#finish(loading.load, loading.url);
    if (loading.kind !== "asked") return;
    this.#send(this.call("Page.stopLoading", undefined));
    this.#fail(loading.load, loading.url, { code: "net.timed-out", message: `${hostOf(loading.url)}: no document within ${COMMIT_TIMEOUT_MS / 1000} s.` });
  }

  /**
   * How to load `url`. If the content's document is on screen, by reload: a navigation to the same address could stay inside
   * the document (`#part`) and has no `ignoreCache`. The page may have changed its address (`history.pushState`, a link), so
   * the content's address is restored first.
   */
  async #wayTo(target: LoadTarget, url: string): Promise<"reload" | "navigate"> {
    const before = this.#on?.target;
    if (target.kind === "screen" || this.#loaderId === "" || before === undefined || before.kind === "screen" || !this.#apiOpen) return "navigate";
    if (addressOf(before, this.#deps.own) !== url) return "navigate";
    if (this.#url === new URL(url).href) return "reload";
    try {
      const at = await this.evaluate(`(history.replaceState(null, "", ${JSON.stringify(url)}), location.href)`, PUT_BACK_TIMEOUT_MS);
      if (at === new URL(url).href) return "reload";
    } catch (thrown) {
      // The page is on another of the content's origins or does not answer: navigate instead.
      if (!(thrown instanceof CdpError)) throw thrown;
    }
    if (target.ignoreCache) await this.call("Network.clearBrowserCache", undefined, PUT_BACK_TIMEOUT_MS).catch(cdpFailure);
    return "navigate";
  }

  async #worldOf(timeoutMs: number): Promise<number> {
    const loaderId = this.#loaderId;
    if (this.#world?.loaderId === loaderId) return this.#world.contextId;
    const { executionContextId } = await this.call("Page.createIsolatedWorld", { frameId: this.frameId, worldName: WORLD }, timeoutMs);
    if (loaderId === this.#loaderId) this.#world = { loaderId, contextId: executionContextId };
    return executionContextId;
  }

  #send(call: Promise<unknown>): void {
    call.catch((thrown: unknown) => {
      if (!(thrown instanceof CdpError)) throw thrown;
      this.#deps.log.debug({ error: messageOf(thrown) }, "the page did not accept the message");
    });
  }
}
