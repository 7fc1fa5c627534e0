#!/usr/bin/env node
import { resolve } from "node:path";
import { exitWithin, systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { limitExit } from "../../platform/linux/kernel/limited-exit.ts";
import { makeFolder } from "../../platform/node/make-folder.ts";
import { closeToOthers, type OpenPlace, type PrivateTreeOptions } from "../../platform/node/private-tree.ts";
import { takeProcessLock } from "../../platform/node/process-lock.ts";
import type { Timer } from "../../platform/ports/clock.ts";
import { messageOf, stackOf } from "../../platform/ports/result.ts";
import { configEntry, CONFIG_KEYS, flagName } from "../core/config/config-table.ts";
import { redactText } from "../../platform/runtime/redact.ts";
import { compose } from "./compose.ts";
import { readConfig, type Misuse, type ReadConfig } from "./config/read-config.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { pathsIn } from "./paths.ts";
import { createPinoLog } from "./pino-log.ts";
import { VERSION } from "./version.ts";

/** Short names for the most used flags. */
const ALIASES: Readonly<Record<string, string>> = { "--cloud": "--cloud-endpoints", "--name": "--device-name" };
/** A stop that takes longer counts as a hang. With the time for the exit (`limitExit`) it ends before systemd kills (`TimeoutStopSec=10`). */
const STOP_TIMEOUT_MS = 5_000;
/** Longest wait for what is under way after the stop. */
const LINGER_MS = 1_500;

process.exitCode = await main(process.argv.slice(2));
// A failed start or a bug may leave anything open.
if (process.exitCode === EXIT.failed) process.exit();
// What is under way, such as the link's goodbye, gets a moment; a handle that was left open must not keep the process.
exitWithin(LINGER_MS);

async function main(argv: readonly string[]): Promise<ExitCode> {
  if (argv.includes("--help") || argv.includes("-h")) return printAndEnd(help());
  if (argv.includes("--version")) return printAndEnd(VERSION);
  const config = await readConfig(argv.map((word) => withAlias(word)), process.env);
  if (config.misuses.length > 0) return refuse(config.misuses, EXIT.usage);
  if (config.values.strict && config.issues.length > 0) return refuse(config.issues);
  const data = resolve(config.values.data);
  const paths = pathsIn(data);
  try {
    makeFolder(data, 0o700);
  } catch (thrown) {
    // Not a configuration error: the disk may be mounted later, so a restart can help.
    return refuse([{ message: `the data folder ${data} cannot be created: ${messageOf(thrown)}`, hint: "name another one with --data DIR" }], EXIT.failed);
  }
  const sharing = config.values["player.group"] !== "";
  // New files are closed to other users; with `player.group` the player host's group can read packages.
  process.umask(sharing ? 0o027 : 0o077);
  const openPlaces = closeToOthers(data, privateData(config));
  const lock = takeProcessLock(`${paths.data}/agent.lock`);
  // An unwritable disk does not stop the device; a second agent on the same data would corrupt it.
  if (!lock.ok && lock.error.code !== "lock.unwritable") {
    return refuse([{ message: `another agent runs on this data folder: ${lock.error.message}`, hint: "stop it, or use another folder with --data DIR" }], EXIT.failed);
  }
  try {
    return await runAgent(config, data, openPlaces);
  } finally {
    if (lock.ok) lock.value();
  }
}

async function runAgent(config: ReadConfig, data: string, openPlaces: readonly OpenPlace[]): Promise<ExitCode> {
  const paths = pathsIn(data, { content: config.values["content.dir"], playerLogs: config.values["player.logsDir"] });
  const pino = await createPinoLog({ file: paths.agentLog, stderr: true, pretty: config.values["log.pretty"], level: config.values["log.level"], clock: systemClock });
  const { log } = pino;
  for (const issue of config.issues) log.warn({ ...issue }, "part of the configuration is ignored");
  const stop = new AbortController();
  let exitCode: ExitCode = EXIT.stopped;
  const end = (code: ExitCode): void => {
    exitCode = code;
    stop.abort();
  };
  process.on("uncaughtExceptionMonitor", (thrown, origin) => {
    // The process is about to end. Without this the reason would reach standard error only, and the last lines would be lost.
    log.error({ error: stackOf(thrown), origin }, "the agent is ending because of an uncaught exception");
    pino.flush();
  });
  limitExit();
  const settled = onSignals(() => end(EXIT.stopped), () => pino.flush());
  try {
    const agent = await compose({ config, paths, pino, openPlaces, signal: stop.signal, version: VERSION });
    await agent.run(stop.signal);
  } catch (thrown) {
    log.error({ error: stackOf(thrown) }, "the agent failed");
    exitCode = EXIT.failed;
  } finally {
    settled();
    pino.flush();
  }
  return exitCode;
}

/**
 * Permissions inside the data folder. Sockets and packages set their own modes; unless both have a folder elsewhere, the
 * player's group must be able to pass through this one.
 */
function privateData({ values }: ReadConfig): PrivateTreeOptions {
  const passesBy = values["player.group"] !== "" && (values["sockets.dir"] === "" || values["content.dir"] === "");
  return { rootMode: passesBy ? 0o711 : 0o700, leave: new Set(["run", "content", "player"]), groupReads: new Set(["logs"]) };
}

/**
 * Handles SIGTERM and SIGINT for the agent. A second signal, or a stop that hangs, ends the process. Call the returned
 * function once the agent has stopped.
 */
function onSignals(stop: () => void, flush: () => void): () => void {
  const timers = new SystemTimers();
  let deadline: Timer | undefined;
  const force = (): void => {
    flush();
    process.exit(EXIT.failed);
  };
  const handle = (): void => {
    if (deadline !== undefined) return force();
    deadline = timers.after("main.stop-deadline", STOP_TIMEOUT_MS, force);
    stop();
  };
  process.on("SIGTERM", handle);
  process.on("SIGINT", handle);
  return () => deadline?.cancel();
}

function withAlias(word: string): string {
  const [name = "", ...value] = word.split("=");
  const alias = ALIASES[name];
  return alias === undefined ? word : [alias, ...value].join("=");
}

function help(): string {
  const keys = CONFIG_KEYS.map((key) => `  ${flagName(key).padEnd(36)} ${configEntry(key).description}`);
  return ["vitrine-agent: the agent of a Vitrine device.", "", "usage: node dist/agent/main.js [--key value …]", "", ...keys, "", "The configuration file is --config-file, else config.json in the folder of --data. docs/configuration.md has types and defaults."].join("\n");
}

function printAndEnd(text: string): ExitCode {
  process.stdout.write(`${text}\n`);
  return EXIT.stopped;
}

/** Names every reason, so that one start is enough to correct all. */
function refuse(reasons: readonly Misuse[], code: ExitCode = EXIT.badConfiguration): ExitCode {
  for (const { message, hint } of reasons) process.stderr.write(`vitrine-agent: ${redactText(message)}\n${hint === "" ? "" : `  → ${hint}\n`}`);
  return code;
}
