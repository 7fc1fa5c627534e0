import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { pageScript } from "../../page-api/page-script.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { overlayScript } from "../common/overlay-script.ts";
import { hangConformance } from "../shell-hangs.conformance.ts";
import { shellConformance, type ShellUnderTest } from "../shell.conformance.ts";
import { findTestChromium } from "../testing/find-chromium.ts";
import { ShellSeat } from "../testing/shell-seat.ts";
import { ChromiumShell } from "./chromium-shell.ts";

const browserPath = findTestChromium();

if (browserPath === undefined) {
  reportLeftOut("the Shell suite on Chromium", "no Chromium or Chrome is on this machine");
  describe("Shell: chromium", () => {
    test.skip("no browser is here", () => undefined);
  });
} else {
  const makeShell = (folder: string): ChromiumShell => {
    const secret = toHex(systemRandom.bytes(16));
    return new ChromiumShell({
      browserPath,
      env: process.env,
      settings: {
        profileDir: join(folder, "profile"),
        headless: true,
        window: { width: 1280, height: 720 },
        sandbox: process.getuid?.() !== 0,
        diskCacheBytesMax: 32 * 1024 * 1024,
      },
      script: { source: pageScript({ binding: `vitrine${secret}`, token: secret }), binding: `vitrine${secret}`, token: secret },
      screens: screenDocument,
      overlayScript,
      clock: systemClock,
      timers: new SystemTimers(systemClock),
      log: silentLog,
    });
  };
  const chromium: ShellUnderTest = { name: "chromium", keepsPicture: true, makeShell };
  shellConformance(chromium);
  hangConformance(chromium);

  describe("a browser that is stopped as a whole", () => {
    test("answers nothing: its page is late, a reset ends it, and stopping it takes no answer either", async () => {
      const folder = await mkdtemp(join(tmpdir(), "vitrine-stopped-"));
      const shell = makeShell(folder);
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
