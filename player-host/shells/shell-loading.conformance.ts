import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { VALID } from "../../agent/node/transport/testing/test-certificates.ts";
import type { LoadTarget, Shell } from "../stage/shell.ts";
import type { ShellUnderTest } from "./testing/shell-under-test.ts";
import { BLUE, openLoadingSite, type LoadingSite } from "./testing/loading-site.ts";
import { colourOf, eventually, ShellSeat } from "./testing/shell-seat.ts";

/** Where loads go, where they end, and what is reported. Part of the shell suite, with its own browser and site. */
export function shellLoadingConformance(under: ShellUnderTest): void {
  describe(`Shell: ${under.name}: loading`, () => {
    let folder: string;
    let shell: Shell;
    let site: LoadingSite;
    let seat: ShellSeat;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "vitrine-loading-"));
      site = await openLoadingSite();
      shell = await under.makeShell(folder);
      seat = new ShellSeat(shell);
      const started = await shell.start();
      expect(started.ok, JSON.stringify(started)).toBe(true);
    }, 90_000);
    afterEach(() => {
      site.portal(false);
      site.release();
    });
    afterAll(async () => {
      await shell.stop();
      await site.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }, 30_000);

    function page(path: string, origins: readonly string[] = [], ignoreCache = false): LoadTarget {
      return { kind: "url", url: site.url(path), origins, ignoreCache };
    }
    const to = (url: string): string => `to=${encodeURIComponent(url)}`;
    const foreignOrigin = (): string => new URL(site.foreignUrl("/")).origin;
    const calls = (from: number): number => seat.events.slice(from).filter(({ kind }) => kind === "page-call").length;
    const blueIsOn = (): Promise<void> =>
      eventually(async () => {
        const sample = await shell.sample();
        return sample.ok ? colourOf(sample.value) : sample.error.code;
      }, BLUE);

    describe("a load that is redirected to another origin", () => {
      test("fails there: the picture stays, and that origin has no page API", async () => {
        await seat.show(page("/blue"));
        const from = seat.events.length;
        const failed = await seat.fails(page(`/redirect?${to(site.foreignUrl("/sign-in"))}`));
        expect(failed).toMatchObject({ error: { code: "content.elsewhere" }, pictureKept: under.keepsPicture });
        expect(failed.error.message).toContain(foreignOrigin());
        expect(calls(from)).toBe(0);
        if (under.keepsPicture) await blueIsOn();
      });

      test("by a captive portal while the same page is on screen leaves the page and its page API, until the portal is gone", async () => {
        await seat.show(page("/leaves-when-told"));
        site.portal(true);
        for (const ignoreCache of [false, true]) {
          expect(await seat.fails(page("/leaves-when-told", [], ignoreCache))).toMatchObject({ error: { code: "content.elsewhere" } });
        }
        site.portal(false);
        const from = await seat.show(page("/leaves-when-told"));
        expect(await seat.told(from, "here")).toEqual({ at: "/leaves-when-told" });
      });

      test("and back is content, as with a silent sign-in", async () => {
        const from = await seat.show(page(`/redirect?${to(site.foreignUrl(`/back?${to(site.url("/blue"))}`))}`));
        expect(await seat.told(from, "here")).toEqual({ at: "/blue" });
      });

      test("that its owner named is content with the page API", async () => {
        const from = await seat.show(page(`/redirect?${to(site.foreignUrl("/other"))}`, [foreignOrigin()]));
        expect(await seat.told(from, "here")).toEqual({ at: "/other" });
      });

      test("because the page reloads itself fails and keeps the picture", async () => {
        await seat.show(page("/reloads-itself"));
        site.portal(true);
        const from = seat.events.length;
        shell.sendToPage(JSON.stringify({ t: "message", message: "now" }));
        const failed = await seat.seen("load-failed", from);
        expect(failed).toMatchObject({ error: { code: "content.elsewhere" }, pictureKept: under.keepsPicture });
        expect(failed.load).toBeUndefined();
      });

      test("in a circle fails with a code of ours, and the picture stays", async () => {
        await seat.show(page("/blue"));
        const failed = await seat.fails(page("/circle"));
        expect(failed).toMatchObject({ error: { code: "http.redirect-loop", message: expect.not.stringContaining("ERR_") as string }, pictureKept: under.keepsPicture });
        if (under.keepsPicture) await blueIsOn();
      });
    });

    test("an address with a user and a password can be loaded and reloaded", async () => {
      const target: LoadTarget = { kind: "url", url: site.url("/signed-in").replace("//", "//user:secret@"), ignoreCache: false };
      for (let time = 0; time < 2; time += 1) {
        const from = await seat.show(target);
        expect(await seat.told(from, "here")).toEqual({ at: "/signed-in" });
      }
    });

    describe("while a load of the host is pending", () => {
      test("the page on screen may not navigate elsewhere in its name, and the load still arrives", async () => {
        const begun = await seat.show(page("/leaves-when-told"));
        await seat.told(begun, "here");
        const signIns = site.hits("foreign /sign-in");
        const from = seat.events.length;
        const loading = seat.begin(page("/held"));
        await eventually(() => Promise.resolve(site.hits("/held") > 0), true);
        shell.sendToPage(JSON.stringify({ t: "message", message: site.foreignUrl("/sign-in") }));
        await new Promise((resolve) => setTimeout(resolve, 500));
        site.release();
        const load = await loading;
        await seat.seen("load-finished", from, (event) => event.load === load);
        expect(await seat.told(from, "here")).toEqual({ at: "/held" });
        expect(calls(from)).toBe(1);
        expect(site.hits("foreign /sign-in")).toBe(signIns);
      });
    });

    describe("a server that accepts the connection and sends nothing", () => {
      /** Looks for frames continuously: three looks in a row without one would end the renderer and so the picture. */
      const LOOKS = 3;
      const LOOK_MS = 2_400;

      async function packagePage(): Promise<LoadTarget> {
        const place = join(folder, "waits");
        await mkdir(place, { recursive: true });
        await writeFile(join(place, "index.html"), `<!doctype html><body style="background:rgb(${BLUE});margin:0">`);
        return { kind: "package", id: "a201", folder: place, entry: "index.html", allowedOrigins: [], ignoreCache: false };
      }

      test.each<[string, () => LoadTarget | Promise<LoadTarget>, () => LoadTarget]>([
        ["another address of the same origin", () => page("/blue"), () => page("/held")],
        ["an address of another origin", () => page("/blue"), () => ({ kind: "url", url: site.foreignUrl("/held"), ignoreCache: false })],
        ["an address, while a package is on", packagePage, () => page("/held")],
      ])("keeps the picture on screen alive: %s", async (_name, before, wanted) => {
        await seat.show(await before());
        await blueIsOn();
        const from = seat.events.length;
        const asked = site.hits("/held") + site.hits("foreign /held");
        const loading = seat.begin(wanted());
        await eventually(() => Promise.resolve(site.hits("/held") + site.hits("foreign /held") > asked), true);
        for (let look = 0; look < LOOKS; look += 1) {
          expect(await shell.witnessFrame(LOOK_MS)).toMatchObject({ kind: "alive" });
          await blueIsOn();
        }
        expect(seat.events.slice(from).filter(({ kind }) => kind !== "page-call" && kind !== "window").map(({ kind }) => kind)).toEqual(["load-started"]);
        site.release();
        const load = await loading;
        await seat.seen("load-finished", from, (event) => event.load === load);
      }, 45_000);
    });

    describe("another load returns to the content's address", () => {
      test.each([false, true])("if the page moved its own address to one that does not exist (cache ignored: %s)", async (ignoreCache) => {
        await seat.show(page("/moves-address", [], ignoreCache));
        const before = site.hits("/moves-address");
        const from = await seat.show(page("/moves-address", [], ignoreCache));
        expect(site.hits("/moves-address")).toBe(before + 1);
        expect(site.hits("/not-there/2")).toBe(0);
        expect(await seat.told(from, "here")).toEqual({ at: "/not-there/2" });
      });

      test("if the page went to another address of its origin", async () => {
        const first = await seat.show(page("/moves-on"));
        await seat.seen("load-finished", first, (event) => event.load === undefined);
        const from = await seat.show(page("/moves-on"));
        expect(await seat.told(from, "here")).toEqual({ at: "/moves-on" });
      });

      test("and the part of the document that it names", async () => {
        const target = page("/moves-part#wanted");
        await seat.told(await seat.show(target), "here");
        const before = site.hits("/moves-part");
        expect(await seat.told(await seat.show(target), "here")).toEqual({ at: "#wanted" });
        expect(site.hits("/moves-part")).toBe(before + 1);
      });

      test("if the page is on another origin that its owner named", async () => {
        const target = page(`/leads?how=script&${to(site.foreignUrl("/other"))}`, [foreignOrigin()], true);
        const first = seat.events.length;
        await seat.begin(target);
        await seat.seen("page-call", first, ({ text }) => text.includes("/other"));
        const hits = site.hits("/leads");
        const from = seat.events.length;
        await seat.begin(target);
        await seat.seen("page-call", from, ({ text }) => text.includes("/other"));
        expect(site.hits("/leads")).toBe(hits + 1);
      });
    });

    describe("content that navigates to another origin by itself", () => {
      test.each(["meta", "script", "later", "form"])("by %s is stopped and reported", async (how) => {
        const signIns = site.hits("foreign /sign-in");
        const from = seat.events.length;
        await seat.begin(page(`/leads?how=${how}&${to(site.foreignUrl("/sign-in"))}`));
        expect(await seat.seen("leads-elsewhere", from)).toEqual({ kind: "leads-elsewhere", url: foreignOrigin() });
        await blueIsOn();
        expect(site.hits("foreign /sign-in")).toBe(signIns);
      });

      test.each(["meta", "script", "form"])("by %s is followed if its owner named the origin", async (how) => {
        const from = seat.events.length;
        await seat.begin(page(`/leads?how=${how}&${to(site.foreignUrl("/other"))}`, [foreignOrigin()]));
        await seat.seen("page-call", from, ({ text }) => text.includes('"at":"/other"'));
        expect(seat.events.slice(from).filter(({ kind }) => kind === "leads-elsewhere")).toEqual([]);
      });
    });

    describe("a document that arrives incomplete", () => {
      test.each(["length", "chunks"])("is on screen and is reported as cut off (detected by its %s)", async (how) => {
        const from = seat.events.length;
        const load = await seat.begin(page(`/cut?how=${how}`));
        await seat.seen("load-committed", from, (event) => event.load === load);
        expect(await seat.seen("load-cut", from)).toMatchObject({ load, error: { code: "net.cut-off" } });
        expect(seat.events.slice(from).filter(({ kind }) => kind === "load-failed")).toEqual([]);
      });

      test("because it never ends is on screen from its beginning, and leaving it is no failure", async () => {
        const from = seat.events.length;
        const load = await seat.begin(page("/endless"));
        await seat.seen("load-committed", from, (event) => event.load === load);
        await blueIsOn();
        await seat.show(page("/blue"));
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(seat.events.slice(from).filter(({ kind }) => kind === "load-cut" || kind === "load-failed")).toEqual([]);
      });
    });

    test("a certificate from an unknown issuer has its own code, and the picture stays", async () => {
      const server = createTlsServer(VALID, (_request, response) => response.end("never seen"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
      try {
        await seat.show(page("/blue"));
        const failed = await seat.fails({ kind: "url", url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, ignoreCache: false });
        expect(failed).toMatchObject({ error: { code: "tls.unknown-issuer", message: expect.not.stringContaining("ERR_") as string }, pictureKept: under.keepsPicture });
      } finally {
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    });

    test("content with its own service worker loads while its origin is away", async () => {
      const from = await seat.show(page("/worker"));
      await seat.told(from, "here");
      await seat.show({ kind: "screen", screen: { kind: "blank" } });
      await site.goDown();
      const again = await seat.show(page("/worker"));
      expect(await seat.told(again, "here")).toEqual({ at: "with its worker" });
    });
  });
}
