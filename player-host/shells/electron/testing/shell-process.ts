import { app, BrowserWindow, ipcMain, protocol, session } from "electron";
import { join } from "node:path";
import { systemClock, SystemTimers } from "../../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { diskPackageFolders } from "../../../node/disk-package-folders.ts";
import { screenDocument } from "../../../screens/screen-document.ts";
import { overlayScript } from "../../cdp/overlay-script.ts";
import { serveShell } from "../../testing/remote-shell.ts";
import { ElectronShell } from "../electron-shell.ts";
import { OWN_SCHEMES } from "../own-schemes.ts";

// An Electron process with only the shell, driven by the suite over Node's IPC.
protocol.registerSchemesAsPrivileged(OWN_SCHEMES);
app.on("window-all-closed", () => undefined);
process.on("SIGTERM", () => app.exit(0));
process.on("disconnect", () => app.exit(0));
app.setPath("userData", process.env["VITRINE_TEST_FOLDER"] ?? "");
app.whenReady().then(
  () => {
    const shell = new ElectronShell({
      electron: {
        makeWindow: (options) => new BrowserWindow(options),
        session: session.fromPartition("persist:content"),
        ipcMain,
        app,
        electronVersion: process.versions.electron,
        chromeVersion: process.versions.chrome,
        preloadPath: join(import.meta.dirname, "preload.cjs"),
      },
      headless: true,
      size: { width: 1280, height: 720 },
      screens: screenDocument,
      folders: diskPackageFolders,
      overlayScript,
      clock: systemClock,
      timers: new SystemTimers(systemClock),
      log: silentLog,
    });
    serveShell(shell, process);
  },
  () => app.exit(1),
);
