import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { HTTPS_ORIGINS } from "../../stage/navigation-rules.ts";
import type { LoadTarget, ShellEvent } from "../../stage/shell.ts";
import { CdpError, type Cdp } from "./cdp-client.ts";
import { ChromiumPage } from "./chromium-page.ts";
import { COMMIT_TIMEOUT_MS, TAKE_TIMEOUT_MS } from "./page-loading.ts";
import type { Issue } from "../../../platform/ports/result.ts";

const FRAME = "F1";
const GOOD: Extract<LoadTarget, { kind: "package" }> = { kind: "package", id: "aa11", folder: "/p", entry: "index.html", allowedOrigins: [], ignoreCache: false };
const GOOD_URL = "https://vitrine-aa11.invalid/index.html";
const MISSING: LoadTarget = { kind: "url", url: "http://127.0.0.1:1/nothere", ignoreCache: false };
const NOT_FOUND: Issue = { code: "http.404", message: "127.0.0.1:1 answered 404." };

function setUp(beforeLoad?: (target: LoadTarget) => Promise<void>) {
  const calls: string[] = [];
  const answers: Record<string, unknown> = {};
  const listeners = new Map<string, (params: unknown) => void>();
  const oversized: ((method: string, start: string) => void)[] = [];
  const cdp = {
    call: (method: string) => {
      calls.push(method);
      const answer = answers[method];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? {});
    },
    on: (event: string, _session: unknown, listener: (params: unknown) => void) => {
      listeners.set(event, listener);
      return () => listeners.delete(event);
    },
    onOversized: (listener: (method: string, start: string) => void) => {
      oversized.push(listener);
    },
  } as unknown as Cdp;
  const events: ShellEvent[] = [];
  const stuck: number[] = [];
  const time = new VirtualTime();
  const page = new ChromiumPage({ cdp, sessionId: undefined, own: HTTPS_ORIGINS, frameId: FRAME, timers: time, log: silentLog, emit: (event) => events.push(event), onStuck: () => stuck.push(time.monotonicMs()), ...(beforeLoad && { beforeLoad }) });
  /** The browser commits a new document in the main frame and finishes loading it. */
  const commit = (url: string, loaderId: string, unreachableUrl?: string): void => {
    const frame = { id: FRAME, loaderId, url, ...(unreachableUrl === undefined ? {} : { unreachableUrl }) };
    listeners.get("Page.frameNavigated")?.({ frame });
    listeners.get("Page.lifecycleEvent")?.({ frameId: FRAME, loaderId, name: "load" });
  };
  const say = (event: string, params: unknown): void => listeners.get(event)?.(params);
  const outcomes = (): unknown[] => events.flatMap((event) => (event.kind === "load-finished" || event.kind === "load-failed" ? [[event.kind, event.load]] : []));
  const oversize = (method: string): void => {
    for (const listener of oversized) listener(method, `{"method":"${method}","params":{`);
  };
  return { page, calls, answers, commit, say, outcomes, events, oversize, stuck, time };
}

async function withGoodOn() {
  const seat = setUp();
  await seat.page.prepare();
  await seat.page.load(1, GOOD);
  seat.commit(GOOD_URL, "L1");
  seat.calls.length = 0;
  return seat;
}

test("a reload that the browser refuses, as while it changes renderers, becomes a navigation", async () => {
  const { page, calls, answers, commit, outcomes } = await withGoodOn();
  answers["Page.reload"] = new CdpError("refused", "Page.reload: Not attached to an active page");
  await page.load(2, GOOD);
  expect(calls.slice(-2)).toEqual(["Page.reload", "Page.navigate"]);
  commit(GOOD_URL, "L2");
  expect(outcomes().at(-1)).toEqual(["load-finished", 2]);
});

describe("a load that fails before its document arrives", () => {
  test("is retried as a navigation, never as a reload of the page that stayed on screen", async () => {
    const { page, calls, outcomes } = await withGoodOn();
    for (const load of [2, 3, 4]) {
      await page.load(load, MISSING);
      page.failed(MISSING.kind === "url" ? MISSING.url : "", NOT_FOUND, true);
    }
    expect(calls).toEqual(["Page.navigate", "Page.navigate", "Page.navigate"]);
    expect(outcomes()).toEqual([["load-finished", 1], ["load-failed", 2], ["load-failed", 3], ["load-failed", 4]]);
  });

  test("leaves the old page its files, origins and reload", async () => {
    const { page, calls } = await withGoodOn();
    await page.load(2, MISSING);
    expect(page.targets()).toEqual([MISSING, GOOD]);
    page.failed("http://127.0.0.1:1/nothere", NOT_FOUND, true);
    expect(page.targets()).toEqual([GOOD]);
    expect(page.rules().origins).toEqual(["https://vitrine-aa11.invalid"]);
    await page.load(3, GOOD);
    expect(calls.at(-1)).toBe("Page.reload");
  });
});

test("a load that waits for a permission is dropped when a newer load has replaced it", async () => {
  let granted: () => void = () => undefined;
  const { page, calls, commit, outcomes } = setUp((target) => (target.kind === "url" ? new Promise((resolve) => (granted = resolve)) : Promise.resolve()));
  await page.prepare();
  calls.length = 0;
  const first = page.load(1, MISSING);
  await page.load(2, GOOD);
  granted();
  await first;
  expect(calls).toEqual(["Page.navigate"]);
  commit(GOOD_URL, "L1");
  expect(outcomes()).toEqual([["load-finished", 2]]);
});

test("the browser's own error page is a failed load that has lost the old picture", async () => {
  const { page, commit, events } = await withGoodOn();
  await page.load(2, MISSING);
  commit("chrome-error://chromewebdata/", "L2", "http://127.0.0.1:1/nothere");
  expect(events.at(-1)).toMatchObject({ kind: "load-failed", load: 2, pictureKept: false, error: { code: "load.failed" } });
});

test("a new document replaces the old one and its files", async () => {
  const { page, commit, outcomes } = await withGoodOn();
  await page.load(2, MISSING);
  commit("http://127.0.0.1:1/nothere", "L2");
  expect(page.targets()).toEqual([MISSING]);
  expect(outcomes().at(-1)).toEqual(["load-finished", 2]);
});

test("a dialog whose text is too long to be read is still answered", async () => {
  const { calls, events, oversize } = await withGoodOn();
  oversize("Page.javascriptDialogOpening");
  expect(calls).toEqual(["Page.handleJavaScriptDialog"]);
  expect(events.at(-1)).toMatchObject({ kind: "refused", what: "dialog" });
});

describe("a load whose document has arrived", () => {
  test("is stuck when its renderer does not commit it, long before a server would be too slow", async () => {
    const { page, events, stuck, time } = await withGoodOn();
    await page.load(2, MISSING);
    page.answered();
    await time.advance(TAKE_TIMEOUT_MS - 1);
    expect(stuck).toEqual([]);
    await time.advance(1);
    expect(stuck).toHaveLength(1);
    expect(events.some((event) => event.kind === "load-failed")).toBe(false);
    await time.advance(COMMIT_TIMEOUT_MS);
    expect(events.at(-1)).toMatchObject({ kind: "load-failed", load: 2, error: { code: "net.timed-out" } });
    expect(stuck).toHaveLength(1);
  });

  test("is not stuck once it is committed, nor while its server is still slow", async () => {
    const { page, commit, stuck, time } = await withGoodOn();
    await page.load(2, GOOD);
    await time.advance(COMMIT_TIMEOUT_MS - 1);
    page.answered();
    commit(GOOD_URL, "L2");
    await time.advance(60_000);
    expect(stuck).toEqual([]);
  });
});

describe("a navigation of the page before that arrives after the content that replaced it", () => {
  const OLD = GOOD_URL.replace("index.html", "next.html");
  /** Content 2 has committed, and then comes what the page before it had begun to load. */
  async function late(whole: boolean) {
    const seat = await withGoodOn();
    await seat.page.load(2, { ...GOOD, id: "bb22" });
    seat.say("Page.frameStartedNavigating", { frameId: FRAME, url: OLD, loaderId: "L2", navigationType: "differentDocument" });
    seat.say("Page.frameNavigated", { frame: { id: FRAME, loaderId: "L3", url: GOOD_URL.replace("aa11", "bb22") } });
    if (whole) seat.say("Page.lifecycleEvent", { frameId: FRAME, loaderId: "L3", name: "load" });
    seat.calls.length = 0;
    seat.commit(OLD, "L2");
    return seat;
  }

  test("is not on screen in its name: the content is loaded again, and the load ends when it is there", async () => {
    const { page, calls, commit, outcomes, events, say } = await late(false);
    expect(calls).toEqual(["Page.navigate"]);
    expect(page.pending()).toMatchObject({ load: 2 });
    expect(outcomes()).toEqual([["load-finished", 1]]);
    say("Runtime.bindingCalled", { name: "x", payload: "the old page" });
    commit(GOOD_URL.replace("aa11", "bb22"), "L4");
    expect(outcomes()).toEqual([["load-finished", 1], ["load-finished", 2]]);
    expect(events.filter(({ kind }) => kind === "page-call")).toEqual([]);
  });

  test("also after the load has ended", async () => {
    const { calls, commit, outcomes } = await late(true);
    expect(calls).toEqual(["Page.navigate"]);
    commit(GOOD_URL.replace("aa11", "bb22"), "L4");
    expect(outcomes()).toEqual([["load-finished", 1], ["load-finished", 2], ["load-finished", undefined]]);
  });

  test("while the content's own navigation is the page's business", async () => {
    const { calls, say, commit, outcomes } = await withGoodOn();
    say("Page.frameStartedNavigating", { frameId: FRAME, url: OLD, loaderId: "L2", navigationType: "differentDocument" });
    commit(OLD, "L2");
    expect(calls).toEqual([]);
    expect(outcomes()).toEqual([["load-finished", 1], ["load-finished", undefined]]);
  });
});

describe("while a load is pending", () => {
  test("the page's own document is not taken for the load's, which still counts when it arrives", async () => {
    const { page, commit, outcomes, events } = await withGoodOn();
    await page.load(2, MISSING);
    commit(GOOD_URL.replace("index.html", "other.html"), "L2");
    expect(page.pending()).toMatchObject({ load: 2 });
    expect(page.targets()).toEqual([MISSING, GOOD]);
    commit("http://127.0.0.1:1/nothere", "L3");
    expect(outcomes().at(-1)).toEqual(["load-finished", 2]);
    expect(events.filter(({ kind }) => kind === "load-committed")).toMatchObject([{ load: 1 }, { load: 2 }]);
  });

  test("the id that the browser announced decides, whatever the document's address", async () => {
    const { page, commit, outcomes, say } = await withGoodOn();
    await page.load(2, MISSING);
    say("Page.frameStartedNavigating", { frameId: FRAME, url: "http://127.0.0.1:1/nothere", loaderId: "L9", navigationType: "differentDocument" });
    say("Page.frameStartedNavigating", { frameId: FRAME, url: "http://127.0.0.1:1/nothere#part", loaderId: "L10", navigationType: "sameDocument" });
    commit("http://127.0.0.1:1/nothere", "L8");
    expect(page.pending()).toMatchObject({ load: 2 });
    commit("http://127.0.0.1:1/elsewhere-in-it", "L9");
    expect(outcomes().at(-1)).toEqual(["load-finished", 2]);
  });

  test("a document of another origin that bypassed the guard has failed and has no page API", async () => {
    const { page, commit, events, say } = await withGoodOn();
    await page.load(2, MISSING);
    say("Page.frameStartedNavigating", { frameId: FRAME, url: "http://127.0.0.1:1/nothere", loaderId: "L9", navigationType: "differentDocument" });
    const from = events.length;
    commit("http://portal.example/", "L9");
    expect(events.slice(from)).toMatchObject([{ kind: "load-failed", load: 2, error: { code: "load.failed" }, pictureKept: false }]);
  });
});

describe("a page that navigates elsewhere by itself", () => {
  async function heldBack(touched: unknown): Promise<ShellEvent[]> {
    const seat = await withGoodOn();
    seat.answers["Page.createIsolatedWorld"] = { executionContextId: 3 };
    seat.answers["Runtime.evaluate"] = { result: { value: touched } };
    const from = seat.events.length;
    seat.page.heldBack("https://user:secret@login.example/start?token=secret");
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    return seat.events.slice(from);
  }

  test("is reported with the origin only", async () => {
    expect(await heldBack(false)).toMatchObject([{ kind: "refused", what: "navigation" }, { kind: "leads-elsewhere", url: "https://login.example" }]);
  });

  test("is refused but not reported as a fault if a person touched it", async () => {
    expect(await heldBack(true)).toMatchObject([{ kind: "refused", what: "navigation" }]);
  });
});

test("a certificate error is refused, and remembered only for its address", async () => {
  const { page, calls, say } = await withGoodOn();
  say("Security.certificateError", { eventId: 1, errorType: "net::ERR_CERT_DATE_INVALID", requestURL: "https://menu.example/" });
  expect(calls).toEqual(["Security.handleCertificateError"]);
  expect(page.certificateError("https://menu.example/")).toBe("net::ERR_CERT_DATE_INVALID");
  expect(page.certificateError("https://other.example/")).toBeUndefined();
});
