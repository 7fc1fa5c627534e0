import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { PACKAGE_SCHEME, rulesFor, SCHEME_ORIGINS, type NavigationRules } from "../../stage/navigation-rules.ts";
import type { LoadTarget } from "../../stage/shell.ts";
import { CdpError } from "../cdp/cdp-client.ts";
import { ElectronCdp, type PageDebugger } from "./electron-cdp.ts";
import { lockApp, lockContents, lockSession, type LockableApp, type LockableContents, type LockableSession, type NavigationDetails } from "./lock-down.ts";
import { answerOwn, OWN_SCHEMES } from "./own-schemes.ts";
import { checkSent, TEXT_LENGTH_MAX, type SenderFrame } from "./page-channel.ts";
import { diskPackageFolders } from "../../node/disk-package-folders.ts";

const CONTENT: LoadTarget = { kind: "url", url: "https://menu.example/board", ignoreCache: false };
const RULES: NavigationRules = rulesFor(CONTENT, SCHEME_ORIGINS);

describe("the session's lock", () => {
  function locked() {
    const handlers: Record<string, (...args: never[]) => unknown> = {};
    const refused: string[] = [];
    const keep = (name: string) => (handler: ((...args: never[]) => unknown) | null): void => {
      if (handler !== null) handlers[name] = handler;
    };
    const session = Object.assign(new EventEmitter(), {
      setPermissionRequestHandler: keep("request"),
      setPermissionCheckHandler: keep("check"),
      setDevicePermissionHandler: keep("device"),
      setDisplayMediaRequestHandler: keep("display"),
      setUSBProtectedClassesHandler: keep("usb"),
    });
    const local = (url: string): boolean => url.startsWith("https://menu.example");
    lockSession(session as unknown as LockableSession, local, (what, detail) => refused.push(`${what} ${detail}`));
    const call = (name: string, ...args: unknown[]): unknown => (handlers[name] as (...args: unknown[]) => unknown)(...args);
    return { session, call, refused };
  }

  test("denies requests, checks, devices, capture and downloads, and reports them", () => {
    const { session, call, refused } = locked();
    const answers: unknown[] = [];
    call("request", {}, "geolocation", (granted: boolean) => answers.push(granted), { requestingUrl: "https://menu.example/" });
    call("display", {}, (streams: unknown) => answers.push(streams));
    answers.push(call("check", {}, "media", "https://menu.example"), call("device", {}));
    let prevented = false;
    session.emit("will-download", { preventDefault: () => (prevented = true) }, { getURL: () => "https://menu.example/x.zip" });
    expect(answers).toEqual([false, null, false, false]);
    expect(prevented).toBe(true);
    expect(refused).toEqual(["permission geolocation", "permission display-capture", "download https://menu.example/x.zip"]);
  });

  test.each(["local-network", "loopback-network", "local-network-access"])("%s is granted only to content that may use the local network", (permission) => {
    const { call, refused } = locked();
    const answers: unknown[] = [];
    for (const requestingUrl of ["https://menu.example/board", "https://other.example/"]) {
      call("request", {}, permission, (granted: boolean) => answers.push(granted), { requestingUrl });
      answers.push(call("check", {}, permission, new URL(requestingUrl).origin));
    }
    expect(answers).toEqual([true, true, false, false]);
    expect(refused).toEqual([`permission ${permission}`]);
  });

  test("protects every class of USB devices, whatever Electron's default list is", () => {
    const { call } = locked();
    const protectedClasses = call("usb", { protectedClasses: ["audio"] });
    expect(new Set(protectedClasses as string[])).toEqual(new Set(["audio", "audio-video", "hid", "mass-storage", "smart-card", "video", "wireless"]));
  });

  test.each(["select-hid-device", "select-usb-device", "select-serial-port"])("%s chooses no device", (event) => {
    const { session, refused } = locked();
    const chosen: string[] = [];
    const choose = (id: string): void => void chosen.push(id);
    session.emit(event, { preventDefault: () => undefined }, [], ...(event === "select-serial-port" ? [{}, choose] : [choose]));
    expect(chosen).toEqual([""]);
    expect(refused).toHaveLength(1);
  });
});

describe("the app's lock", () => {
  function locked() {
    const app = new EventEmitter();
    const refused: string[] = [];
    lockApp(app as unknown as LockableApp, (what, detail) => refused.push(`${what} ${detail}`));
    return { app, refused };
  }

  test("sends no client certificate, to a page or to a service worker", () => {
    const { app, refused } = locked();
    for (const contents of [{}, null]) {
      const sent: unknown[][] = [];
      let prevented = false;
      app.emit("select-client-certificate", { preventDefault: () => (prevented = true) }, contents, "https://portal.example/", [{ issuerName: "Store CA" }], (...certificate: unknown[]) => sent.push(certificate));
      expect({ prevented, sent }).toEqual({ prevented: true, sent: [[]] });
    }
    expect(refused).toHaveLength(2);
  });

  test("gives no password to a server", () => {
    const { app, refused } = locked();
    const given: unknown[][] = [];
    app.emit("login", { preventDefault: () => undefined }, null, { url: "https://menu.example/" }, { isProxy: false }, (...answer: unknown[]) => given.push(answer));
    expect(given).toEqual([[]]);
    expect(refused).toEqual(["dialog password for https://menu.example"]);
  });
});

describe("the page's lock", () => {
  function locked() {
    const listeners = new Map<string, (...args: never[]) => unknown>();
    const refused: string[] = [];
    let opens: ((details: { url: string }) => unknown) | undefined;
    const contents = {
      on: (event: string, listener: (...args: never[]) => unknown) => listeners.set(event, listener),
      setWindowOpenHandler: (handler: (details: { url: string }) => unknown) => {
        opens = handler;
      },
    } as unknown as LockableContents;
    const held: string[] = [];
    lockContents(contents, () => RULES, (url) => held.push(url), (what, detail) => refused.push(`${what} ${detail}`));
    return {
      refused,
      held,
      open: (url: string) => opens?.({ url }),
      /** Whether the navigation is allowed. */
      goes: (event: string, url: string, isMainFrame = true): boolean => {
        let prevented = false;
        const details: NavigationDetails = { url, isMainFrame, preventDefault: () => (prevented = true) };
        (listeners.get(event) as ((details: NavigationDetails) => void) | undefined)?.(details);
        return !prevented;
      },
      listeners,
    };
  }

  test.each(["will-navigate", "will-frame-navigate"])("%s keeps the main frame on its content", (event) => {
    const lock = locked();
    expect(lock.goes(event, "https://menu.example/other")).toBe(true);
    expect(lock.goes(event, "https://elsewhere.example/")).toBe(false);
    expect(lock.goes(event, "https://menu.example.evil.example/")).toBe(false);
    expect(lock.goes(event, "http://menu.example/board")).toBe(false);
    expect(lock.goes(event, "file:///etc/passwd")).toBe(false);
    expect(lock.goes(event, "vitrine-screen://screen/fault")).toBe(false);
    expect(lock.goes(event, "not an address")).toBe(false);
    expect(lock.held).toHaveLength(6);
  });

  test("a redirect may pass only through the web; the fetch guard judges its end", () => {
    const lock = locked();
    expect(lock.goes("will-redirect", "https://login.example/")).toBe(true);
    expect(lock.goes("will-redirect", "file:///etc/passwd")).toBe(false);
    expect(lock.goes("will-redirect", "vitrine-package://aa11/")).toBe(false);
  });

  test("frames in the page may go anywhere except into our schemes and files", () => {
    const lock = locked();
    expect(lock.goes("will-frame-navigate", "https://video.example/embed", false)).toBe(true);
    expect(lock.goes("will-frame-navigate", "about:blank", false)).toBe(true);
    expect(lock.goes("will-frame-navigate", "vitrine-package://aa11/", false)).toBe(false);
    expect(lock.goes("will-frame-navigate", "file:///etc/passwd", false)).toBe(false);
  });

  test("denies windows, webviews and bluetooth", () => {
    const lock = locked();
    expect(lock.open("https://menu.example/popup")).toEqual({ action: "deny" });
    let prevented = 0;
    const event = { preventDefault: () => (prevented += 1) };
    (lock.listeners.get("will-attach-webview") as unknown as (event: object) => void)(event);
    const chosen: string[] = [];
    (lock.listeners.get("select-bluetooth-device") as unknown as (event: object, devices: unknown, done: (id: string) => void) => void)(event, [], (id) => chosen.push(id));
    expect(prevented).toBe(2);
    expect(chosen).toEqual([""]);
    expect(lock.refused).toEqual(["window https://menu.example/popup", "window webview", "permission bluetooth"]);
  });
});

describe("IPC from the page", () => {
  const main: SenderFrame = { url: "https://menu.example/board", parent: null };

  test("a text from the content's main frame is accepted", () => {
    expect(checkSent({ frame: main, args: ["{}"] }, main, RULES)).toEqual({ ok: true, text: "{}" });
  });

  test.each<[string, SenderFrame | null, unknown[]]>([
    ["a frame that is gone", null, ["{}"]],
    ["another frame", { url: "https://menu.example/board", parent: main }, ["{}"]],
    ["a frame that only looks like the main one", { url: "https://menu.example/board", parent: null }, ["{}"]],
  ])("%s is refused", (_name, frame, args) => {
    expect(checkSent({ frame, args }, main, RULES).ok).toBe(false);
  });

  test.each<[string, unknown[]]>([
    ["nothing", []],
    ["an object", [{ toString: () => "{}" }]],
    ["two texts", ["{}", "{}"]],
    ["a text that is too long", ["x".repeat(TEXT_LENGTH_MAX + 1)]],
  ])("%s is refused", (_name, args) => {
    expect(checkSent({ frame: main, args }, main, RULES).ok).toBe(false);
  });

  test("a main frame that has left the content is refused", () => {
    const strayed: SenderFrame = { url: "https://elsewhere.example/", parent: null };
    expect(checkSent({ frame: strayed, args: ["{}"] }, strayed, RULES).ok).toBe(false);
  });
});

describe("our own schemes", () => {
  const ask = (url: string) => ({ url, method: "GET", headers: new Headers() });
  const from = { screens: () => ({ html: "<p>fault", csp: "default-src 'none'" }), folders: diskPackageFolders };

  test("are standard and secure, so that each host is an origin", () => {
    for (const { privileges } of OWN_SCHEMES) expect(privileges).toMatchObject({ standard: true, secure: true });
    expect(OWN_SCHEMES.some(({ privileges }) => privileges?.bypassCSP === true)).toBe(false);
  });

  test("serve only what is on the stage, with its CSP", async () => {
    const screen: LoadTarget = { kind: "screen", screen: { kind: "blank" } };
    const served = await answerOwn(ask("vitrine-screen://screen/blank"), [screen], from);
    expect([served.status, served.headers.get("content-security-policy"), await served.text()]).toEqual([200, "default-src 'none'", "<p>fault"]);
    expect((await answerOwn(ask("vitrine-screen://screen/blank"), [CONTENT], from)).status).toBe(403);
    const target: LoadTarget = { kind: "package", id: "aa11", folder: import.meta.dirname, entry: "page-channel.ts", allowedOrigins: [], ignoreCache: false };
    const file = await answerOwn(ask(`${PACKAGE_SCHEME}://aa11/page-channel.ts`), [CONTENT, target], from);
    expect(file.status).toBe(200);
    expect(file.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect((await answerOwn(ask(`${PACKAGE_SCHEME}://bb22/page-channel.ts`), [target], from)).status).toBe(403);
    expect((await answerOwn(ask(`${PACKAGE_SCHEME}://aa11/..%2f..%2fshell.conformance.ts`), [target], from)).status).toBe(400);
  });
});

describe("the protocol over Electron's debugger", () => {
  function makeDebugger(answer: (method: string) => Promise<unknown>) {
    const listeners = new Map<string, (...args: never[]) => unknown>();
    let attached = false;
    const fake: PageDebugger = {
      attach: () => {
        attached = true;
      },
      detach: () => {
        attached = false;
      },
      isAttached: () => attached,
      sendCommand: (method: string) => answer(method),
      on: (event: string, listener: (...args: never[]) => unknown) => listeners.set(event, listener),
    };
    const say = (method: string, params: unknown): unknown => (listeners.get("message") as unknown as (...args: unknown[]) => unknown)({}, method, params, "");
    return { fake, say };
  }

  test("returns answers, fails refused calls, and fails at once when the page is gone", async () => {
    const { fake, say } = makeDebugger((method) => (method === "Page.enable" ? Promise.resolve({ fine: true }) : Promise.reject(new Error("no such method"))));
    const cdp = new ElectronCdp(fake, { timers: new SystemTimers(), log: silentLog });
    expect(await cdp.call("Page.enable", {})).toEqual({ fine: true });
    await expect(cdp.call("Page.reload", {})).rejects.toThrow(new CdpError("refused", "Page.reload: no such method"));
    const heard: unknown[] = [];
    cdp.on("Page.loadEventFired", undefined, () => {
      throw new Error("a bug of ours");
    });
    const undo = cdp.on("Page.loadEventFired", undefined, (params) => heard.push(params));
    say("Page.loadEventFired", { timestamp: 1 });
    undo();
    say("Page.loadEventFired", { timestamp: 2 });
    expect(heard).toEqual([{ timestamp: 1 }]);
    cdp.detach();
    await expect(cdp.call("Page.enable", {})).rejects.toMatchObject({ kind: "closed" });
  });
});
