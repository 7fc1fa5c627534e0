#!/usr/bin/env node
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { socketPlaceOf } from "../../../platform/node/socket-folder.ts";
import type { Timer } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { pageScript } from "../../page-api/page-script.ts";
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
import type { ChromiumSettings } from "./chromium-flags.ts";
import { ChromiumShell } from "./chromium-shell.ts";

const DISK_CACHE_BYTES_MAX = 256 * 1024 * 1024;
/** After this the process ends however much is left to do: whoever asked waits for two seconds. */
const STOP_DEADLINE_MS = 1_900;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parseHostOptions(process.argv.slice(2), process.cwd());
  if (!options.ok) return complain(`${options.error.message} ${options.error.hint ?? ""}`, EXIT.usage);
  const { dataDir, logsDir, browser } = options.value;
  if (browser === undefined) return complain("--browser is missing: the path of a Chromium or Chrome.", EXIT.usage);
  try {
    await mkdir(join(dataDir, "player"), { recursive: true, mode: 0o700 });
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
    return await run(options.value, browser, log);
  } catch (thrown) {
    log.error({ error: thrown instanceof Error ? thrown.stack : String(thrown) }, "the player host broke");
    return EXIT.crashed;
  } finally {
    if (lock.ok) await lock.value.release();
    file.close();
  }
}

async function run(options: HostOptions, browser: string, log: Log): Promise<number> {
  const stop = new AbortController();
  const timers = new SystemTimers(systemClock);
  let deadline: Timer | undefined;
  const end = (why: string): void => {
    if (stop.signal.aborted) return;
    log.info({ why }, "stopping");
    stop.abort();
    // Nothing may keep the process once it was asked to stop; the browser ends with the pipe.
    deadline = timers.after("host.stop-deadline", STOP_DEADLINE_MS, () => process.exit(EXIT.stopped));
  };
  process.on("SIGTERM", () => end("SIGTERM"));
  process.on("SIGINT", () => end("SIGINT"));
  process.on("SIGHUP", () => end("SIGHUP"));
  // A terminal or a journal that went away must not take the picture with it.
  process.stderr.on("error", () => undefined);

  const secret = toHex(systemRandom.bytes(16));
  const shell = new ChromiumShell({
    browserPath: browser,
    settings: settingsOf(options),
    script: { source: pageScript({ binding: `vitrine${secret}`, token: secret }), binding: `vitrine${secret}`, token: secret },
    screens: screenDocument,
    overlayScript,
    clock: systemClock,
    timers,
    log: log.child({ part: "chromium" }),
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
  log.info({ dataDir: options.dataDir, socket: socket.path, headless: options.headless }, "player host starts");
  const launcher = parentGone(process.env, timers, stop.signal).then((gone) => {
    if (gone) end("the launcher is gone");
  });
  const how = await host.run(stop.signal);
  stop.abort();
  await launcher;
  deadline?.cancel();
  log.info({ how }, "player host ends");
  return how === "restart" ? EXIT.restart : EXIT.stopped;
}

function settingsOf({ dataDir, headless, window }: HostOptions): ChromiumSettings {
  const display = process.env["DISPLAY"] !== undefined || process.env["WAYLAND_DISPLAY"] !== undefined;
  return {
    profileDir: join(dataDir, "player", "chromium"),
    headless: headless || (!display && process.platform === "linux"),
    window,
    sandbox: process.getuid?.() !== 0,
    diskCacheBytesMax: DISK_CACHE_BYTES_MAX,
  };
}

function complain(sentence: string, code: number): number {
  process.stderr.write(`${sentence.trim()}\n`);
  return code;
}
