import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import pino from "pino";
import type { Log } from "../../../platform/ports/log.ts";

export const LOG_BYTES_MAX = 2 * 1024 * 1024;
export const LOG_FILES_MAX = 3;

/** A file with a size limit: full, it becomes `.1`, that one `.2`, and the oldest goes. A disk that takes nothing loses lines, counted. */
export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #fd: number | undefined;
  #bytes = 0;
  #lost = 0;
  #lostSaid = 0;

  constructor(path: string, bytesMax = LOG_BYTES_MAX) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  /** Lines the disk did not take. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    try {
      const fd = this.#opened(line.length);
      if (this.#lost > this.#lostSaid) {
        this.#bytes += writeSync(fd, `{"level":40,"lostLines":${this.#lost - this.#lostSaid},"msg":"log lines were lost because the disk refused them"}\n`);
        this.#lostSaid = this.#lost;
      }
      this.#bytes += writeSync(fd, line);
    } catch (thrown) {
      // A disk that is full or read-only must neither end the host nor keep it from starting; the hole in the log is told later.
      this.#lost += 1;
      if (!(thrown instanceof Error)) throw thrown;
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #opened(more: number): number {
    if (this.#fd === undefined) this.#open();
    if (this.#bytes + more > this.#bytesMax) this.#rotate();
    return this.#fd ?? this.#open();
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    this.#fd = openSync(this.#path, "a", 0o600);
    this.#bytes = statSync(this.#path).size;
    return this.#fd;
  }

  #rotate(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    for (let n = LOG_FILES_MAX - 1; n >= 1; n -= 1) {
      const from = n === 1 ? this.#path : `${this.#path}.${n - 1}`;
      try {
        renameSync(from, `${this.#path}.${n}`);
      } catch (thrown) {
        // Not that many files yet.
        if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
      }
    }
  }
}

/** JSON lines to the file and to `also` (the terminal or the journal). No worker threads: a line is written when the call returns. */
export function hostLog(file: RotatingFile, also: { write(line: string): unknown }, level: string): Log {
  const destination = {
    write(line: string): void {
      file.write(line);
      also.write(line);
    },
  };
  return wrap(pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination));
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (bindings) => wrap(logger.child(bindings)),
  };
}
