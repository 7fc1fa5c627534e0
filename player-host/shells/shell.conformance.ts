import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CALLS_BURST, CALLS_PER_SECOND } from "../host/page-gate.ts";
import { HTTPS_ORIGINS } from "../stage/navigation-rules.ts";
import type { LoadTarget, Shell, ShellEvent } from "../stage/shell.ts";
import { shellLoadingConformance } from "./shell-loading.conformance.ts";
import { packagesConformance } from "./shell-packages.conformance.ts";
import { colourOf, eventually, ShellSeat } from "./testing/shell-seat.ts";
import type { ShellUnderTest } from "./testing/shell-under-test.ts";
import { closedPort, openSite, type Site } from "./testing/test-site.ts";

/** The suite for every shell, with a real browser, real pages on loopback and no public host. */
export function shellConformance(under: ShellUnderTest): void {
  shellLoadingConformance(under);
  describe(`Shell: ${under.name}`, () => {
    let folder: string;
    let shell: Shell;
    let site: Site;
    let seat: ShellSeat;
    let events: ShellEvent[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "vitrine-shell-"));
      site = await openSite();
      shell = await under.makeShell(folder);
      seat = new ShellSeat(shell);
      ({ events } = seat);
      const started = await shell.start();
      expect(started.ok, JSON.stringify(started)).toBe(true);
    }, 90_000);

    afterAll(async () => {
      await shell.stop();
      await site.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }, 30_000);

    const seen: ShellSeat["seen"] = (kind, from, fits) => seat.seen(kind, from, fits);
    const show: ShellSeat["show"] = (target) => seat.show(target);
    const told: ShellSeat["told"] = (from, name) => seat.told(from, name);

    function page(path: string): LoadTarget {
      return { kind: "url", url: site.url(path), ignoreCache: false };
    }

    test("loads a page and reports the load by its number", async () => {
      const from = events.length;
      const load = await seat.begin(page("/blue"));
      const begun = await seen("load-started", from);
      expect(begun.load).toBe(load);
      expect(begun.url).toBe(site.url("/blue"));
      await seen("page-begun", from);
    });

    test("a screenshot has the colour of the page", async () => {
      await show(page("/blue"));
      await eventually(async () => {
        const sample = await shell.sample();
        return sample.ok ? colourOf(sample.value) : sample.error.code;
      }, "48,96,192");
      const shot = await shell.screenshot({ format: "png" });
      if (!shot.ok) throw new Error(shot.error.message);
      const bytes = Buffer.from(shot.value.base64, "base64");
      expect(bytes.subarray(1, 4).toString()).toBe("PNG");
      expect(shot.value.width).toBeGreaterThanOrEqual(640);
      expect(shot.value.source).not.toBe("");
      const small = await shell.screenshot({ format: "jpeg", quality: 70, widthMax: 320 });
      if (!small.ok) throw new Error(small.error.message);
      expect(small.value.format).toBe("jpeg");
      expect(small.value.width).toBeLessThanOrEqual(320);
      expect(small.value.width).toBeGreaterThan(160);
    });

    test("our own page is shown from its own origin, without page API", async () => {
      const from = await show({ kind: "screen", screen: { kind: "fault", code: "test.fault", message: "A <b>message</b> & more" } });
      expect(events.slice(from).some((event) => event.kind === "page-begun")).toBe(false);
      const sample = await shell.sample();
      expect(sample.ok).toBe(true);
    });

    test("a blank scene is black", async () => {
      await show({ kind: "screen", screen: { kind: "blank" } });
      await eventually(async () => {
        const sample = await shell.sample();
        return sample.ok ? colourOf(sample.value) : sample.error.code;
      }, "0,0,0");
    });

    test("a page that answers 500 has failed to load", async () => {
      await show(page("/blue"));
      const from = events.length;
      const load = await seat.begin(page("/boom"));
      const failed = await seen("load-failed", from, (event) => event.load === load);
      expect(failed.error.code).toBe("http.500");
      expect(failed.pictureKept).toBe(under.keepsPicture);
    });

    test("a refused connection has failed to load, and the picture stays if the shell can keep it", async () => {
      await show(page("/blue"));
      const from = events.length;
      const load = await seat.begin({ kind: "url", url: `http://127.0.0.1:${await closedPort()}/`, ignoreCache: false });
      const failed = await seen("load-failed", from, (event) => event.load === load);
      expect(failed.error.code).toBe("net.connection-refused");
      expect(failed.pictureKept).toBe(under.keepsPicture);
      if (!under.keepsPicture) return;
      const sample = await shell.sample();
      expect(sample.ok && colourOf(sample.value)).toBe("48,96,192");
    });

    test("content that answers 404 fails on every attempt, and the page before it stays on and works", async () => {
      const begun = await show(page("/api"));
      await told(begun, "hello");
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const from = events.length;
        const load = await seat.begin(page("/nothere"));
        const failed = await seen("load-failed", from, (event) => event.load === load);
        expect(failed.error.code, `attempt ${attempt}`).toBe("http.404");
        expect(failed.pictureKept).toBe(under.keepsPicture);
        if (!under.keepsPicture) continue;
        shell.sendToPage(JSON.stringify({ t: "message", message: attempt }));
        expect(await told(from, "message")).toMatchObject({ got: attempt });
        expect(events.slice(from).some((event) => event.kind === "load-finished")).toBe(false);
      }
    });

    test("an unknown host name has failed to load", async () => {
      const from = events.length;
      const load = await seat.begin({ kind: "url", url: "http://no-such-host.invalid/", ignoreCache: false });
      const failed = await seen("load-failed", from, (event) => event.load === load);
      expect(failed.error.code).toMatch(/^net\./);
    });

    test("loading the same page again reloads it", async () => {
      const before = site.hits("/counted#part");
      await show(page("/counted#part"));
      await show(page("/counted#part"));
      expect(site.hits("/counted#part") - before).toBe(2);
    });

    test("a page that reloads itself while its origin fails keeps its picture and is reported", async () => {
      await show(page("/blue"));
      const from = await show(page("/reloads-itself"));
      site.breakDown(true);
      try {
        const failed = await seen("load-failed", from, (event) => event.load === undefined);
        expect(failed.error.code).toBe("http.503");
        expect(failed.pictureKept).toBe(under.keepsPicture);
      } finally {
        site.breakDown(false);
      }
    });

    test("page API calls arrive, and so do texts to the page", async () => {
      const from = await show(page("/api"));
      const hello = await told(from, "hello");
      expect(hello).toMatchObject({ version: 1, frozen: true, binding: false });
      shell.sendToPage(JSON.stringify({ t: "config", config: { colour: "green" } }));
      expect(await told(from, "config")).toMatchObject({ colour: "green" });
      shell.sendToPage(JSON.stringify({ t: "message", message: ["quote ' \" \u2028 </script>"] }));
      expect(await told(from, "message")).toMatchObject({ got: ["quote ' \" \u2028 </script>"] });
    });

    test("an embedded frame has no API and no way around that", async () => {
      const from = await show(page("/frames"));
      expect(await told(from, "frames")).toMatchObject({ api: false, bindings: [] });
    });

    test("a flood of calls does not end the shell and is not passed on in full", async () => {
      const from = await show(page("/flood"));
      const { refused, seconds } = await told(from, "flooded");
      expect(refused).toBe("page.rate-limited");
      // The limit is a rate and the machine may be slow, so the allowed number follows the page's own clock. Each second has one
      // more call, which reports what was refused.
      const most = CALLS_BURST + (CALLS_PER_SECOND + 1) * Number(seconds) + 2;
      expect(most).toBeLessThan(20_000);
      expect(events.slice(from).filter((event) => event.kind === "page-call").length).toBeLessThanOrEqual(most);
    });

    test("a window the page opens is refused and counted", async () => {
      const from = await show(page("/opens-window"));
      await seen("refused", from, (event) => event.what === "window");
      expect(await told(from, "still-here")).toMatchObject({ here: true });
    });

    test("the page cannot take the screen to another origin", async () => {
      const from = await show(page(`/leaves?to=${encodeURIComponent(site.foreignUrl("/blue"))}`));
      const refused = await seen("refused", from, (event) => event.what === "navigation");
      expect(refused.detail).toBe(site.foreignUrl("/blue"));
      expect(await told(from, "still-here")).toMatchObject({ here: true });
    });

    test("permissions are denied without a prompt", async () => {
      const from = await show(page("/permission"));
      expect(await told(from, "permission")).toMatchObject({ notifications: "denied", camera: "denied", location: 1 });
    });

    test("alert, confirm and prompt do not block", async () => {
      const from = await show(page("/dialogs"));
      expect(await told(from, "dialogs")).toMatchObject({ confirm: false, prompt: null });
    });

    test("a download is denied", async () => {
      const from = await show(page("/downloads"));
      await seen("refused", from, (event) => event.what === "download" || event.what === "navigation");
    });

    packagesConformance({ shell: () => shell, folder: () => folder, show, told, events: () => events });

    describe("packages", () => {
      async function unpack(id: string, files: Record<string, string | Buffer>): Promise<LoadTarget> {
        const place = join(folder, `package-${id}`);
        for (const [name, text] of Object.entries(files)) {
          await mkdir(join(place, name, ".."), { recursive: true });
          await writeFile(join(place, name), text);
        }
        return { kind: "package", id, folder: place, entry: "index.html", allowedOrigins: [], ignoreCache: false };
      }

      test("have a secure origin of their own for each version", async () => {
        const html = (mark: string): string => `<body><script>
          const before = localStorage.mark ?? null; localStorage.mark = ${JSON.stringify(mark)};
          vitrine.emit("package", { origin, secure: isSecureContext, before });
        </script>`;
        const first = await show(await unpack("aa11", { "index.html": html("one") }));
        expect(await told(first, "package")).toMatchObject({ secure: true, before: null, ...(under.name.startsWith("chromium") ? { origin: HTTPS_ORIGINS.package("aa11") } : {}) });
        const second = await show(await unpack("bb22", { "index.html": html("two") }));
        expect(await told(second, "package")).toMatchObject({ before: null });
        const again = await show(await unpack("aa11", {}));
        expect(await told(again, "package")).toMatchObject({ before: "one" });
      });

      test("load modules, workers, fetched files and ranges of large files from their folder, and nothing outside it", async () => {
        const target = await unpack("cc33", {
          "index.html": `<body><script type="module" src="js/main.js"></script>`,
          "js/main.js": `
            const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
            worker.onmessage = async ({ data }) => {
              const text = await (await fetch("../data/a b.txt")).text();
              const range = await fetch("../big.bin", { headers: { range: "bytes=5-9" } });
              const outside = (await fetch("/..%2f..%2fetc/passwd")).status;
              const missing = (await fetch("/nope")).status;
              let foreign = "reached"; try { await fetch(${JSON.stringify(site.foreignUrl("/cors"))}); } catch { foreign = "blocked"; }
              vitrine.emit("files", { worker: data, text, status: range.status, range: await range.text(), outside, missing, foreign });
            };`,
          "js/worker.js": `postMessage((await (await fetch("/data/a b.txt")).text()).length);`,
          "data/a b.txt": "hello",
          "big.bin": "0123456789abcdef",
        });
        const from = await show(target);
        expect(await told(from, "files")).toEqual({ worker: 5, text: "hello", status: 206, range: "56789", outside: 400, missing: 404, foreign: "blocked" });
      });

      test("keep their files while other content fails to load, however often", async () => {
        const html = `<body><script>vitrine.onMessage(async () => vitrine.emit("read", { text: await (await fetch("/data.txt?" + Math.random())).text() })); vitrine.emit("ready");</script>`;
        await told(await show(await unpack("ee55", { "index.html": html, "data.txt": "still mine" })), "ready");
        for (let attempt = 1; attempt <= 3; attempt += 1) {
          const from = events.length;
          const load = await seat.begin(page("/nothere"));
          const failed = await seen("load-failed", from, (event) => event.load === load);
          expect(failed.error.code, `attempt ${attempt}`).toBe("http.404");
          if (!under.keepsPicture) return;
          shell.sendToPage(JSON.stringify({ t: "message", message: attempt }));
          expect(await told(from, "read")).toEqual({ text: "still mine" });
        }
      });

      test("a package without its entry has failed to load", async () => {
        const from = events.length;
        const load = await seat.begin(await unpack("dd44", { "other.html": "" }));
        const failed = await seen("load-failed", from, (event) => event.load === load);
        expect(failed.error.code).toBe("package.404");
      });
    });

    describe("the frame witness", () => {
      test("reports a still page as alive", async () => {
        await show(page("/blue"));
        expect(await shell.witnessFrame(5_000)).toMatchObject({ kind: "alive" });
      });

      test("reports a moving page as alive", async () => {
        await show(page("/moves"));
        expect(await shell.witnessFrame(5_000)).toMatchObject({ kind: "alive" });
      });

      test("does not report a looping page as alive; a reset brings the picture back", async () => {
        const from = await show(page("/loops"));
        await told(from, "about-to-loop");
        expect(await shell.witnessFrame(3_000)).toMatchObject({ kind: "late", renderer: false });
        const reset = events.length;
        await shell.resetRenderer();
        await seen("renderer-gone", reset);
        await show(page("/blue"));
        expect(await shell.witnessFrame(5_000)).toMatchObject({ kind: "alive" });
        await eventually(async () => {
          const sample = await shell.sample();
          return sample.ok ? colourOf(sample.value) : sample.error.code;
        }, "48,96,192");
      }, 60_000);
    });

    test("a crash is reported, and the next load shows its page with the page API", async () => {
      await show(page("/blue"));
      const from = events.length;
      await shell.resetRenderer();
      await seen("renderer-gone", from);
      const again = await show(page("/api"));
      expect(await told(again, "hello")).toMatchObject({ version: 1 });
    });

    test("the cache can be cleared, with or without storage", async () => {
      const first = await show(page("/stores"));
      await told(first, "stored");
      const second = await show(page("/stores"));
      expect(await told(second, "stored")).toMatchObject({ before: "kept" });
      expect(await shell.clearCache({ storage: true })).toMatchObject({ ok: true });
      const third = await show(page("/stores"));
      expect(await told(third, "stored")).toMatchObject({ before: null });
    });

    test("the label appears and disappears without the page's help", async () => {
      await show(page("/strict-csp"));
      await shell.overlay("Lobby 3");
      await eventually(async () => {
        const sample = await shell.sample();
        return sample.ok && colourOf(sample.value) === undefined;
      }, true);
      await shell.overlay(undefined);
      await eventually(async () => {
        const sample = await shell.sample();
        return sample.ok ? colourOf(sample.value) : sample.error.code;
      }, "48,96,192");
    });

    test("metrics have the known figures", async () => {
      await show(page("/moves"));
      const metrics = await shell.metrics();
      expect(metrics["player.js-heap-bytes"]).toBeGreaterThan(100_000);
      expect(metrics["player.fps"]).toBeGreaterThan(1);
    });
  });
}
