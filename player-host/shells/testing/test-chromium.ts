import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { ChromiumShell } from "../chromium/chromium-shell.ts";
import { overlayScript } from "../cdp/overlay-script.ts";
import { pageScript } from "../../page-api/page-script.ts";
import { diskPackageFolders } from "../../node/disk-package-folders.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { findTestChromiums } from "./find-chromium.ts";
import { hasXvfb } from "./virtual-screen.ts";

/** A browser under test. */
export interface TestChromium {
  readonly path: string;
  /** For test names: with its path where there are several. */
  readonly name: string;
  /** The newest: it runs the shell suites in a window too. False without an X server. */
  readonly windowed: boolean;
}

/** The browsers for the shell suites. */
export function testChromiums(): readonly TestChromium[] {
  const paths = findTestChromiums();
  const newest = hasXvfb() ? newestOf(paths) : undefined;
  return paths.map((path) => ({ path, name: paths.length === 1 ? "chromium" : `chromium (${path})`, windowed: path === newest }));
}

function newestOf(paths: readonly string[]): string | undefined {
  const major = (path: string): number => Number(/\d+/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[0] ?? 0);
  return paths.map((path) => ({ path, major: major(path) })).toSorted((a, b) => b.major - a.major)[0]?.path;
}

/** Headless without a display. */
export function makeTestChromium(browserPath: string, folder: string, display?: string): ChromiumShell {
  const secret = toHex(systemRandom.bytes(16));
  return new ChromiumShell({
    browserPath,
    env: { ...process.env, ...(display === undefined ? {} : { DISPLAY: display }) },
    settings: {
      profileDir: join(folder, "profile"),
      headless: display === undefined,
      ...(display === undefined ? { window: { width: 1280, height: 720 } } : { ozone: "x11", window: { width: 1920, height: 1080 } }),
      sandbox: process.getuid?.() !== 0,
      diskCacheBytesMax: 32 * 1024 * 1024,
    },
    script: { source: pageScript({ binding: `vitrine${secret}`, token: secret }), binding: `vitrine${secret}`, token: secret },
    screens: screenDocument,
    folders: diskPackageFolders,
    overlayScript,
    clock: systemClock,
    timers: new SystemTimers(systemClock),
    log: silentLog,
  });
}
