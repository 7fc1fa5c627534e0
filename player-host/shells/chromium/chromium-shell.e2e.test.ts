import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { hangConformance } from "../shell-hangs.conformance.ts";
import { shellConformance } from "../shell.conformance.ts";
import { ShellSeat } from "../testing/shell-seat.ts";
import type { ShellUnderTest } from "../testing/shell-under-test.ts";
import { makeTestChromium, testChromiums } from "../testing/test-chromium.ts";

const browsers = testChromiums();

if (browsers.length === 0) {
  reportLeftOut("the Shell suite on Chromium", "no Chromium or Chrome is on this machine");
  describe("Shell: chromium", () => {
    test.skip("no browser is here", () => undefined);
  });
}

for (const { path, name, windowed } of browsers) {
  const chromium: ShellUnderTest = { name, keepsPicture: true, makeShell: (folder) => makeTestChromium(path, folder) };
  shellConformance(chromium);
  // These are half of the whole suite's time: each version has them once, the newest in its window.
  if (!windowed) hangConformance(chromium);

  describe(`a browser that is stopped as a whole: ${name}`, () => {
    test("answers nothing: its page is late, a reset ends it, and it can be stopped without an answer", async () => {
      const folder = await mkdtemp(join(tmpdir(), "vitrine-stopped-"));
      const shell = makeTestChromium(path, folder);
      const seat = new ShellSeat(shell);
      try {
        expect(await shell.start()).toMatchObject({ ok: true });
        const [from, pid] = [seat.events.length, shell.browserPid ?? 0];
        process.kill(pid, "SIGSTOP");
        expect(await shell.witnessFrame(2_000)).toMatchObject({ kind: "late", renderer: false, output: false });
        await shell.resetRenderer();
        await seat.seen("browser-gone", from);
        await shell.stop();
        expect(() => process.kill(pid, 0)).toThrow("ESRCH");
        expect(await shell.start()).toMatchObject({ ok: true });
        expect(await shell.witnessFrame(10_000)).toMatchObject({ kind: "alive" });
      } finally {
        await shell.stop();
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    }, 120_000);
  });
}
