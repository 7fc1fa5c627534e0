import type { Protocol } from "devtools-protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { HTTPS_ORIGINS, rulesFor } from "../../stage/navigation-rules.ts";
import type { Cdp } from "./cdp-client.ts";
import { FetchGuard, type GuardedPage, type PendingLoad } from "./fetch-guard.ts";
import { MemoryPackageFolders } from "../../host/testing/memory-package-folders.ts";

const FRAME = "F1";
const ON = "http://menu.example/board";
const COMING = "http://news.example/today";
const PORTAL = "http://portal.example/sign-in";

type Paused = Protocol.Fetch.RequestPausedEvent;

let answers: string[];
let said: string[];
let pending: PendingLoad | undefined;
let certificate: string | undefined;
let answered: number;
let pause: (paused: Paused) => void;
let challenge: (challenge: Protocol.Fetch.AuthRequiredEvent) => void;
let tooLong: (method: string, start: string) => void;

beforeEach(async () => {
  [answers, said, answered, certificate] = [[], [], 0, undefined];
  pending = { load: 7, url: COMING, rules: rulesFor({ kind: "url", url: COMING, ignoreCache: false }, HTTPS_ORIGINS) };
  const cdp = {
    call: (method: string, params: { errorReason?: string; authChallengeResponse?: Protocol.Fetch.AuthChallengeResponse }) => {
      if (method !== "Fetch.enable") answers.push(params.errorReason ?? params.authChallengeResponse?.response ?? method.replace("Fetch.", ""));
      return Promise.resolve({});
    },
    on: (event: string, _session: unknown, listener: (params: unknown) => void) => {
      if (event === "Fetch.requestPaused") pause = listener;
      if (event === "Fetch.authRequired") challenge = listener;
      return () => undefined;
    },
    onOversized: (listener: typeof tooLong) => void (tooLong = listener),
  } as unknown as Cdp;
  const page: GuardedPage = {
    frameId: FRAME,
    targets: () => [],
    pending: () => pending,
    answered: () => void (answered += 1),
    rules: () => rulesFor({ kind: "url", url: ON, ignoreCache: false }, HTTPS_ORIGINS),
    failed: (_url, error, ours) => void said.push(`${ours ? "our load" : "the page"} failed: ${error.code}`),
    cutOff: (_url, error) => void said.push(`cut off: ${error.code}`),
    heldBack: (url) => void said.push(`held back: ${url}`),
    fileMissing: () => undefined,
    refused: (what, detail) => void said.push(`refused: ${what} ${detail}`),
    certificateError: () => certificate,
  };
  await new FetchGuard(cdp, silentLog, { screens: () => ({ html: "", csp: "" }), folders: new MemoryPackageFolders() }).enable(page);
});

/** A request for a main document: sent, answered with a status, or broken with a reason. `hop` above 0: by redirect. */
function request(job: number, hop: number, url: string, end: { status?: number; location?: string; broken?: Protocol.Network.ErrorReason } = {}): string {
  pause({
    requestId: `interception-job-${job}.${hop}`,
    request: { url, method: "GET", headers: {}, initialPriority: "VeryHigh", referrerPolicy: "no-referrer" },
    frameId: FRAME,
    resourceType: "Document",
    ...(hop === 0 ? {} : { redirectedRequestId: `interception-job-${job}.${hop - 1}` }),
    ...(end.status === undefined ? {} : { responseStatusCode: end.status, responseHeaders: end.location === undefined ? [] : [{ name: "Location", value: end.location }] }),
    ...(end.broken === undefined ? {} : { responseErrorReason: end.broken }),
  });
  return answers.at(-1) ?? "";
}

/** Response headers of a redirect, and the request that follows. */
function redirect(job: number, hop: number, from: string, url: string): string {
  request(job, hop, from, { status: 302, location: url });
  return request(job, hop + 1, url);
}

describe("a load of the host", () => {
  test("follows a redirect and is refused if it ends elsewhere", () => {
    request(1, 0, COMING);
    expect(redirect(1, 0, COMING, PORTAL)).toBe("continueRequest");
    expect(request(1, 1, PORTAL, { status: 200 })).toBe("Aborted");
    expect(said).toEqual(["our load failed: content.elsewhere"]);
  });

  test("keeps its chain while the page requests documents of its own, which follow the page's rules", () => {
    request(1, 0, COMING);
    expect(request(2, 0, PORTAL)).toBe("Aborted");
    expect(request(3, 0, ON)).toBe("continueRequest");
    expect(redirect(1, 0, COMING, PORTAL)).toBe("continueRequest");
    expect(redirect(1, 1, PORTAL, `${COMING}?back`)).toBe("continueRequest");
    expect(answered).toBe(0);
    expect(request(1, 2, `${COMING}?back`, { status: 200 })).toBe("continueRequest");
    expect(answered).toBe(1);
    expect(said).toEqual([`held back: ${PORTAL}`]);
  });

  test("that ends elsewhere with an error status reports where it ended, not the status", () => {
    request(1, 0, COMING);
    redirect(1, 0, COMING, PORTAL);
    request(1, 1, PORTAL, { status: 404 });
    expect(said).toEqual(["our load failed: content.elsewhere"]);
  });

  test("that redirects in a circle ends before the browser's own limit", () => {
    request(1, 0, COMING);
    let hop = 0;
    while (hop < 20 && redirect(1, hop, COMING, COMING) === "continueRequest") hop += 1;
    expect(hop).toBe(18);
    expect(said).toEqual(["our load failed: http.redirect-loop"]);
  });

  test("that the browser first tries by https is not over when nobody answers there", () => {
    const secure = COMING.replace("http:", "https:");
    expect(request(1, 0, secure)).toBe("continueRequest");
    expect(request(1, 0, secure, { broken: "ConnectionRefused" })).toBe("continueRequest");
    expect(request(2, 0, COMING)).toBe("continueRequest");
    expect(request(2, 0, COMING, { status: 200 })).toBe("continueRequest");
    expect(said).toEqual([]);
  });

  test("that its server redirects to https is over when nobody answers there", () => {
    const secure = COMING.replace("http:", "https:");
    request(1, 0, COMING);
    redirect(1, 0, COMING, secure);
    expect(request(1, 1, secure, { broken: "ConnectionRefused" })).toBe("Aborted");
    expect(said).toEqual(["our load failed: net.connection-refused"]);
  });

  test("reports what is wrong with the certificate, if the browser said so", () => {
    certificate = "net::ERR_CERT_DATE_INVALID";
    request(1, 0, COMING);
    request(1, 0, COMING, { broken: "Failed" });
    expect(said).toEqual(["our load failed: tls.wrong-date"]);
  });

  test.each([404, 500, 204, 205])("answered with status %s has failed", (status) => {
    request(1, 0, COMING);
    expect(request(1, 0, COMING, { status })).toBe("Aborted");
    expect(said).toEqual([`our load failed: http.${status}`]);
  });
});

describe("the page's own navigation", () => {
  test("that is redirected elsewhere has failed, as when a captive portal answers its reload", () => {
    pending = undefined;
    request(1, 0, ON);
    redirect(1, 0, ON, PORTAL);
    expect(request(1, 1, PORTAL, { status: 200 })).toBe("Aborted");
    expect(said).toEqual(["the page failed: content.elsewhere"]);
  });

  test("to our own pages is stopped, by redirect too", () => {
    pending = undefined;
    expect(request(1, 0, "https://screen.vitrine.invalid/fault")).toBe("Aborted");
    request(2, 0, ON);
    expect(redirect(2, 0, ON, "https://ab12.package.vitrine.invalid/")).toBe("Aborted");
    expect(said).toEqual(["held back: https://screen.vitrine.invalid/fault", "the page failed: content.elsewhere"]);
  });
});

describe("a document that breaks off", () => {
  test("is reported as cut off", () => {
    request(1, 0, COMING);
    request(1, 0, COMING, { status: 200 });
    pending = undefined;
    expect(request(1, 0, COMING, { broken: "Failed" })).toBe("continueRequest");
    expect(said).toEqual(["cut off: net.cut-off"]);
  });

  test("is not reported if it is already being left", () => {
    request(1, 0, COMING);
    request(1, 0, COMING, { status: 200 });
    pending = undefined;
    request(1, 0, COMING, { broken: "Aborted" });
    request(2, 0, ON);
    request(2, 0, ON, { status: 200 });
    request(1, 0, COMING, { broken: "Failed" });
    expect(said).toEqual([]);
  });
});

describe("a password challenge", () => {
  const ask = (source: "Server" | "Proxy"): void =>
    challenge({
      requestId: "interception-job-9.0",
      request: { url: "https://user:secret@files.example/menu.png?token=1", method: "GET", headers: {}, initialPriority: "Low", referrerPolicy: "no-referrer" },
      frameId: FRAME,
      resourceType: "Image",
      authChallenge: { source, origin: "https://files.example", scheme: "basic", realm: "x" },
    });

  test("of a server is refused and reported with the origin only", () => {
    ask("Server");
    expect([answers, said]).toEqual([["CancelAuth"], ["refused: dialog password for https://files.example"]]);
  });

  test("of a proxy is not reported as a refusal of the page", () => {
    ask("Proxy");
    expect([answers, said]).toEqual([["CancelAuth"], []]);
  });
});

describe("a request too long to read", () => {
  const start = '{"method":"Fetch.requestPaused","params":{"requestId":"interception-job-4.0","request":{"url":"https://menu.example/upload"';

  test("may go out, but a document it returns is blocked", () => {
    tooLong("Fetch.requestPaused", start);
    expect(answers).toEqual(["continueRequest"]);
    tooLong("Fetch.requestPaused", start);
    expect(answers).toEqual(["continueRequest", "BlockedByClient"]);
  });
});
