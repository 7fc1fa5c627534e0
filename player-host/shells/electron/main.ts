import { app, BrowserWindow, ipcMain, Menu, protocol, session } from "electron";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WlrCompositor } from "../../../platform/linux/compositor/wlr-compositor.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { diskPackageFolders } from "../../node/disk-package-folders.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { EXIT } from "../../node/exit-codes.ts";
import { parseHostOptions } from "../../node/host-options.ts";
import { complain, runHostProgram, type HostProgram } from "../../node/host-program.ts";
import { overlayScript } from "../cdp/overlay-script.ts";
import { waylandSocket } from "../cdp/wayland-socket.ts";
import { findProfileFolder } from "../../node/profile-folder.ts";
import { ElectronShell } from "./electron-shell.ts";
import { ownArguments } from "./own-arguments.ts";
import { OWN_SCHEMES } from "./own-schemes.ts";

// Everything before `program` must happen before Electron is ready, which waits for this module.
protocol.registerSchemesAsPrivileged(OWN_SCHEMES);
app.enableSandbox();
app.on("window-all-closed", () => undefined);
for (const name of ["disable-background-networking", "disable-component-update", "disable-domain-reliability", "no-pings", "disable-breakpad"]) {
  app.commandLine.appendSwitch(name);
}
// As for Chromium: a package's sandboxed frame in a process of its own would keep WebRTC.
app.commandLine.appendSwitch("disable-features", "IsolateSandboxedIframes");
// A debugging port would bypass every other measure here.
for (const name of ["remote-debugging-port", "remote-debugging-pipe"]) app.commandLine.removeSwitch(name);

const argv = ownArguments(process.argv, app.isPackaged);
const options = parseHostOptions(argv, process.cwd());
// `runHostProgram` reports wrong options and then opens no shell.
const profile = options.ok ? await findProfileFolder(join(options.value.dataDir, "player", "electron"), tmpdir()) : undefined;
if (profile !== undefined) app.setPath("userData", profile.path);
if (options.ok && options.value.headless && process.env["DISPLAY"] !== undefined) {
  // A hidden window paints on X11 but never on Wayland. Electron has already set the switch, and appending does not
  // replace it.
  app.commandLine.removeSwitch("ozone-platform");
  app.commandLine.appendSwitch("ozone-platform", "x11");
}

const program: HostProgram = {
  argv,
  openShell: async ({ headless, window: size }, { clock, timers, log }) => {
    if (profile?.insteadBecause !== undefined) log.error({ why: profile.insteadBecause, profile: profile.path }, "the browser profile cannot be written to the data folder: using a temporary folder");
    await app.whenReady();
    Menu.setApplicationMenu(null);
    const socketPath = headless ? undefined : waylandSocket(process.env);
    return new ElectronShell({
      electron: {
        makeWindow: (options) => new BrowserWindow(options),
        session: session.fromPartition("persist:content"),
        ipcMain,
        app,
        electronVersion: process.versions.electron,
        chromeVersion: process.versions.chrome,
        preloadPath: join(import.meta.dirname, "preload.cjs"),
      },
      headless,
      size,
      compositor: socketPath === undefined ? undefined : new WlrCompositor({ socketPath, clock, timers }),
      screens: screenDocument,
      folders: diskPackageFolders,
      overlayScript,
      clock,
      timers,
      log: log.child({ part: "electron" }),
    });
  },
  sandbox: !app.commandLine.hasSwitch("no-sandbox"),
  exit: (code) => app.exit(code),
  onQuit: (listener) => void app.on("before-quit", listener),
  clock: systemClock,
  timers: new SystemTimers(systemClock),
  random: systemRandom,
};

// Not awaited here: Electron becomes ready only after this module has been evaluated.
runHostProgram(program).then(
  (code) => app.exit(code),
  (thrown: unknown) => app.exit(complain(`The player host could not start: ${messageOf(thrown)}`, EXIT.crashed)),
);
