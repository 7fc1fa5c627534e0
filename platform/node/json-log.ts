import pino, { type Logger } from "pino";
import type { Log } from "../ports/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A log, and the handle by which its level changes at run time. */
export interface JsonLog {
  readonly log: Log;
  setLevel(level: LogLevel): void;
  level(): LogLevel;
}

/** Field paths whose values never reach a log. */
const SECRETS = ["*.claimToken", "claimToken", "*.privateKey", "privateKey", "*.password", "password", "*.token", "token", "headers.authorization"];

/**
 * JSON lines with ISO times to every one of `streams`, without what is secret. No pino transports: a worker thread costs memory
 * and loses its lines in a crash; a line is written when the call returns.
 */
export function createJsonLog(streams: readonly pino.DestinationStream[], level: LogLevel): JsonLog {
  const entries = streams.map((stream): pino.StreamEntry => ({ level: "debug", stream }));
  const logger = pino({ level, base: null, redact: { paths: SECRETS, censor: "[secret]" }, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(entries));
  return {
    log: asLog(logger),
    setLevel: (wanted) => {
      logger.level = wanted;
    },
    level: () => logger.level as LogLevel,
  };
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
