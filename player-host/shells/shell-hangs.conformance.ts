import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadTarget, Shell } from "../stage/shell.ts";
import type { ShellUnderTest } from "./testing/shell-under-test.ts";
import { ourRenderers } from "./testing/our-renderers.ts";
import { eventually, ShellSeat } from "./testing/shell-seat.ts";
import { openSite, type Site } from "./testing/test-site.ts";

/** Part of the suite for every shell: pages and processes that do not answer. */
export function hangConformance(under: ShellUnderTest): void {
  describe(`Shell: ${under.name}, with a page that hangs`, () => {
    let folder: string;
    let site: Site;
    let shell: Shell;
    let seat: ShellSeat;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "vitrine-hangs-"));
      site = await openSite();
      shell = await under.makeShell(folder);
      seat = new ShellSeat(shell);
      const started = await shell.start();
      expect(started.ok, JSON.stringify(started)).toBe(true);
    }, 90_000);

    afterAll(async () => {
      await shell.stop();
      await site.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }, 30_000);

    const page = (path: string): LoadTarget => ({ kind: "url", url: site.url(path), ignoreCache: false });

    const hangs: Readonly<Record<string, () => Promise<void>>> = {
      "computes for ever": async () => {
        await seat.told(await seat.show(page("/loops")), "about-to-loop");
      },
      "is stopped": async () => {
        await seat.show(page("/blue"));
        for (const pid of ourRenderers()) process.kill(pid, "SIGSTOP");
      },
    };

    /** Waits until the picture is back and a frame of it was seen. */
    async function comesBack(): Promise<void> {
      await seat.show(page("/blue"));
      expect(await shell.witnessFrame(10_000)).toMatchObject({ kind: "alive" });
    }

    describe.each(Object.keys(hangs))("whose process %s", (how) => {
      test("the frame witness reports it as late, captures end with a picture or a reason, and a reset brings the picture back", async () => {
        await hangs[how]?.();
        expect(await shell.witnessFrame(3_000)).toMatchObject({ kind: "late", renderer: false });
        const [shot, sample] = await Promise.all([shell.screenshot({ format: "jpeg", widthMax: 320 }), shell.sample()]);
        for (const result of [shot, sample]) expect(result.ok ? "picture" : result.error.code).toMatch(/^(picture|(screenshot|capture)\.(no-frame|failed))$/);
        expect(Object.keys(await shell.metrics())).not.toHaveLength(0);
        const from = seat.events.length;
        await shell.resetRenderer();
        await seat.seen("renderer-gone", from);
        await comesBack();
      }, 90_000);

      test("a load of the same site neither reveals nor hides the hang, and a reset still works", async () => {
        await hangs[how]?.();
        // Answers of the browser are not awaited: there may be none.
        const loads = Promise.all([seat.begin(page("/blue")), seat.begin(page("/moves"))]);
        for (let look = 0; look < 2; look += 1) expect(await shell.witnessFrame(3_000)).toMatchObject({ kind: "late", renderer: false });
        const from = seat.events.length;
        await shell.resetRenderer();
        await seat.seen("renderer-gone", from);
        await loads;
        await comesBack();
      }, 90_000);

      test("a load that the renderer does not commit ends the renderer", async () => {
        await hangs[how]?.();
        const from = seat.events.length;
        const load = seat.begin(page("/blue"));
        // A busy machine gives the renderer its two seconds of a processor late, but before the load is given up (53 s).
        await eventually(async () => Promise.resolve(seat.events.slice(from).some(({ kind }) => kind === "renderer-gone")), true, 60_000);
        await load;
        await comesBack();
      }, 120_000);
    });

    test("long texts on the console neither end the shell nor delay a capture", async () => {
      const from = await seat.show(page("/talks"));
      await seat.told(from, "talking");
      for (let look = 0; look < 4; look += 1) expect(await shell.screenshot({ format: "jpeg", quality: 50, widthMax: 320 })).toMatchObject({ ok: true });
      // The page itself needs a second or more for each text.
      await eventually(() => Promise.resolve(seat.events.slice(from).some((event) => event.kind === "page-call" && event.text.includes("said-it"))), true, 60_000);
      expect(seat.events.slice(from).filter((event) => event.kind === "browser-gone")).toEqual([]);
      await comesBack();
    }, 120_000);

    /** Opens a page that reloads itself. On a busy machine it may do so before any load has finished, so only the first commit is awaited. */
    const reloading = async (path: string): Promise<void> => {
      const from = seat.events.length;
      await seat.begin(page(path));
      await seat.seen("load-committed", from);
    };

    test("a page that reloads again and again is alive", async () => {
      await reloading("/reloads-often");
      const findings: string[] = [];
      for (let look = 0; look < 6; look += 1) findings.push((await shell.witnessFrame(5_000)).kind);
      expect(findings).toEqual(Array(6).fill("alive"));
    }, 60_000);

    test("a page that reloads before it has drawn anything is at least known to run", async () => {
      await reloading("/reloads-often-empty");
      for (let look = 0; look < 3; look += 1) {
        const finding = await shell.witnessFrame(3_000);
        expect(finding.kind === "alive" || (finding.kind === "late" && finding.renderer)).toBe(true);
      }
    }, 60_000);
  });
}
