import { describe, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { ShellEvent } from "../../stage/shell.ts";
import { ElectronShell } from "./electron-shell.ts";
import { FakeElectron } from "./testing/fake-electron.ts";
import { MemoryPackageFolders } from "../../host/testing/memory-package-folders.ts";

function makeShell(electron: FakeElectron, headless = false): { shell: ElectronShell; events: ShellEvent[] } {
  const shell = new ElectronShell({
    electron: electron.parts(),
    headless,
    size: { width: 1920, height: 1080 },
    screens: () => ({ html: "", csp: "" }),
    folders: new MemoryPackageFolders(),
    overlayScript: () => "",
    clock: systemClock,
    timers: new SystemTimers(),
    log: silentLog,
  });
  const events: ShellEvent[] = [];
  shell.onEvent((event) => events.push(event));
  return { shell, events };
}

describe("the window that the shell opens", () => {
  test("keeps the page away from Node, from Electron and from other pages' data", async () => {
    const electron = new FakeElectron();
    const { shell } = makeShell(electron);
    expect(await shell.start()).toMatchObject({ ok: true });
    const preferences = electron.windows[0]?.webPreferences ?? {};
    for (const on of ["sandbox", "contextIsolation", "webSecurity"] as const) expect(preferences[on], on).toBe(true);
    const off = ["nodeIntegration", "nodeIntegrationInWorker", "nodeIntegrationInSubFrames", "webviewTag", "allowRunningInsecureContent", "experimentalFeatures", "devTools"] as const;
    for (const name of off) expect(preferences[name], name).toBe(false);
    expect(preferences.session).toBe(electron.session);
    expect(preferences.preload).toBe("/app/preload.cjs");
    await shell.stop();
  });

  test("covers the screen up to its corners", async () => {
    const electron = new FakeElectron();
    const { shell } = makeShell(electron);
    await shell.start();
    expect(electron.windows[0]).toMatchObject({ kiosk: true, fullscreen: true, show: true, frame: false, roundedCorners: false });
    await shell.stop();
  });

  test("is drawn off screen, pixel for pixel, when it is headless", async () => {
    const electron = new FakeElectron();
    const { shell } = makeShell(electron, true);
    await shell.start();
    expect(electron.windows[0]).toMatchObject({ kiosk: false, show: false, webPreferences: { offscreen: { deviceScaleFactor: 1 } } });
    await shell.stop();
  });
});

describe("what outlives the window", () => {
  test("has no listeners of ours after the shell has stopped, and handles none of our schemes", async () => {
    const electron = new FakeElectron();
    const { shell } = makeShell(electron);
    await shell.start();
    expect(electron.listeners()).toBeGreaterThan(0);
    await shell.stop();
    expect(electron.listeners()).toBe(0);
    expect(electron.schemes.size).toBe(0);
  });

  test("refuses a download once, however often the window was opened", async () => {
    const electron = new FakeElectron();
    const { shell, events } = makeShell(electron);
    for (let round = 0; round < 3; round += 1) {
      await shell.start();
      await shell.stop();
    }
    await shell.start();
    electron.session.emit("will-download", { preventDefault: () => undefined }, { getURL: () => "https://menu.example/x.zip" });
    expect(events.filter((event) => event.kind === "refused")).toHaveLength(1);
    await shell.stop();
  });

  test("is unchanged by a window that could not be opened", async () => {
    const electron = new FakeElectron();
    electron.frameTree = () => Promise.reject(new Error("Target closed"));
    const { shell } = makeShell(electron);
    expect(await shell.start()).toMatchObject({ ok: false, error: { code: "shell.not-started" } });
    expect(electron.listeners()).toBe(0);
    electron.frameTree = () => Promise.resolve({ frameTree: { frame: { id: "main" } } });
    expect(await shell.start()).toMatchObject({ ok: true });
    await shell.stop();
  });
});
