import pino from "pino";
import type { Clock } from "../../platform/ports/clock.ts";
import { messageOf, type Issue } from "../../platform/ports/result.ts";
import { createJsonLog, type JsonLog, type LogLevel } from "../../platform/node/json-log.ts";
import { RotatingFile } from "../../platform/node/rotating-file.ts";

export type { LogLevel };

export interface PinoLogOptions {
  /** File for JSON lines, rotated. Absent: no file. */
  readonly file?: string;
  /** Whether lines also go to standard error, as JSON when that is a pipe (journald). */
  readonly stderr: boolean;
  /** Coloured lines for people on standard error. `auto` (default): only when it is a terminal. */
  readonly pretty?: "auto" | "always" | "never";
  readonly level: LogLevel;
  readonly clock: Pick<Clock, "monotonicMs">;
}

export interface PinoLog extends JsonLog {
  /** Writes out the buffer synchronously, for the end of the process. */
  flush(): void;
  /** Why lines do not reach the file; `undefined` while they do. */
  trouble(): Issue | undefined;
}

export async function createPinoLog(options: PinoLogOptions): Promise<PinoLog> {
  const streams: pino.DestinationStream[] = [];
  const file = options.file === undefined ? undefined : new RotatingFile(options.file);
  if (file !== undefined) streams.push(file);
  if (options.stderr) {
    const forPeople = options.pretty === "always" || (options.pretty !== "never" && process.stderr.isTTY);
    streams.push((forPeople ? await prettyStderr() : undefined) ?? pino.destination({ dest: 2, sync: true }));
  }
  const log = createJsonLog(streams, options.level, options.clock);
  return {
    ...log,
    flush: () => {
      log.tellLeftOut();
      file?.flush();
    },
    trouble: () => file?.trouble(),
  };
}

/** Loaded only for a terminal, because it costs memory. `undefined` if it cannot be loaded: the log works without colours. */
async function prettyStderr(): Promise<pino.DestinationStream | undefined> {
  const loaded = await import("pino-pretty").catch((thrown: unknown) => {
    process.stderr.write(`vitrine-agent: logging JSON because pino-pretty cannot be loaded: ${messageOf(thrown)}\n`);
    return undefined;
  });
  return loaded?.default({ destination: 2, sync: true, ignore: "pid,hostname", translateTime: "HH:MM:ss" });
}
