import pino, { type Logger } from "pino";
import type { Log } from "../ports/log.ts";
import { LOG_LIMITS, redact, redactText } from "../runtime/redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A log, and the handle by which its level changes at run time. */
export interface JsonLog {
  readonly log: Log;
  setLevel(level: LogLevel): void;
  level(): LogLevel;
}

/**
 * JSON lines with ISO times to every one of `streams`, without what is secret (see `redact`). No pino transports: a worker thread costs memory
 * and loses its lines in a crash; a line is written when the call returns.
 */
export function createJsonLog(streams: readonly pino.DestinationStream[], level: LogLevel): JsonLog {
  const entries = streams.map((stream): pino.StreamEntry => ({ level: "debug", stream }));
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(entries));
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
      if (root.isLevelEnabled(level)) bound[level](redact(fields, LOG_LIMITS) as Record<string, unknown>, redactText(message.slice(0, LOG_LIMITS.textMax)));
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (bindings) => wrap(bound.child(redact(bindings, LOG_LIMITS) as Record<string, unknown>, { level: "debug" })),
    };
  };
  return wrap(logger.child({}, { level: "debug" }));
}
