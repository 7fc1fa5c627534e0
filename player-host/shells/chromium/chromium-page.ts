import type { Protocol } from "devtools-protocol";
import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { addressOf, mayNavigate, rulesFor, withOrigin, type NavigationRules, type OwnOrigins } from "../../stage/navigation-rules.ts";
import type { LoadTarget, RefusedThing, ShellEvent } from "../../stage/shell.ts";
import { CdpError, type Cdp, type CdpCommands, type CdpParams, type CdpResult } from "./cdp-client.ts";
import type { GuardedPage } from "./fetch-guard.ts";

/** The page API's side that is put into every document, and how it calls the host. */
export interface PageScript {
  readonly source: string;
  /** Name of the function the browser gives the page. The script takes it away before the page's code runs. */
  readonly binding: string;
  /** First characters of every call. Only the script in the main frame knows them. */
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
  /** Absent where the shell puts the page API into documents itself. */
  readonly script?: PageScript | undefined;
  /** Without a screen the window has a frame that nobody sees; the page is then given exactly this size. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
}

/** A load we began: from the call until its outcome. */
type Loading =
  | { readonly kind: "none" }
  | { readonly kind: "asked"; readonly load: number; readonly url: string }
  | { readonly kind: "committed"; readonly load: number; readonly url: string; readonly loaderId: string };

/** What the main frame is meant to show, and where it may go while it does. */
interface Aim {
  readonly target: LoadTarget;
  readonly rules: NavigationRules;
}

/** No document within this: the picture on the screen stays, and the load has failed. */
export const COMMIT_TIMEOUT_MS = 45_000;
/** A document whose last image does not come is on the screen nevertheless. */
export const SETTLE_TIMEOUT_MS = 20_000;
const WORLD = "vitrine";
const NOWHERE: NavigationRules = { origins: [] };

/** The one page of the kiosk: where it is, where it may go, what it says. */
export class ChromiumPage implements GuardedPage {
  readonly frameId: string;
  readonly #deps: ChromiumPageDeps;
  /** What the document on the glass was loaded for. A load that fails before its document comes leaves it as it is. */
  #on: Aim | undefined;
  /** What the load that was last begun is for, until its document comes or it fails. */
  #coming: Aim | undefined;
  #loading: Loading = { kind: "none" };
  #deadline: Timer | undefined;
  /** The document in the main frame now; its API calls count only while it is the content's. */
  #loaderId = "";
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
    // Bindings reach new documents only while the Runtime domain is on (tried on Chromium 156), and it has
    // to be on before they are added.
    if (script !== undefined) await this.call("Runtime.enable", undefined);
    await Promise.all([
      this.call("Page.enable", {}),
      this.call("Page.setLifecycleEventsEnabled", { enabled: true }),
      this.call("Inspector.enable", undefined),
      this.call("Performance.enable", {}),
      script && this.call("Runtime.addBinding", { name: script.binding }),
      script && this.call("Page.addScriptToEvaluateOnNewDocument", { source: script.source }),
      size && this.call("Emulation.setDeviceMetricsOverride", { ...size, deviceScaleFactor: 1, mobile: false }),
    ]);
  }

  targets(): readonly LoadTarget[] {
    return [this.#coming, this.#on].flatMap((aim) => (aim === undefined ? [] : [aim.target]));
  }

  rules(): NavigationRules {
    return (this.#coming ?? this.#on)?.rules ?? NOWHERE;
  }

  /** The origins of content whose document is on or may be coming on at this moment: who may call the page API. */
  contentRules(): NavigationRules {
    const aims = [this.#coming, this.#on].filter((aim) => aim !== undefined && aim.target.kind !== "screen");
    return { origins: aims.flatMap((aim) => aim?.rules.origins ?? []) };
  }

  loadingByHost(): boolean {
    return this.#loading.kind === "asked";
  }

  redirected(url: string): void {
    if (this.#coming !== undefined) this.#coming = { ...this.#coming, rules: withOrigin(this.#coming.rules, url) };
  }

  failed(url: string, error: Issue): void {
    if (this.#loading.kind === "asked") this.#fail(this.#loading.load, url, error);
    else this.#deps.emit({ kind: "load-failed", url, error, pictureKept: true });
  }

  refused(what: RefusedThing, detail: string): void {
    this.#deps.emit({ kind: "refused", what, detail });
  }

  async load(load: number, target: LoadTarget): Promise<void> {
    const url = addressOf(target, this.#deps.own);
    const anew = target.kind === "screen" ? undefined : this.#sameDocument(target, url);
    this.#coming = { target, rules: rulesFor(target, this.#deps.own) };
    this.#loading = { kind: "asked", load, url };
    this.#armDeadline(COMMIT_TIMEOUT_MS);
    this.#deps.emit({ kind: "load-started", load, url });
    try {
      if (anew !== undefined) await this.call("Page.reload", anew, COMMIT_TIMEOUT_MS);
      else this.#afterNavigate(load, url, await this.call("Page.navigate", { url }, COMMIT_TIMEOUT_MS));
    } catch (thrown) {
      if (!(thrown instanceof CdpError)) throw thrown;
      // A closed pipe is reported by the shell; anything else is a load that did not come about.
      if (thrown.kind !== "closed") this.#fail(load, url, { code: "load.refused", message: thrown.message });
    }
  }

  /** Evaluates in our own world of the main frame; the page's globals are out of its reach and ours out of the page's. */
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

  /** Runs an expression in the page's own world, where its side of the page API is. */
  async evaluateInMainWorld(expression: string, timeoutMs: number): Promise<void> {
    // The answer is not wanted, and what the page's own code returns or throws may be of any size.
    await this.call("Runtime.evaluate", { expression: `try { void (${expression}); } catch {}`, returnByValue: false, silent: true }, timeoutMs);
  }

  /** The renderer died: nothing of the document is left. */
  gone(): void {
    this.#loading = { kind: "none" };
    this.#on = undefined;
    this.#coming = undefined;
    this.#deadline?.cancel();
    this.#world = undefined;
    this.#loaderId = "";
    this.#apiOpen = false;
  }

  #listen(): void {
    const { cdp, sessionId, script } = this.#deps;
    cdp.on("Page.frameNavigated", sessionId, ({ frame }) => this.#navigated(frame));
    cdp.on("Page.lifecycleEvent", sessionId, (event) => this.#lifecycle(event));
    // Opened without a touch, the browser itself blocks it; opened with one, its window is closed at once.
    cdp.on("Page.windowOpen", sessionId, ({ url }) => this.refused("window", url.slice(0, 500)));
    cdp.on("Page.javascriptDialogOpening", sessionId, ({ type, message }) => {
      this.refused("dialog", `${type}: ${message.slice(0, 200)}`);
      // Leaving is always fine; a question is answered with no.
      this.#send(this.call("Page.handleJavaScriptDialog", { accept: type === "beforeunload" || type === "alert" }));
    });
    cdp.onOversized((method) => {
      if (method !== "Page.javascriptDialogOpening") return;
      // Whatever it says, the page waits for its answer.
      this.refused("dialog", "its text was too long to be read");
      this.#send(this.call("Page.handleJavaScriptDialog", { accept: false }));
    });
    cdp.on("Runtime.consoleAPICalled", sessionId, ({ type, args }) => {
      if (type === "error" || type === "assert") this.#deps.emit({ kind: "page-error", message: args.map(textOf).join(" ").slice(0, 500) });
    });
    if (script === undefined) return;
    cdp.on("Runtime.bindingCalled", sessionId, ({ name, payload }) => {
      if (name === script.binding) this.#pageCall(payload, script.token);
    });
  }

  /** A call without the token comes from a frame that is not the content's. */
  #pageCall(payload: string, token: string): void {
    if (this.#apiOpen && payload.startsWith(token)) this.#deps.emit({ kind: "page-call", text: payload.slice(token.length) });
    else this.refused("page-call", "a call that is not from the content's own page");
  }

  #navigated(frame: Protocol.Page.Frame): void {
    if (frame.id !== this.frameId) return;
    this.#loaderId = frame.loaderId;
    this.#world = undefined;
    const loading = this.#loading;
    if (loading.kind === "asked") {
      this.#on = this.#coming;
      this.#coming = undefined;
    }
    const now = this.#on?.target;
    this.#apiOpen = now !== undefined && now.kind !== "screen" && frame.unreachableUrl === undefined && mayNavigate(this.rules(), frame.url);
    if (loading.kind === "asked" && frame.unreachableUrl !== undefined) return this.#replaced(loading.load, frame.unreachableUrl);
    if (loading.kind === "asked") {
      this.#loading = { kind: "committed", load: loading.load, url: frame.url, loaderId: frame.loaderId };
      this.#armDeadline(SETTLE_TIMEOUT_MS);
    } else if (!this.#apiOpen && now !== undefined && now.kind !== "screen") {
      this.#strayed(frame.url);
      return;
    } else this.#deps.emit({ kind: "load-started", url: frame.url });
    if (this.#apiOpen) this.#deps.emit({ kind: "page-begun" });
  }

  /** The browser's own error page came instead: it is neither the content nor the picture that was on. */
  #replaced(load: number, url: string): void {
    this.#loading = { kind: "none" };
    this.#deadline?.cancel();
    const error: Issue = { code: "load.failed", message: `${url.slice(0, 200)} could not be shown.` };
    this.#deps.emit({ kind: "load-failed", load, url, error, pictureKept: false });
  }

  /** Somewhere the guard cannot see, such as about:blank: the picture is not the content's any more. */
  #strayed(url: string): void {
    this.refused("navigation", url.slice(0, 500));
    const error: Issue = { code: "content.strayed", message: `The page went to ${url.slice(0, 200)}.` };
    this.#deps.emit({ kind: "load-failed", url, error, pictureKept: false });
  }

  #lifecycle(event: Protocol.Page.LifecycleEventEvent): void {
    if (event.frameId !== this.frameId || event.name !== "load") return;
    const loading = this.#loading;
    if (loading.kind === "committed" && loading.loaderId === event.loaderId) this.#finish(loading.load, loading.url);
    else if (loading.kind === "none" && event.loaderId === this.#loaderId && this.#apiOpen) {
      this.#deps.emit({ kind: "load-finished", url: this.#on === undefined ? "" : addressOf(this.#on.target, this.#deps.own) });
    }
  }

  /** What `Page.navigate` says, where the guard has not said it already. */
  #afterNavigate(load: number, url: string, result: Protocol.Page.NavigateResponse): void {
    const { errorText } = result;
    if (errorText === undefined && result.isDownload !== true) return;
    const code = result.isDownload === true ? "content.is-download" : "load.failed";
    const message = result.isDownload === true ? `${url.slice(0, 200)} is a download, not a page.` : `${url.slice(0, 200)}: ${errorText ?? ""}`;
    this.#fail(load, url, { code, message });
  }

  #fail(load: number, url: string, error: Issue): void {
    if (this.#loading.kind === "none" || this.#loading.load !== load) return;
    const pictureKept = this.#loading.kind === "asked";
    this.#loading = { kind: "none" };
    // The old document stays on, with what it was loaded for: its files, its origins, and its reload.
    this.#coming = undefined;
    this.#deadline?.cancel();
    this.#deps.emit({ kind: "load-failed", load, url, error, pictureKept });
  }

  #finish(load: number, url: string): void {
    this.#loading = { kind: "none" };
    this.#deadline?.cancel();
    this.#deps.emit({ kind: "load-finished", load, url });
  }

  #armDeadline(afterMs: number): void {
    this.#deadline?.cancel();
    this.#deadline = this.#deps.timers.after("page.load-deadline", afterMs, () => {
      const loading = this.#loading;
      if (loading.kind === "committed") this.#finish(loading.load, loading.url);
      if (loading.kind !== "asked") return;
      this.#send(this.call("Page.stopLoading", undefined));
      this.#fail(loading.load, loading.url, { code: "net.timed-out", message: `${loading.url.slice(0, 200)} did not come within ${COMMIT_TIMEOUT_MS / 1000} s.` });
    });
  }

  /** Parameters of a reload where the very document is on already: navigating to it could stay inside it (`#part`). */
  #sameDocument(target: Exclude<LoadTarget, { kind: "screen" }>, url: string): Protocol.Page.ReloadRequest | undefined {
    const before = this.#on?.target;
    if (this.#loaderId === "" || before === undefined || before.kind === "screen" || !this.#apiOpen) return undefined;
    return addressOf(before, this.#deps.own) === url ? { ignoreCache: target.ignoreCache } : undefined;
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
      this.#deps.log.debug({ error: messageOf(thrown) }, "the page did not take it");
    });
  }
}

function textOf(argument: Protocol.Runtime.RemoteObject): string {
  return typeof argument.value === "string" ? argument.value : (argument.description ?? JSON.stringify(argument.value) ?? argument.type);
}
