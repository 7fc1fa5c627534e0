import type { Protocol } from "devtools-protocol";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { HTTPS_ORIGINS, isOwnHost, mayNavigate, mayRedirect, PACKAGE_SCHEME, type NavigationRules } from "../../stage/navigation-rules.ts";
import type { LoadTarget, RefusedThing, ScreenModel } from "../../stage/shell.ts";
import { answerFromPackage, type PackageAnswer } from "../common/package-files.ts";
import { CdpError, type Cdp } from "./cdp-client.ts";
import { netIssue } from "./net-issue.ts";

/** A page of ours, ready to be served. */
export interface ScreenDocument {
  readonly html: string;
  /** Its Content-Security-Policy. */
  readonly csp: string;
}

/** What the guard has to know of the page it guards, and whom it tells. */
export interface GuardedPage {
  readonly frameId: string;
  /** What is coming on and what is on: until the next document is there, the old one still needs its files. */
  targets(): readonly LoadTarget[];
  rules(): NavigationRules;
  /** A load we began is under way: its redirects are the content's own business. */
  loadingByHost(): boolean;
  redirected(url: string): void;
  /** The main document could not be had. What was on the screen is still on. */
  failed(url: string, error: Issue): void;
  refused(what: RefusedThing, detail: string): void;
}

const PATTERNS: Protocol.Fetch.RequestPattern[] = [
  { resourceType: "Document", requestStage: "Request" },
  { resourceType: "Document", requestStage: "Response" },
  { urlPattern: "https://*.vitrine.invalid/*", requestStage: "Request" },
];

/**
 * Sits between the browser and every document it asks for. Three jobs in one place, because they are one
 * decision: the main frame goes nowhere its content has no business; a document that cannot be had is
 * aborted instead of replacing the picture with an error page; and our own pages and the customer's packages
 * are served from here, under an origin of their own and with no port open.
 */
export class FetchGuard {
  readonly #cdp: Cdp;
  readonly #log: Log;
  readonly #screens: (screen: ScreenModel) => ScreenDocument;
  #page: GuardedPage | undefined;

  constructor(cdp: Cdp, log: Log, screens: (screen: ScreenModel) => ScreenDocument) {
    this.#cdp = cdp;
    this.#log = log;
    this.#screens = screens;
    cdp.on("Fetch.requestPaused", undefined, (paused) => this.#answer(paused));
    cdp.onOversized((method, start) => {
      // A form with megabytes in it: nobody could judge it, and it would wait for ever.
      const requestId = method === "Fetch.requestPaused" ? /"requestId":"([^"]+)"/.exec(start)?.[1] : undefined;
      if (requestId !== undefined) this.#send(cdp.call("Fetch.failRequest", { requestId, errorReason: "BlockedByClient" }));
    });
    cdp.on("Fetch.authRequired", undefined, ({ requestId }) => {
      // The browser would ask for a password, over the picture, of somebody who is not there.
      this.#send(cdp.call("Fetch.continueWithAuth", { requestId, authChallengeResponse: { response: "CancelAuth" } }));
    });
  }

  /** On the browser itself, not on a page: workers and service workers of every page are covered. */
  async enable(page: GuardedPage): Promise<void> {
    this.#page = page;
    await this.#cdp.call("Fetch.enable", { patterns: PATTERNS, handleAuthRequests: true });
  }

  #answer(paused: Protocol.Fetch.RequestPausedEvent): void {
    const { requestId, request } = paused;
    const page = this.#page;
    if (page === undefined) return this.#send(this.#cdp.call("Fetch.failRequest", { requestId, errorReason: "Aborted" }));
    const main = paused.frameId === page.frameId && paused.resourceType === "Document";
    const refusal = main ? this.#judge(page, paused) : undefined;
    if (refusal !== undefined) return this.#send(this.#cdp.call("Fetch.failRequest", { requestId, errorReason: refusal }));
    if (isOwnHost(request.url)) return this.#serve(page, paused);
    return this.#send(this.#cdp.call("Fetch.continueRequest", { requestId }));
  }

  /** Why the main frame's document is not to be had; `undefined` when it is. Aborting keeps the picture. */
  #judge(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent): Protocol.Network.ErrorReason | undefined {
    const { url } = paused.request;
    if (paused.responseErrorReason !== undefined) {
      page.failed(url, netIssue(paused.responseErrorReason, url));
      return "Aborted";
    }
    const status = paused.responseStatusCode;
    if (status !== undefined) {
      if (status < 400 && status !== 204 && status !== 205) return undefined;
      const source = url.startsWith(`${PACKAGE_SCHEME}:`) ? "package" : "http";
      page.failed(url, { code: `${source}.${status}`, message: `${hostOf(url)} answered ${status}.` });
      return "Aborted";
    }
    if (page.loadingByHost()) {
      if (paused.redirectedRequestId === undefined || mayRedirect(page.rules(), url)) {
        page.redirected(url);
        return undefined;
      }
      page.failed(url, { code: "content.bad-redirect", message: `The content leads to ${url.slice(0, 200)}, where it may not go.` });
    } else if (mayNavigate(page.rules(), url)) return undefined;
    page.refused("navigation", url.slice(0, 500));
    return "Aborted";
  }

  #serve(page: GuardedPage, paused: Protocol.Fetch.RequestPausedEvent): void {
    const { url, method } = paused.request;
    const origin = new URL(url).origin;
    const target = page.targets().find((one) => one.kind !== "url" && originOf(one) === origin);
    if (target?.kind === "screen") {
      const { html, csp } = this.#screens(target.screen);
      const wanted = paused.resourceType === "Document";
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
    const range = headers.find(([name]) => name.toLowerCase() === "range")?.[1];
    answerFromPackage(target, { method, url, range }).then(
      (answer) => {
        if (main && answer.status >= 400) {
          page.failed(url, { code: `package.${answer.status}`, message: `The package has no ${new URL(url).pathname.slice(0, 200)}.` });
          this.#send(this.#cdp.call("Fetch.failRequest", { requestId: paused.requestId, errorReason: "Aborted" }));
        } else this.#fulfil(paused, answer);
      },
      (thrown: unknown) => {
        // A disk that does not read: the page sees a failed request, the log says why.
        this.#log.error({ url: url.slice(0, 200), error: messageOf(thrown) }, "a package's file could not be read");
        if (main) page.failed(url, { code: "package.unreadable", message: messageOf(thrown) });
        this.#send(this.#cdp.call("Fetch.failRequest", { requestId: paused.requestId, errorReason: main ? "Aborted" : "Failed" }));
      },
    );
    return undefined;
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

function hostOf(url: string): string {
  return new URL(url).host;
}
