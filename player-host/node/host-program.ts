import { join } from "node:path";
import { makeFolder } from "../../platform/node/make-folder.ts";
import { closeToOthers } from "../../platform/node/private-tree.ts";
import { socketPlaceOf } from "../../platform/node/socket-folder.ts";
import type { Clock, Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import { fail, type Issue, messageOf, ok, type Result, stackOf } from "../../platform/ports/result.ts";
import { playerSocketPath } from "../contract/socket-path.ts";
import { ORDERLY_STOP } from "../host/agent-link.ts";
import type { Shell } from "../stage/shell.ts";
import { composeHost } from "./compose-host.ts";
import { EXIT } from "./exit-codes.ts";
import { hostLog, RotatingFile } from "./host-log.ts";
import { orderlyStops } from "./orderly-stop.ts";
import { parseHostOptions, USAGE, type HostOptions } from "./host-options.ts";
import { takeInstanceLock } from "./instance-lock.ts";
import { parentGone } from "./parent-watch.ts";
import { socketsDir } from "./sockets-dir.ts";

/** Time after which the process exits, whatever is left to do: the launcher waits only two seconds. */
const STOP_DEADLINE_MS = 1_900;
/** The browsers' profiles: skipped, as they have thousands of files and the folder above already blocks access. */
const PROFILES: ReadonlySet<string> = new Set(["chromium", "electron"]);
const LOG_BYTES_MAX = 2 * 1024 * 1024;
/** Errors of a worn, full or read-only disk, tolerated because a picture needs no disk. */
const POOR_DISK = new Set(["EROFS", "ENOSPC", "EDQUOT", "EIO", "EACCES", "EPERM"]);

/** The shell-specific parts of a player host program. */
export interface HostProgram {
  /** Command-line arguments, without those of the shell's own binary. */
  readonly argv: readonly string[];
  /** Returns why the shell cannot start with these options, as a sentence for the user; otherwise `undefined`. */
  readonly refuse?: (options: HostOptions) => string | undefined;
  readonly openShell: (options: HostOptions, deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log }) => Promise<Shell>;
  /** Whether the browser runs in its own sandbox. */
  readonly sandbox: boolean;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
  /** Subscribes to requests to end other than signals. */
  readonly onQuit?: (listener: () => void) => void;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

/** Runs a host on its data folder. Resolves with its exit code (`EXIT`). */
export async function runHostProgram(program: HostProgram): Promise<number> {
  if (program.argv.some((word) => word === "--help" || word === "-h")) {
    process.stdout.write(`${USAGE}\n`);
    return EXIT.stopped;
  }
  const parsed = parseHostOptions(program.argv, process.cwd());
  if (!parsed.ok) return complain(`${parsed.error.message} ${parsed.error.hint ?? ""}`, EXIT.usage);
  const options = parsed.value;
  const refused = program.refuse?.(options);
  if (refused !== undefined) return complain(refused, EXIT.usage);
  const folder = openFolder(join(options.dataDir, "player"));
  if (!folder.ok && folder.error.code === "host.data-folder") return complain(`The data folder ${options.dataDir} cannot be used: ${folder.error.message}`, EXIT.usage);
  const lock = await takeInstanceLock(join(options.dataDir, "player", "host.lock"));
  if (!lock.ok && lock.error.code !== "host.lock-unwritable") return complain(`${lock.error.message} ${lock.error.hint ?? ""}`, EXIT.alreadyRunning);
  const file = new RotatingFile(join(options.logsDir, "player.log"), { bytesMax: LOG_BYTES_MAX, bufferBytesMax: 0 });
  const log = hostLog(file, process.stderr, options.logLevel, program.clock);
  // Private to this user: the scene holds the content's address, the profile holds cookies. The group may read the log.
  process.umask(0o027);
  const openPlaces = folder.ok ? closeToOthers(join(options.dataDir, "player"), { leave: PROFILES }) : [];
  if (openPlaces.length > 0) log.error({ places: openPlaces.slice(0, 20) }, "other users of this machine can read what the player host keeps, and that cannot be changed");
  // A full or read-only disk: the picture comes first.
  for (const poor of [folder, lock]) if (!poor.ok) log.error({ ...poor.error }, "the player host starts on a disk that takes nothing");
  try {
    return await run(program, options, log, () => file.trouble());
  } catch (thrown) {
    log.error({ error: stackOf(thrown) }, "the player host broke");
    return EXIT.crashed;
  } finally {
    if (lock.ok) await lock.value.release();
    file.close();
  }
}

/** Errors: `host.data-folder` (it cannot be one), `host.disk` (the disk does not take it). */
function openFolder(path: string): Result<void> {
  try {
    makeFolder(path, 0o700);
    return ok(undefined);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? "";
    return fail(POOR_DISK.has(code) ? "host.disk" : "host.data-folder", messageOf(thrown));
  }
}

async function run(program: HostProgram, options: HostOptions, log: Log, logTrouble: () => Issue | undefined): Promise<number> {
  const { clock, timers, random } = program;
  const stop = new AbortController();
  let deadline: Timer | undefined;
  const isOrderly = orderlyStops();
  const end = (why: string, orderly: boolean): void => {
    if (stop.signal.aborted) return;
    log.info({ why, orderly }, "stopping");
    stop.abort(orderly ? ORDERLY_STOP : undefined);
    // Nothing may delay the exit after a stop request; the browser ends with its pipe.
    deadline = timers.after("host.stop-deadline", STOP_DEADLINE_MS, () => program.exit(EXIT.stopped));
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => end(signal, isOrderly(signal)));
  program.onQuit?.(() => end("quit", true));
  // A closed terminal or journal must not end the host.
  process.stderr.on("error", () => undefined);
  const shell = await program.openShell(options, { clock, timers, log });
  const agentDir = socketsDir(process.env, options.dataDir);
  const socket = playerSocketPath(socketPlaceOf(agentDir));
  const host = await composeHost({
    dataDir: options.dataDir,
    socket,
    socketsDir: agentDir,
    shell, clock, timers, random, log,
    browser: { why: options.browserWhy, sandbox: program.sandbox, passedOver: options.passedOver },
    trial: options.trial,
    env: process.env,
    logTrouble,
  });
  log.info({ dataDir: options.dataDir, socket: socket.path, headless: options.headless }, "player host starts");
  const launcher = parentGone(process.env, timers, stop.signal).then((gone) => {
    if (gone) end("the launcher is gone", false);
  });
  const how = await host.run(stop.signal);
  stop.abort();
  await launcher;
  deadline?.cancel();
  log.info({ how: how.kind }, "player host ends");
  // The last line, for a launcher that can switch to another browser.
  if (how.kind === "unproven") return complain(how.why, EXIT.unproven);
  return how.kind === "restart" ? EXIT.restart : EXIT.stopped;
}

/** Writes the sentence to stderr and returns `code`. */
export function complain(sentence: string, code: number): number {
  process.stderr.write(`${sentence.trim()}\n`);
  return code;
}
