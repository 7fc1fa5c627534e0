import { existsSync } from "node:fs";
import { join } from "node:path";
import { pino, type Logger } from "pino";
import { PinoPretty } from "pino-pretty";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { startDevCloud, type DevCloud } from "./dev-cloud.ts";
import { parseOptions, type DevCloudOptions } from "./options.ts";

/** The development cloud as a program. Exit codes: 0 stopped on request, 1 failed to start or crashed, 2 invalid options. */

const VERSION = "0.1.0";
const STOP_MS = 1_000;
const PARENT_EVERY_MS = 1_000;

const parsed = parseOptions(process.argv.slice(2));
if (parsed.ok) await run(withDefaults(parsed.value));
else {
  process.stderr.write(`${parsed.error.message}\n\n${parsed.error.hint ?? ""}`);
  process.exitCode = 2;
}

async function run(options: DevCloudOptions): Promise<void> {
  const logger = loggerFor(options);
  let running: DevCloud;
  try {
    running = await startDevCloud(options, portOf(logger), VERSION);
  } catch (thrown) {
    process.stderr.write(`${sentenceFor(thrown, options)}\n`);
    process.exitCode = 1;
    return;
  }
  const unlisted =
    options.host === "127.0.0.1"
      ? undefined
      : `Listening on ${options.host}: anyone who reaches this port can command every device. There is no password.`;
  if (unlisted !== undefined) process.stderr.write(`Warning: ${unlisted}\n`);
  sayReady(running, options);
  stopOn(running, logger);
}

function sayReady(running: DevCloud, options: DevCloudOptions): void {
  const deviceEndpoint = `${running.base.replace(/^http/, "ws")}/device/v1`;
  if (options.json) {
    const facts = {
      ready: true,
      url: running.base,
      deviceEndpoint,
      purpose: "development and tests",
      dashboard: options.dashboard !== undefined,
      pid: process.pid,
    };
    process.stdout.write(`${JSON.stringify(facts)}\n`);
    return;
  }
  process.stdout.write(
    `Development cloud (for development and tests only) at ${running.base} - devices connect to ${deviceEndpoint}\n`,
  );
}

function stopOn(running: DevCloud, logger: Logger): void {
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ why }, "stopping");
    // Exit even when something hangs: everything acknowledged is already on disk.
    setTimeout(() => process.exit(0), STOP_MS - 100).unref();
    running.stop().then(
      () => process.exit(0),
      (thrown: unknown) => {
        logger.error({ error: messageOf(thrown) }, "stopping failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGHUP", () => stop("SIGHUP"));
  process.on("uncaughtException", (thrown) => {
    logger.fatal({ error: thrown.stack ?? thrown.message }, "unexpected error; exiting");
    process.exit(1);
  });
  watchParent(stop);
}

/** Stops when the parent process is gone: it may have been killed before it could stop this one. */
function watchParent(stop: (why: string) => void): void {
  const parent = Number(process.env["VITRINE_PARENT_PID"]);
  if (!Number.isInteger(parent) || parent <= 1) return;
  setInterval(() => {
    try {
      process.kill(parent, 0);
    } catch {
      // ESRCH: the parent is gone. EPERM cannot occur: it runs as the same user.
      stop("the parent process is gone");
    }
  }, PARENT_EVERY_MS).unref();
}

function sentenceFor(thrown: unknown, options: DevCloudOptions): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return `Port ${options.port} is taken. Stop the program that uses it, or choose another with --port.`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "SQLITE_CANTOPEN":
      return `${options.data} or port ${options.port} cannot be used (${messageOf(thrown)}). Choose another with --data or --port.`;
    case "ENOSPC":
    case "SQLITE_FULL":
      return `The disk with ${options.data} is full. Free some space, or choose another folder with --data.`;
    case "SQLITE_BUSY":
    case "SQLITE_BUSY_SNAPSHOT":
      return `Another development cloud is using ${options.data}. Stop it, or choose another folder with --data.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `This machine has no address ${options.host}.`;
    default:
      return `The development cloud could not start: ${messageOf(thrown)}`;
  }
}

/** Finds the built dashboard and sample content: beside a bundle in dist/, or in dist/ of a source tree. */
function withDefaults(options: DevCloudOptions): DevCloudOptions {
  const here = import.meta.dirname;
  const roots = [join(here, "..", ".."), join(here, "..")];
  const dashboard =
    options.dashboard ??
    first(roots.flatMap((root) => [join(root, "dist/dev-cloud/dashboard"), join(root, "dev-cloud/dashboard")]));
  const sample =
    options.sample ??
    first(roots.flatMap((root) => [join(root, "dist/player-host/sample"), join(root, "player-host/sample/dist")]));
  return { ...options, ...(dashboard === undefined ? {} : { dashboard }), ...(sample === undefined ? {} : { sample }) };
}

function first(folders: readonly string[]): string | undefined {
  return folders.find((folder) => existsSync(join(folder, "index.html")));
}

function loggerFor(options: DevCloudOptions): Logger {
  const level = process.env["VITRINE_LOG_LEVEL"] ?? "info";
  if (options.json || !process.stdout.isTTY)
    return pino({ level, base: { program: "dev-cloud" } }, pino.destination({ fd: 2, sync: true }));
  return pino({ level, base: undefined }, PinoPretty({ destination: 2, sync: true, colorize: true }));
}

function portOf(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (bindings) => portOf(logger.child(bindings)),
  };
}
