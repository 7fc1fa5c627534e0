import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { readProc } from "../../../platform/node/proc.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { pageScript } from "../../page-api/page-script.ts";
import { diskPackageFolders } from "../../node/disk-package-folders.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { overlayScript } from "../cdp/overlay-script.ts";
import { shellWindowsConformance } from "../shell-windows.conformance.ts";
import { hangConformance } from "../shell-hangs.conformance.ts";
import { shellConformance } from "../shell.conformance.ts";
import type { ShellUnderTest } from "../testing/shell-under-test.ts";
import { findTestChromiums } from "../testing/find-chromium.ts";
import { ShellSeat } from "../testing/shell-seat.ts";
import { hasXvfb, openVirtualScreen, type VirtualScreen } from "../testing/virtual-screen.ts";
import { ChromiumShell } from "./chromium-shell.ts";

const browsers = findTestChromiums();

if (browsers.length === 0) {
  reportLeftOut("the Shell suite on Chromium", "no Chromium or Chrome is on this machine");
  describe("Shell: chromium", () => {
    test.skip("no browser is here", () => undefined);
  });
}

if (browsers.length > 0 && !hasXvfb()) reportLeftOut("the Shell suites in a window", "no Xvfb is on this machine (package xvfb)");

// Also once in a window: a real window has a size, keyboard focus, dialogs and an output.
const windowed = hasXvfb() ? newestOf(browsers) : undefined;
if (windowed !== undefined) {
  describe("in a window", () => {
    let screen: VirtualScreen;

    beforeAll(async () => {
      screen = await openVirtualScreen({ width: 1280, height: 720 });
    });

    afterAll(() => screen.close());

    const chromium: ShellUnderTest = { name: `chromium in a window (${windowed})`, keepsPicture: true, makeShell: (folder) => makeShell(windowed, folder, screen.display) };
    shellConformance(chromium);
    hangConformance(chromium);
  });
}

for (const browserPath of browsers) {
  const name = browsers.length === 1 ? "chromium" : `chromium (${browserPath})`;
  const chromium: ShellUnderTest = { name, keepsPicture: true, makeShell: (folder) => makeShell(browserPath, folder) };
  shellConformance(chromium);
  // These are half of the whole suite's time: each version has them once, the newest in its window.
  if (browserPath !== windowed) hangConformance(chromium);
  if (hasXvfb()) shellWindowsConformance({ name, makeShell: (folder, display) => makeShell(browserPath, folder, display), gpuProcess });

  describe(`a browser that is stopped as a whole: ${name}`, () => {
    test("answers nothing: its page is late, a reset ends it, and it can be stopped without an answer", async () => {
      const folder = await mkdtemp(join(tmpdir(), "vitrine-stopped-"));
      const shell = makeShell(browserPath, folder);
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

function newestOf(paths: readonly string[]): string | undefined {
  const major = (path: string): number => Number(/\d+/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[0] ?? 0);
  return paths.map((path) => ({ path, major: major(path) })).toSorted((a, b) => b.major - a.major)[0]?.path;
}

async function gpuProcess(folder: string): Promise<number | undefined> {
  const profile = `--user-data-dir=${join(folder, "profile")}`;
  // Children of a zygote have their whole command line in one string.
  const isIt = (pid: number): boolean => [profile, "--type=gpu-process"].every((part) => readProc(pid, "cmdline").includes(part));
  return (await readdir("/proc")).map(Number).find((pid) => Number.isSafeInteger(pid) && isIt(pid));
}

/** Headless without a display. */
function makeShell(browserPath: string, folder: string, display?: string): ChromiumShell {
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
