import type { Protocol } from "devtools-protocol";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { HTTPS_ORIGINS, isOwnHost, mayNavigate, mayPass, originForPeople, PACKAGE_SCHEME, sameAddress, type NavigationRules } from "../../stage/navigation-rules.ts";
import type { WayOut } from "../../contract/link-messages.ts";
import type { LoadTarget, RefusedThing, ScreenModel } from "../../stage/shell.ts";
import { hostOf, loadIssue } from "../../host/load-issue.ts";
import { answerFromPackage, type PackageAnswer } from "../../host/package-files.ts";
import type { PackageFolders } from "../../host/package-folders.ts";
import { browserProxyOf, failedOnTheWay, proxyRefusal } from "../../host/way-out.ts";
import { CdpError, type Cdp } from "./cdp-client.ts";
import { ProxyAuth } from "./proxy-auth.ts";

/** One of our own pages, ready to serve. */
export interface ScreenDocument {
  readonly html: string;
  /** Content-Security-Policy header. */
  readonly csp: string;
}

/** Served inside the process, with no open port: our own pages, and packages. */
export interface ServedHere {
  readonly screens: (screen: ScreenModel) => ScreenDocument;
  readonly folders: PackageFolders;
}

/** A load the host requested whose document has not arrived yet. */
export interface PendingLoad {
  readonly load: number;
  readonly url: string;
  readonly rules: NavigationRules;
}

/** The page under guard: what the guard asks it and reports to it. */
export interface GuardedPage {
  readonly frameId: string;
  /** The target that is loading and the one on screen, whose document still needs its files until the next one is there. */
  targets(): readonly LoadTarget[];
  pending(): PendingLoad | undefined;
  /** The response headers of the pending load's document have arrived. */
  answered(): void;
  /** Where the document on screen may navigate by itself. */
  rules(): NavigationRules;
  /** The main document failed to load; the previous picture is still on screen. `ours`: it belongs to the pending load. */
  failed(url: string, error: Issue, ours: boolean): void;
  /** The main document arrived incomplete. */
  cutOff(url: string, error: Issue): void;
  /** The page on screen tried to navigate to `url`, and was stopped. */
  heldBack(url: string): void;
  /** A file that the document requested could not be served. */
  fileMissing(url: string, why: string): void;
  refused(what: RefusedThing, detail: string): void;
  /** The browser's name for the certificate error of this address, if it reported one. */
  certificateError(url: string): string | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Every request is paused once: only for a paused one does the browser ask us for a password, and not on the screen. */
const PATTERNS: Protocol.Fetch.RequestPattern[] = [
  { urlPattern: "http*", requestStage: "Request" },
  { resourceType: "Document", requestStage: "Request" },
  { resourceType: "Document", requestStage: "Response" },
];

/** The requests for one main document: the first one and its redirects. */
interface Chain {
  /** The browser's id of the chain, the same at every hop. */
  readonly job: string;
  /** The host's load it belongs to; absent when the page itself started it. */
  readonly load: number | undefined;
  readonly hops: number;
  /** The response headers of its document have arrived. */
  readonly arrived: boolean;
}
/** Redirects followed. Below Chromium's own limit of 20, so that the load fails here and the picture stays. */
const HOPS_MAX = 18;
/** The page and the host start only a few at a time. */
const CHAINS_MAX = 16;
/** Remembered ids of requests too long to read. */
const UNREAD_MAX = 64;

/**
 * Intercepts every request of the browser (DevTools `Fetch` domain). It keeps the main frame within its content's origins,
 * redirects included; aborts a document that cannot be loaded, so that no error page replaces the picture; serves our own
 * pages and packages, each under its own origin and with no open port; and answers password prompts.
 */
export class FetchGuard {
  readonly #cdp: Cdp;
  readonly #log: Log;
  readonly #served: ServedHere;
  #page: GuardedPage | undefined;
  /** By job, newest last. */
  readonly #chains = new Map<string, Chain>();
  /** The chain of the newest document. A later error for it means that this document arrived incomplete. */
  #arrivedJob: string | undefined;
  readonly #unread = new Set<string>();

  readonly #wayOut: () => WayOut;
  readonly #proxyAuth: ProxyAuth;

  constructor(cdp: Cdp, log: Log, served: ServedHere, wayOut: () => WayOut = () => ({})) {
    this.#cdp = cdp;
    this.#log = log;
    this.#proxyAuth = new ProxyAuth(() => browserProxyOf(wayOut())?.credentials, log);
    this.#wayOut = wayOut;
    this.#served = served;
    cdp.on("Fetch.requestPaused", undefined, (paused) => this.#answer(paused));
    cdp.onOversized((method, start) => {
      const requestId = method === "Fetch.requestPaused" ? /"requestId":"([^"]+)"/.exec(start)?.[1] : undefined;
      if (requestId !== undefined) this.#answerUnread(requestId);
    });
    cdp.on("Fetch.authRequired", undefined, (challenge) => {
      const { requestId, request, authChallenge } = challenge;
      if (authChallenge.source !== "Proxy") this.#page?.refused("dialog", `password for ${originForPeople(request.url)}`);
      this.#send(cdp.call("Fetch.continueWithAuth", { requestId, authChallengeResponse: this.#proxyAuth.answer(challenge) }));
    });
  }

  /** Enabled for the whole browser, not one page, to include workers and service workers. */
  async enable(page: GuardedPage): Promise<void> {
    this.#page = page;
    await this.#cdp.call("Fetch.enable", { patterns: PATTERNS, handleAuthRequests: true });
  }

  /** Only the id of an oversized request is known. The request may go out; a document it returns cannot be judged and is blocked. */
  #answerUnread(requestId: string): void {
    // Only documents are paused a second time.
    const isDocument = this.#unread.has(requestId);
    this.#unread.add(requestId);
    for (const oldest of this.#unread) {
      if (this.#unread.size <= UNREAD_MAX) break;
      this.#unread.delete(oldest);
    }
    this.#send(isDocument ? this.#cdp.call("Fetch.failRequest", { requestId, errorReason: "BlockedByClient" }) : this.#cdp.call("Fetch.continueRequest", { requestId }));
  }

  #answer(paused: Protocol.Fetch.RequestPausedEvent): void {
    const { requestId, request } = paused;
    const page = this.#page;
    if (page === undefined) return this.#send(this.#cdp.call("Fetch.failRequest", { requestId, errorReason: "Aborted" }));
    const main = paused.frameId === page.frameId && paused.resourceType === "Document";
    const refusal = main ? this.#judge(page, paused) : isPdf(paused) ? this.#noPdf(page, request.url) : undefined;
    if (refusal !== undefined) return this.#send(this.#cdp.call("Fetch.failRequest", { requestId, errorReason: refusal }));
    if (isOwnHost(request.url)) return this.#serve(page, paused);
    return this.#send(this.#cdp.call("Fetch.continueRequest", { requestId }));
  }

  /** The error with which to fail the main frame's document; `undefined` to let it through. `Aborted` keeps the picture. */
  #judge(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent): Protocol.Network.ErrorReason | undefined {
    const chain = this.#chainOf(page, paused);
    const pending = page.pending();
    const ours = pending !== undefined && chain.load === pending.load;
    if (paused.responseErrorReason !== undefined) return this.#broken(page, paused, chain, ours ? pending : undefined);
    const rules = ours ? pending.rules : page.rules();
    if (paused.responseStatusCode !== undefined) return this.#answered(page, paused, chain, rules, ours);
    const { url } = paused.request;
    if (chain.hops > HOPS_MAX) return this.#fail(page, url, loadIssue("ERR_TOO_MANY_REDIRECTS", url), ours);
    if (chain.hops > 0) return mayPass(rules, url) ? undefined : this.#fail(page, url, elsewhere(url), ours);
    if (ours || mayNavigate(rules, url)) return undefined;
    page.heldBack(url);
    return "Aborted";
  }

  /** The chain a request belongs to. Only a chain that started at the pending load's address belongs to that load. */
  #chainOf(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent): Chain {
    const job = jobOf(paused.requestId);
    const known = this.#chains.get(job);
    if (known !== undefined && !isRedirected(paused)) return known;
    if (known !== undefined) return this.#keep({ ...known, hops: known.hops + 1 });
    return this.#keep({ job, load: beginsAt(paused.request.url, page.pending()), hops: isRedirected(paused) ? 1 : 0, arrived: false });
  }

  #keep(chain: Chain): Chain {
    this.#chains.delete(chain.job);
    this.#chains.set(chain.job, chain);
    for (const job of this.#chains.keys()) {
      if (this.#chains.size <= CHAINS_MAX) break;
      this.#chains.delete(job);
    }
    return chain;
  }

  #broken(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent, chain: Chain, pending: PendingLoad | undefined): Protocol.Network.ErrorReason | undefined {
    const { url } = paused.request;
    const reason = paused.responseErrorReason ?? "Failed";
    if (chain.arrived) {
      // A document that was or is being replaced may stay incomplete.
      if (chain.job === this.#arrivedJob && reason !== "Aborted") page.cutOff(url, loadIssue("ERR_CONTENT_LENGTH_MISMATCH", url));
      return undefined;
    }
    // The browser tried https by itself and will fall back to the given http address: the load is not over yet.
    if (pending !== undefined && chain.hops === 0 && pending.url.startsWith("http:") && url.startsWith("https:")) return undefined;
    const certificate = page.certificateError(url);
    return this.#fail(page, url, certificate === undefined ? failedOnTheWay(reason, url, this.#wayOut()) : loadIssue(certificate, url), pending !== undefined);
  }

  /** Judges the response headers by their final address and status. */
  #answered(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent, chain: Chain, rules: NavigationRules, ours: boolean): Protocol.Network.ErrorReason | undefined {
    const { url } = paused.request;
    const status = paused.responseStatusCode ?? 0;
    const leadsOn = REDIRECTS.has(status) && paused.responseHeaders?.some(({ name }) => name.toLowerCase() === "location") === true;
    // The next hop is judged when it is requested.
    if (leadsOn) return undefined;
    if (!mayNavigate(rules, url)) return this.#fail(page, url, elsewhere(url), ours);
    if (status < 400 && isPdf(paused)) return this.#fail(page, url, { code: "content.pdf", message: `${hostOf(url)} answered with a PDF, which needs the browser's own viewer.`, hint: "Show it with a page that draws it, or convert it to pictures." }, ours);
    if (status < 400 && status !== 204 && status !== 205) {
      this.#arrivedJob = this.#keep({ ...chain, arrived: true }).job;
      if (ours) page.answered();
      return undefined;
    }
    const source = url.startsWith(`${PACKAGE_SCHEME}:`) ? "package" : "http";
    // Only a proxy sends this status.
    if (status === 407) return this.#fail(page, url, proxyRefusal(url), ours);
    return this.#fail(page, url, { code: `${source}.${status}`, message: `${hostOf(url)} answered ${status}.` }, ours);
  }

  #fail(page: GuardedPage, url: string, error: Issue, ours: boolean): Protocol.Network.ErrorReason {
    page.failed(url, error, ours);
    return "Aborted";
  }

  /** For a PDF in a frame, `embed` or `object`. */
  #noPdf(page: GuardedPage, url: string): Protocol.Network.ErrorReason {
    page.refused("request", `a PDF of ${originForPeople(url)}`);
    page.fileMissing(url, "it is a PDF, which needs the browser's own viewer");
    return "Aborted";
  }

  #serve(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent): void {
    const { url, method } = paused.request;
    const origin = new URL(url).origin;
    const target = page.targets().find((one) => one.kind !== "url" && originOf(one) === origin);
    if (target?.kind === "screen") {
      const { html, csp } = this.#served.screens(target.screen);
      const wanted = paused.resourceType === "Document";
      if (this.#isPending(page, paused)) page.answered();
      return this.#fulfil(paused, {
        status: wanted ? 200 : 404,
        headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": csp, "cache-control": "no-store", "x-content-type-options": "nosniff" },
        body: wanted ? Buffer.from(html) : new Uint8Array(),
      });
    }
    if (target?.kind !== "package") {
      // A page requested another package, or one of our own pages.
      page.refused("request", url.slice(0, 500));
      return this.#send(this.#cdp.call("Fetch.failRequest", { requestId: paused.requestId, errorReason: "BlockedByClient" }));
    }
    const main = paused.frameId === page.frameId && paused.resourceType === "Document";
    const headers = Object.entries(paused.request.headers);
    const header = (wanted: string): string | undefined => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
    answerFromPackage(this.#served.folders, target, { method, url, range: header("range"), serviceWorker: header("service-worker") === "script" }).then(
      (answer) => {
        if (main && answer.status >= 400) {
          const error: Issue = { code: `package.${answer.status}`, message: `The package has no ${new URL(url).pathname.slice(0, 200)}.` };
          page.failed(url, error, this.#isPending(page, paused));
          this.#send(this.#cdp.call("Fetch.failRequest", { requestId: paused.requestId, errorReason: "Aborted" }));
          return;
        }
        // The browser reports a missing style sheet as one of a wrong type, not as missing.
        if (answer.status === 404) page.fileMissing(url, "it is not in the package");
        if (main && this.#isPending(page, paused)) page.answered();
        this.#fulfil(paused, answer);
      },
      (thrown: unknown) => {
        // Disk error: the page sees a failed request, the log has the reason.
        this.#log.error({ url: url.slice(0, 200), error: messageOf(thrown) }, "a package's file could not be read");
        if (main) page.failed(url, { code: "package.unreadable", message: messageOf(thrown) }, this.#isPending(page, paused));
        this.#send(this.#cdp.call("Fetch.failRequest", { requestId: paused.requestId, errorReason: main ? "Aborted" : "Failed" }));
      },
    );
    return undefined;
  }

  #isPending(page: GuardedPage, { requestId }: Protocol.Fetch.RequestPausedEvent): boolean {
    const pending = page.pending();
    return pending !== undefined && this.#chains.get(jobOf(requestId))?.load === pending.load;
  }

  #fulfil(paused: Protocol.Fetch.RequestPausedEvent, answer: PackageAnswer): void {
    const { requestId } = paused;
    const responseHeaders = Object.entries(answer.headers).map(([name, value]) => ({ name, value }));
    const body = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength).toString("base64");
    this.#send(this.#cdp.call("Fetch.fulfillRequest", { requestId, responseCode: answer.status, responseHeaders, body }));
  }

  /** Ignores refusals: a request may be gone by the time it is answered, because its page moved on or its renderer died. */
  #send(call: Promise<unknown>): void {
    call.catch((thrown: unknown) => {
      if (!(thrown instanceof CdpError)) throw thrown;
      this.#log.debug({ error: thrown.message }, "a paused request was gone");
    });
  }
}

/** The origin under which a target is served. */
function originOf(target: Exclude<LoadTarget, { kind: "url" }>): string {
  return target.kind === "screen" ? HTTPS_ORIGINS.screen : HTTPS_ORIGINS.package(target.id);
}

/** The id without its hop: `interception-job-3.0` becomes `interception-job-3.1` after the first redirect. */
function jobOf(requestId: string): string {
  return requestId.split(".", 1)[0] ?? requestId;
}

function isPdf({ responseHeaders, resourceType }: Protocol.Fetch.RequestPausedEvent): boolean {
  return resourceType === "Document" && responseHeaders?.some(({ name, value }) => name.toLowerCase() === "content-type" && /^\s*application\/(x-)?pdf/i.test(value)) === true;
}

function isRedirected(paused: Protocol.Fetch.RequestPausedEvent): boolean {
  return paused.redirectedRequestId !== undefined && paused.responseStatusCode === undefined && paused.responseErrorReason === undefined;
}

/** The number of the pending load if `url` is its address; the browser may try https first for an http address. */
function beginsAt(url: string, pending: PendingLoad | undefined): number | undefined {
  if (pending === undefined) return undefined;
  return sameAddress(url, pending.url) || sameAddress(url.replace(/^https:/, "http:"), pending.url) ? pending.load : undefined;
}

function elsewhere(url: string): Issue {
  return {
    code: "content.elsewhere",
    message: `The content's address leads to ${originForPeople(url)}, which is not one of its origins. If that is intended, add it to the content's origins. Otherwise the network may require a sign-in.`,
  };
}
