import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Size at which a log file is set aside, in bytes. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Lines are gathered up to this many bytes before they are written, to spare the flash. */
const BUFFER_BYTES_MAX = 8 * 1024;

/**
 * A log file that never grows beyond twice its limit: the full file becomes `<name>.1` and a new one
 * begins. A disk that refuses is no reason to end: the lines are counted as lost and the count is
 * written with the next line that can be.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #fd: number | undefined;
  #size = 0;
  #buffer: string[] = [];
  #bufferedBytes = 0;
  #lostLines = 0;

  constructor(path: string, bytesMax: number = FILE_BYTES_MAX) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  /** One line, with its line feed. Warnings and errors are written at once, the rest when enough is there. */
  write(line: string): void {
    this.#buffer.push(line);
    this.#bufferedBytes += line.length;
    if (this.#bufferedBytes >= BUFFER_BYTES_MAX || !/"level":(?:10|20|30),/.test(line.slice(0, 40))) this.flush();
  }

  flush(): void {
    if (this.#buffer.length === 0) return;
    const lines = this.#buffer;
    this.#buffer = [];
    this.#bufferedBytes = 0;
    try {
      const fd = this.#open();
      if (this.#lostLines > 0) {
        lines.unshift(`{"level":40,"lostLines":${this.#lostLines},"msg":"log lines were lost because the disk refused them"}\n`);
      }
      this.#size += writeSync(fd, lines.join(""));
      this.#lostLines = 0;
      if (this.#size >= this.#bytesMax) this.#rotate();
    } catch (thrown) {
      // Logging must not end the agent; what was lost is said as soon as a write works again.
      this.#lostLines += lines.length;
      this.#close();
      if (!(thrown instanceof Error)) throw thrown;
    }
  }

  #open(): number {
    if (this.#fd === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(this.#path, "a", 0o640);
      this.#size = fstatSync(this.#fd).size;
    }
    return this.#fd;
  }

  #rotate(): void {
    this.#close();
    renameSync(this.#path, `${this.#path}.1`);
  }

  #close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}
