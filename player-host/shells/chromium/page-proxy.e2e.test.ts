import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import type { WayOut } from "../../contract/link-messages.ts";
import { pageScript } from "../../page-api/page-script.ts";
import { diskPackageFolders } from "../../node/disk-package-folders.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { overlayScript } from "../cdp/overlay-script.ts";
import { findTestChromium } from "../testing/find-chromium.ts";
import { ShellSeat } from "../testing/shell-seat.ts";
import { openSiteProxy, type SiteProxy } from "../testing/site-proxy.ts";
import { ChromiumShell } from "./chromium-shell.ts";

const browserPath = findTestChromium();
if (browserPath === undefined) reportLeftOut("the page's proxy on Chromium", "no Chromium or Chrome is on this machine");

describe.skipIf(browserPath === undefined)("the page behind a proxy", () => {
  let folder: string;
  let web: Server;
  let webPort: number;
  let shell: ChromiumShell;
  let seat: ShellSeat;
  const proxies: SiteProxy[] = [];

  beforeAll(async () => {
    web = createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(request.url?.startsWith("/picture") === true ? "a picture" : `<!doctype html><body><script>
        const picture = new URLSearchParams(location.search).get("picture");
        Promise.resolve(picture && fetch(picture, { mode: "no-cors" }).then(() => "came", () => "failed")).then((outcome) => vitrine.emit("here", { outcome }));
      </script>`);
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    webPort = (web.address() as AddressInfo).port;
  });
  afterAll(async () => {
    web.closeAllConnections();
    await new Promise<void>((resolve) => web.close(() => resolve()));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitrine-proxy-"));
    const token = "0123456789abcdef";
    shell = new ChromiumShell({
      browserPath: browserPath ?? "",
      settings: { profileDir: join(folder, "profile"), headless: true, window: { width: 640, height: 360 }, sandbox: process.getuid?.() !== 0, diskCacheBytesMax: 8 * 1024 * 1024 },
      script: { source: pageScript({ binding: `vitrine${token}`, token }), binding: `vitrine${token}`, token },
      screens: screenDocument,
      folders: diskPackageFolders,
      overlayScript,
      clock: systemClock,
      timers: new SystemTimers(systemClock),
      log: silentLog,
      env: process.env,
    });
    seat = new ShellSeat(shell);
  });
  afterEach(async () => {
    await shell.stop();
    for (const proxy of proxies.splice(0)) await proxy.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  async function openProxy(more: { wants?: string; answersWith?: number } = {}): Promise<SiteProxy> {
    const proxy = await openSiteProxy({ to: webPort, ...more });
    proxies.push(proxy);
    return proxy;
  }
  async function start(wayOut: WayOut): Promise<void> {
    shell.setWayOut(wayOut);
    expect(await shell.start()).toMatchObject({ ok: true });
  }
  /** Without the browser's own requests. */
  const pagesOf = (proxy: SiteProxy): string[] => proxy.asked.map(({ url }) => url).filter((url) => /\.test\//.test(url) && !url.endsWith("/favicon.ico"));
  const content = (url: string) => ({ kind: "url", url, ignoreCache: false }) as const;

  test("reaches names that only the proxy knows, with user and password and without a prompt", async () => {
    const proxy = await openProxy({ wants: "screen:s3cret @/" });
    await start({ proxy: `http://screen:${encodeURIComponent("s3cret @/")}@${proxy.host}` });
    const from = await seat.show(content("http://menu.test/board"));
    await seat.told(from, "here");
    expect(proxy.asked).toContainEqual({ url: "http://menu.test/board", user: "screen:s3cret @/" });
  }, 60_000);

  test("uses the proxy for its own requests too, but not for loopback and exceptions", async () => {
    const proxy = await openProxy({ wants: "screen:s3cret" });
    await start({ proxy: `http://screen:s3cret@${proxy.host}`, noProxy: "direct.test" });
    const from = await seat.show(content(`http://127.0.0.1:${webPort}/?picture=${encodeURIComponent("http://pictures.test/picture")}`));
    expect(await seat.told(from, "here")).toEqual({ outcome: "came" });
    const excepted = await seat.show(content(`http://127.0.0.1:${webPort}/?picture=${encodeURIComponent("http://a.direct.test/picture")}`));
    expect(await seat.told(excepted, "here")).toEqual({ outcome: "failed" });
    expect(new Set(pagesOf(proxy))).toEqual(new Set(["http://pictures.test/picture"]));
  }, 60_000);

  test("reports a wrong proxy password as such, at once", async () => {
    const proxy = await openProxy({ wants: "screen:right" });
    await start({ proxy: `http://screen:wrong@${proxy.host}` });
    expect(await seat.fails(content("http://menu.test/"))).toMatchObject({ error: { code: "net.proxy-password" }, pictureKept: true });
  }, 60_000);

  test("does not report a refusing proxy as an unknown name of the content's origin", async () => {
    const proxy = await openProxy({ answersWith: 403 });
    await start({ proxy: `http://${proxy.host}` });
    expect((await seat.fails(content("https://menu.test/"))).error.code).toBe("net.proxy-failed");
  }, 60_000);

  test("restarts the browser with a changed proxy, once for several changes in a row", async () => {
    const [first, second] = [await openProxy(), await openProxy()];
    await start({ proxy: `http://${first.host}` });
    await seat.told(await seat.show(content("http://menu.test/one")), "here");
    const from = seat.events.length;
    shell.setWayOut({});
    shell.setWayOut({ proxy: `http://${second.host}` });
    await seat.seen("browser-gone", from);
    await shell.stop();
    expect(await shell.start()).toMatchObject({ ok: true });
    await seat.told(await seat.show(content("http://menu.test/two")), "here");
    expect(seat.events.slice(from).filter(({ kind }) => kind === "browser-gone")).toHaveLength(1);
    expect([first, second].map(pagesOf)).toEqual([["http://menu.test/one"], ["http://menu.test/two"]]);
  }, 60_000);
});
