import { join } from "node:path";
import { describe, test } from "vitest";
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
import { ChromiumShell } from "./chromium-shell.ts";

const browserPath = findTestChromium();

if (browserPath === undefined) {
  reportLeftOut("the Shell suite on Chromium", "no Chromium or Chrome is on this machine");
  describe("Shell: chromium", () => {
    test.skip("no browser is here", () => undefined);
  });
} else {
  const chromium: ShellUnderTest = {
    name: "chromium",
    keepsPicture: true,
    makeShell: (folder) => {
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
    },
  };
  shellConformance(chromium);
  hangConformance(chromium);
}
