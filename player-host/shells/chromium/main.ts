#!/usr/bin/env node
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WlrCompositor } from "../../../platform/linux/compositor/wlr-compositor.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { pageScript } from "../../page-api/page-script.ts";
import { diskPackageFolders } from "../../node/disk-package-folders.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { runHostProgram } from "../../node/host-program.ts";
import type { HostOptions } from "../../node/host-options.ts";
import { overlayScript } from "../cdp/overlay-script.ts";
import { waylandSocket } from "../cdp/wayland-socket.ts";
import { findProfileFolder } from "../../node/profile-folder.ts";
import { ozonePlatform } from "./browser-environment.ts";
import type { ChromiumSettings } from "./chromium-flags.ts";
import { ChromiumShell } from "./chromium-shell.ts";

const DISK_CACHE_BYTES_MAX = 256 * 1024 * 1024;
/** Chromium refuses to run its sandbox as root. */
const HAS_SANDBOX = process.getuid?.() !== 0;

process.exitCode = await runHostProgram({
  argv: process.argv.slice(2),
  refuse: ({ browser }) => (browser === undefined ? "--browser is missing: the path of a Chromium or Chrome." : undefined),
  openShell: (options, { clock, timers, log }) => {
    const settings = settingsOf(options);
    const socketPath = settings.headless || settings.ozone !== "wayland" ? undefined : waylandSocket(process.env);
    const secret = toHex(systemRandom.bytes(16));
    const shell = new ChromiumShell({
      browserPath: options.browser ?? "",
      env: process.env,
      settings,
      compositor: socketPath === undefined ? undefined : new WlrCompositor({ socketPath, clock, timers }),
      findProfile: (wanted) => findProfileFolder(wanted, tmpdir()),
      script: { source: pageScript({ binding: `vitrine${secret}`, token: secret }), binding: `vitrine${secret}`, token: secret },
      screens: screenDocument,
      folders: diskPackageFolders,
      overlayScript,
      clock,
      timers,
      log: log.child({ part: "chromium" }),
    });
    return Promise.resolve(shell);
  },
  sandbox: HAS_SANDBOX,
  exit: (code) => process.exit(code),
  clock: systemClock,
  timers: new SystemTimers(systemClock),
  random: systemRandom,
});

function settingsOf({ dataDir, headless, window }: HostOptions): ChromiumSettings {
  const ozone = ozonePlatform(process.env, existsSync);
  return {
    profileDir: join(dataDir, "player", "chromium"),
    headless: headless || (ozone === undefined && process.platform === "linux"),
    ozone,
    window,
    sandbox: HAS_SANDBOX,
    diskCacheBytesMax: DISK_CACHE_BYTES_MAX,
  };
}
