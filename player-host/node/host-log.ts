import { createJsonLog, type LogLevel } from "../../platform/node/json-log.ts";
import { RotatingFile } from "../../platform/node/rotating-file.ts";
import type { Clock } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";

export { RotatingFile };

/** JSON lines to the file and to `also` (the terminal or the journal). */
export function hostLog(file: RotatingFile, also: { write(line: string): unknown }, level: LogLevel, clock: Pick<Clock, "monotonicMs">): Log {
  const destination = { write: (line: string) => void also.write(line) };
  return createJsonLog([file, destination], level, clock).log;
}
