import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { readProc } from "../../../platform/node/proc.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { hangConformance } from "../shell-hangs.conformance.ts";
import { shellWindowsConformance } from "../shell-windows.conformance.ts";
import { shellConformance } from "../shell.conformance.ts";
import type { ShellUnderTest } from "../testing/shell-under-test.ts";
import { makeTestChromium, testChromiums } from "../testing/test-chromium.ts";
import { hasXvfb, openVirtualScreen, type VirtualScreen } from "../testing/virtual-screen.ts";

// A real window has a size, keyboard focus, dialogs and an output.
const browsers = testChromiums().filter(() => hasXvfb());

if (browsers.length === 0) {
  reportLeftOut("the Shell suites in a window", "no browser or no X server (package xvfb) is on this machine");
  describe("Shell in a window: chromium", () => {
    test.skip("no browser or no X server is here", () => undefined);
  });
}

for (const { path, name } of browsers.filter(({ windowed }) => windowed)) {
  describe("in a window", () => {
    let screen: VirtualScreen;

    beforeAll(async () => {
      screen = await openVirtualScreen({ width: 1280, height: 720 });
    });

    afterAll(() => screen.close());

    const chromium: ShellUnderTest = { name: `${name} in a window`, keepsPicture: true, makeShell: (folder) => makeTestChromium(path, folder, screen.display) };
    shellConformance(chromium);
    hangConformance(chromium);
  });
}

for (const { path, name } of browsers) shellWindowsConformance({ name, makeShell: (folder, display) => makeTestChromium(path, folder, display), gpuProcess });

async function gpuProcess(folder: string): Promise<number | undefined> {
  const profile = `--user-data-dir=${join(folder, "profile")}`;
  // Children of a zygote have their whole command line in one string.
  const isIt = (pid: number): boolean => [profile, "--type=gpu-process"].every((part) => readProc(pid, "cmdline").includes(part));
  return (await readdir("/proc")).map(Number).find((pid) => Number.isSafeInteger(pid) && isIt(pid));
}
