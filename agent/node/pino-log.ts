import pino, { type Logger } from "pino";
import type { Log } from "../../platform/ports/log.ts";
import { RotatingFile } from "./rotating-file.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface PinoLogOptions {
  /** Where JSON lines go, rotated; absent: no file. */
  readonly file?: string;
  /** Whether lines go to standard error too; as JSON when it is a pipe (journald). */
  readonly stderr: boolean;
  /** Coloured lines for people instead. `auto`, the default: where standard error is a terminal. */
  readonly pretty?: "auto" | "always" | "never";
  readonly level: LogLevel;
}

/** The agent's log over pino, and the handle by which its level changes at run time. */
export interface PinoLog {
  readonly log: Log;
  setLevel(level: LogLevel): void;
  level(): LogLevel;
  /** Writes out what is buffered; synchronous, for the end of the process. */
  flush(): void;
}

/** Field paths whose values never reach a log. */
const SECRETS = ["*.claimToken", "claimToken", "*.privateKey", "privateKey", "*.password", "password", "*.token", "token", "headers.authorization"];

/** No pino transports: a worker thread costs memory and loses its lines in a crash. */
export async function createPinoLog(options: PinoLogOptions): Promise<PinoLog> {
  const streams: pino.StreamEntry[] = [];
  let file: RotatingFile | undefined;
  if (options.file !== undefined) {
    file = new RotatingFile(options.file);
    streams.push({ level: "debug", stream: file });
  }
  if (options.stderr) {
    const forPeople = options.pretty === "always" || (options.pretty !== "never" && process.stderr.isTTY);
    streams.push({ level: "debug", stream: forPeople ? await prettyStderr() : pino.destination({ dest: 2, sync: true }) });
  }
  const logger = pino({ level: options.level, base: null, redact: { paths: SECRETS, censor: "[secret]" }, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(streams));
  return {
    log: asLog(logger),
    setLevel: (level) => {
      logger.level = level;
    },
    level: () => logger.level as LogLevel,
    flush: () => file?.flush(),
  };
}

/** Loaded only for a terminal: on a device nobody reads it and it would cost memory. */
async function prettyStderr(): Promise<pino.DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({ destination: 2, sync: true, ignore: "pid,hostname", translateTime: "HH:MM:ss" });
}

function asLog(logger: Logger): Log {
  // A child asks its parent's level at every line, so that one change reaches every part.
  const root = logger;
  const wrap = (bound: Logger): Log => {
    const write = (level: LogLevel) => (fields: Record<string, unknown>, message: string): void => {
      if (root.isLevelEnabled(level)) bound[level](fields, message);
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (bindings) => wrap(bound.child(bindings, { level: "debug" })),
    };
  };
  return wrap(logger.child({}, { level: "debug" }));
}
