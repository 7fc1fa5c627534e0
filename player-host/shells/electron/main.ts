import { app, BrowserWindow, ipcMain, Menu, protocol, session } from "electron";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { socketPlaceOf } from "../../../platform/node/socket-folder.ts";
import type { Timer } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { screenDocument } from "../../screens/screen-document.ts";
import { composeHost } from "../common/compose-host.ts";
import { EXIT } from "../common/exit-codes.ts";
import { hostLog, RotatingFile } from "../common/host-log.ts";
import { parseHostOptions, type HostOptions } from "../common/host-options.ts";
import { takeInstanceLock } from "../common/instance-lock.ts";
import { openAgentSocket } from "../common/open-agent-socket.ts";
import { overlayScript } from "../common/overlay-script.ts";
import { parentGone } from "../common/parent-watch.ts";
import { socketsDir } from "../common/sockets-dir.ts";
import { ElectronShell } from "./electron-shell.ts";
import { OWN_SCHEMES } from "./own-schemes.ts";

const STOP_DEADLINE_MS = 1_900;

// Everything in this block has to happen before Electron is ready.
protocol.registerSchemesAsPrivileged(OWN_SCHEMES);
app.enableSandbox();
app.on("window-all-closed", () => undefined);
for (const name of ["disable-background-networking", "disable-component-update", "disable-domain-reliability", "no-pings", "disable-breakpad"]) {
  app.commandLine.appendSwitch(name);
}
// A debugging port would be a way around everything else here.
for (const name of ["remote-debugging-port", "remote-debugging-pipe"]) app.commandLine.removeSwitch(name);

// Not awaited here: Electron becomes ready only after this module has been evaluated.
main().then(
  (code) => app.exit(code),
  (thrown: unknown) => app.exit(complain(`The player host could not start: ${messageOf(thrown)}`, EXIT.crashed)),
);

async function main(): Promise<number> {
  const options = parseHostOptions(process.argv.slice(app.isPackaged ? 1 : 2).filter((flag) => flag !== "--no-sandbox"), process.cwd());
  if (!options.ok) return complain(`${options.error.message} ${options.error.hint ?? ""}`, EXIT.usage);
  const { dataDir, logsDir } = options.value;
  try {
    await mkdir(join(dataDir, "player", "electron"), { recursive: true, mode: 0o700 });
  } catch (thrown) {
    return complain(`The data folder ${dataDir} cannot be used: ${messageOf(thrown)}`, EXIT.usage);
  }
  const lock = await takeInstanceLock(join(dataDir, "player", "host.lock"));
  if (!lock.ok && lock.error.code !== "host.lock-unwritable") return complain(`${lock.error.message} ${lock.error.hint ?? ""}`, EXIT.alreadyRunning);
  const file = new RotatingFile(join(logsDir, "player.log"));
  const log = hostLog(file, process.stderr, options.value.logLevel);
  // A full or read-only disk: the picture comes first.
  if (!lock.ok) log.error({ ...lock.error }, "the player host starts without its lock");
  try {
    app.setPath("userData", join(dataDir, "player", "electron"));
    await app.whenReady();
    Menu.setApplicationMenu(null);
    return await run(options.value, log);
  } catch (thrown) {
    log.error({ error: thrown instanceof Error ? thrown.stack : String(thrown) }, "the player host broke");
    return EXIT.crashed;
  } finally {
    if (lock.ok) await lock.value.release();
    file.close();
  }
}

async function run(options: HostOptions, log: Log): Promise<number> {
  const stop = new AbortController();
  const timers = new SystemTimers(systemClock);
  let deadline: Timer | undefined;
  const end = (why: string): void => {
    if (stop.signal.aborted) return;
    log.info({ why }, "stopping");
    stop.abort();
    deadline = timers.after("host.stop-deadline", STOP_DEADLINE_MS, () => app.exit(EXIT.stopped));
  };
  process.on("SIGTERM", () => end("SIGTERM"));
  process.on("SIGINT", () => end("SIGINT"));
  process.on("SIGHUP", () => end("SIGHUP"));
  app.on("before-quit", () => end("quit"));
  process.stderr.on("error", () => undefined);
  const shell = new ElectronShell({
    electron: {
      makeWindow: (window) => new BrowserWindow(window),
      session: session.fromPartition("persist:content"),
      ipcMain,
      app,
      electronVersion: process.versions.electron,
      chromeVersion: process.versions.chrome,
      preloadPath: join(import.meta.dirname, "preload.cjs"),
    },
    headless: options.headless,
    size: options.window,
    screens: screenDocument,
    overlayScript,
    clock: systemClock,
    timers,
    log: log.child({ part: "electron" }),
  });
  const dataDir = socketsDir(process.env, options.dataDir);
  const socket = playerSocketPath(socketPlaceOf(dataDir));
  const host = await composeHost({
    dataDir: options.dataDir,
    openLink: () => openAgentSocket(socket, dataDir),
    shell,
    clock: systemClock,
    timers,
    random: systemRandom,
    log,
    env: process.env,
    pid: process.pid,
    hostBytes: () => process.memoryUsage.rss(),
  });
  const launcher = parentGone(process.env, timers, stop.signal).then((gone) => {
    if (gone) end("the launcher is gone");
  });
  const how = await host.run(stop.signal);
  stop.abort();
  await launcher;
  deadline?.cancel();
  return how === "restart" ? EXIT.restart : EXIT.stopped;
}

function complain(sentence: string, code: number): number {
  process.stderr.write(`${sentence.trim()}\n`);
  return code;
}
