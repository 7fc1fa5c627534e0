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

/** A page of ours, ready to be served. */
export interface ScreenDocument {
  readonly html: string;
  /** Its Content-Security-Policy. */
  readonly csp: string;
}

/** What is served from here, with no port open: our own pages, and packages. */
export interface ServedHere {
  readonly screens: (screen: ScreenModel) => ScreenDocument;
  readonly folders: PackageFolders;
}

/** A load of ours whose document has not come yet. */
export interface PendingLoad {
  readonly load: number;
  readonly url: string;
  readonly rules: NavigationRules;
}

/** What the guard has to know of the page it guards, and whom it tells. */
export interface GuardedPage {
  readonly frameId: string;
  /** What is coming on and what is on: until the next document is there, the old one still needs its files. */
  targets(): readonly LoadTarget[];
  pending(): PendingLoad | undefined;
  /** The document of the pending load is there, and on its way to a renderer. */
  answered(): void;
  /** Where the document that is on may go by itself. */
  rules(): NavigationRules;
  /** The main document could not be had. What was on the screen is still on. `ours`: it is the one of the pending load. */
  failed(url: string, error: Issue, ours: boolean): void;
  /** The main document came, and its end did not. */
  cutOff(url: string, error: Issue): void;
  /** The page on the screen wanted to go to `url`, and may not. */
  heldBack(url: string): void;
  /** A file that the document asked for is not there. */
  fileMissing(url: string, why: string): void;
  refused(what: RefusedThing, detail: string): void;
  /** The browser's name for what is wrong with the certificate of this address, where it said so. */
  certificateError(url: string): string | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Every request stops once, because only for one that stops the browser asks us, and not on the screen, for a password. */
const PATTERNS: Protocol.Fetch.RequestPattern[] = [
  { urlPattern: "http*", requestStage: "Request" },
  { resourceType: "Document", requestStage: "Request" },
  { resourceType: "Document", requestStage: "Response" },
];

/** A chain of requests for one main document: the first, and its redirects. The browser ends such a chain at 20. */
interface Chain {
  /** The browser's name for it, the same at every hop. */
  readonly job: string;
  /** The load of ours it belongs to; absent: the page itself began it. */
  readonly load: number | undefined;
  readonly hops: number;
  /** Its document has come. */
  readonly arrived: boolean;
}
const HOPS_MAX = 18;
/** A page and the host begin few at a time. */
const CHAINS_MAX = 16;
/** Requests too long to be read whose documents may still come. */
const UNREAD_MAX = 64;

/**
 * Sits between the browser and everything it asks a server for. Three jobs in one place, because they are one
 * decision: the main frame goes nowhere its content has no business, and what it is led to is compared with where it
 * should be; a document that cannot be had is aborted instead of replacing the picture with an error page; and our own
 * pages and the customer's packages are served from here, under an origin of their own and with no port open. Besides,
 * nobody is asked for a password on the screen.
 */
export class FetchGuard {
  readonly #cdp: Cdp;
  readonly #log: Log;
  readonly #served: ServedHere;
  #page: GuardedPage | undefined;
  /** By job, the newest last. */
  readonly #chains = new Map<string, Chain>();
  /** The chain that brought the newest document. The browser's error for it means that this document did not come whole. */
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

  /** On the browser itself, not on a page: workers and service workers of every page are covered. */
  async enable(page: GuardedPage): Promise<void> {
    this.#page = page;
    await this.#cdp.call("Fetch.enable", { patterns: PATTERNS, handleAuthRequests: true });
  }

  /** Of a request that carries megabytes only its name is known. It may go out; a document that comes of it cannot be judged. */
  #answerUnread(requestId: string): void {
    // Only documents stop a second time.
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

  /** Why the main frame's document is not to be had; `undefined` when it is. Aborting keeps the picture. */
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

  /** Whose request it is. While a load of ours is pending, only the chain that began at its address is its. */
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
      // A document that was left already, or is being left, needs no end.
      if (chain.job === this.#arrivedJob && reason !== "Aborted") page.cutOff(url, loadIssue("ERR_CONTENT_LENGTH_MISMATCH", url));
      return undefined;
    }
    // The browser tried https by itself and goes back to what it was told: this is not yet the load's end.
    if (pending !== undefined && chain.hops === 0 && pending.url.startsWith("http:") && url.startsWith("https:")) return undefined;
    const certificate = page.certificateError(url);
    return this.#fail(page, url, certificate === undefined ? failedOnTheWay(reason, url, this.#wayOut()) : loadIssue(certificate, url), pending !== undefined);
  }

  /** The headers are there. Where they are from is compared with where the document should be from. */
  #answered(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent, chain: Chain, rules: NavigationRules, ours: boolean): Protocol.Network.ErrorReason | undefined {
    const { url } = paused.request;
    const status = paused.responseStatusCode ?? 0;
    const leadsOn = REDIRECTS.has(status) && paused.responseHeaders?.some(({ name }) => name.toLowerCase() === "location") === true;
    // The next hop is judged when it is asked for.
    if (leadsOn) return undefined;
    if (!mayNavigate(rules, url)) return this.#fail(page, url, elsewhere(url), ours);
    if (status < 400 && isPdf(paused)) return this.#fail(page, url, { code: "content.pdf", message: `${hostOf(url)} answered with a PDF, which needs the browser's own viewer.`, hint: "Show it by a page that draws it, or make pictures of it." }, ours);
    if (status < 400 && status !== 204 && status !== 205) {
      this.#arrivedJob = this.#keep({ ...chain, arrived: true }).job;
      if (ours) page.answered();
      return undefined;
    }
    const source = url.startsWith(`${PACKAGE_SCHEME}:`) ? "package" : "http";
    // The one status that is never the origin's.
    if (status === 407) return this.#fail(page, url, proxyRefusal(url), ours);
    return this.#fail(page, url, { code: `${source}.${status}`, message: `${hostOf(url)} answered ${status}.` }, ours);
  }

  #fail(page: GuardedPage, url: string, error: Issue, ours: boolean): Protocol.Network.ErrorReason {
    page.failed(url, error, ours);
    return "Aborted";
  }

  /** In a frame, `embed` or `object`. */
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
      // Somebody else's package, or our own pages, asked for by a page that has no business there.
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
        // The browser tells a style sheet that is not there as one of a wrong type, and not as missing.
        if (answer.status === 404) page.fileMissing(url, "it is not in the package");
        if (main && this.#isPending(page, paused)) page.answered();
        this.#fulfil(paused, answer);
      },
      (thrown: unknown) => {
        // A disk that does not read: the page sees a failed request, the log says why.
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

  /** A request may be gone by the time it is answered: its page moved on, or its renderer died. */
  #send(call: Promise<unknown>): void {
    call.catch((thrown: unknown) => {
      if (!(thrown instanceof CdpError)) throw thrown;
      this.#log.debug({ error: thrown.message }, "a paused request was gone");
    });
  }
}

/** The origin under which a target of ours is served. */
function originOf(target: Exclude<LoadTarget, { kind: "url" }>): string {
  return target.kind === "screen" ? HTTPS_ORIGINS.screen : HTTPS_ORIGINS.package(target.id);
}

/** `interception-job-3.0`, and `interception-job-3.1` after its first redirect. */
function jobOf(requestId: string): string {
  return requestId.split(".", 1)[0] ?? requestId;
}

function isPdf({ responseHeaders, resourceType }: Protocol.Fetch.RequestPausedEvent): boolean {
  return resourceType === "Document" && responseHeaders?.some(({ name, value }) => name.toLowerCase() === "content-type" && /^\s*application\/(x-)?pdf/i.test(value)) === true;
}

function isRedirected(paused: Protocol.Fetch.RequestPausedEvent): boolean {
  return paused.redirectedRequestId !== undefined && paused.responseStatusCode === undefined && paused.responseErrorReason === undefined;
}

/** The browser may ask by https first for what it was told to load by http. */
function beginsAt(url: string, pending: PendingLoad | undefined): number | undefined {
  if (pending === undefined) return undefined;
  return sameAddress(url, pending.url) || sameAddress(url.replace(/^https:/, "http:"), pending.url) ? pending.load : undefined;
}

function elsewhere(url: string): Issue {
  return {
    code: "content.elsewhere",
    message: `The content's address leads to ${originForPeople(url)}, which is not the content. If that is right, name it in the content's origins; it may also be a network that wants somebody to sign in.`,
  };
}
