import pino, { type Logger } from "pino";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { LogLimit } from "../runtime/log-limit.ts";
import { LOG_LIMITS, redact, redactText } from "../runtime/redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A log, and the handle by which its level changes at run time. */
export interface JsonLog {
  readonly log: Log;
  setLevel(level: LogLevel): void;
  level(): LogLevel;
  /** Writes the pending counts of omitted lines. Called at the end of the process and before logs are read. */
  tellLeftOut(): void;
}

/**
 * Writes JSON lines with ISO timestamps to all `streams`. Secrets are removed (see `redact`) and the rate is bounded by
 * `LogLimit`. Uses no pino transports: a worker thread costs memory and loses its lines in a crash; here a line has been
 * written when the call returns.
 */
export function createJsonLog(streams: readonly pino.DestinationStream[], level: LogLevel, clock: Pick<Clock, "monotonicMs">): JsonLog {
  const entries = streams.map((stream): pino.StreamEntry => ({ level: "debug", stream }));
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(entries));
  const limit = new LogLimit(clock);
  const tell = (now: boolean): void => {
    for (const { text, leftOut } of limit.untold(now)) logger.warn({ leftOut, text: redactText(text) }, "lines of this text were left out: too many");
  };
  return {
    log: asLog(logger, limit, tell),
    tellLeftOut: () => tell(true),
    setLevel: (wanted) => {
      logger.level = wanted;
    },
    level: () => logger.level as LogLevel,
  };
}

function asLog(logger: Logger, limit: LogLimit, tell: (now: boolean) => void): Log {
  // A child checks the root's level for every line, so that one change applies everywhere.
  const root = logger;
  const wrap = (bound: Logger): Log => {
    const write = (level: LogLevel) => (fields: Record<string, unknown>, message: string): void => {
      if (!root.isLevelEnabled(level)) return;
      const { admitted, leftOut } = limit.admit(message);
      if (!admitted) return;
      const shown = redact(leftOut === 0 ? fields : { ...fields, leftOut }, LOG_LIMITS) as Record<string, unknown>;
      bound[level](shown, redactText(message.slice(0, LOG_LIMITS.textMax)));
      tell(false);
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
