import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";
import type { Issue } from "../ports/result.ts";

/** Size in bytes at which a log file is rotated. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Lines are buffered up to this many bytes before they are written, to reduce flash wear. */
const BUFFER_BYTES_MAX = 8 * 1024;

/** Suffix of a rotated log, next to the current one; log readers (agent/node/log-files.ts) look for it. */
export const ROTATED_ENDING = ".1";

export interface RotatingFileOptions {
  readonly bytesMax?: number;
  /** 0 writes every line at once. */
  readonly bufferBytesMax?: number;
}

/**
 * A log file that never grows beyond twice its limit: the full file becomes `<name>.1` and a new one
 * begins. If it cannot be renamed, its older half is dropped instead, and the log says so. Write errors never end the process:
 * lost lines are counted, and the count is written with the next line that succeeds. Owner and group may read the file: where
 * the player host runs as a separate user, the agent is in its group.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #bufferBytesMax: number;
  #fd: number | undefined;
  #size = 0;
  #buffer: string[] = [];
  #bufferedBytes = 0;
  #lostLines = 0;
  /** Why the last write failed; absent if it succeeded. */
  #refusal: string | undefined;
  /** Why the full file could not be renamed; absent if it could. */
  #stuck: string | undefined;
  /** Whether a write ended in the middle of a line. */
  #torn = false;

  constructor(path: string, { bytesMax = FILE_BYTES_MAX, bufferBytesMax = BUFFER_BYTES_MAX }: RotatingFileOptions = {}) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#bufferBytesMax = bufferBytesMax;
  }

  /** Writes one line, which includes its line feed. Warnings and errors are written at once, the rest is buffered. */
  write(line: string): void {
    this.#buffer.push(line);
    this.#bufferedBytes += line.length;
    if (this.#bufferedBytes >= this.#bufferBytesMax || !/"level":(?:10|20|30),/.test(line.slice(0, 40))) this.flush();
  }

  flush(): void {
    if (this.#buffer.length === 0 && this.#lostLines === 0) return;
    const lines = this.#buffer;
    this.#buffer = [];
    this.#bufferedBytes = 0;
    try {
      const fd = this.#open();
      const lost = this.#lostLines === 0 ? "" : `{"level":40,"lostLines":${this.#lostLines},"msg":"log lines were lost because the disk refused them"}\n`;
      this.#append(fd, `${this.#torn ? "\n" : ""}${lost}${lines.join("")}`);
      this.#torn = false;
      this.#lostLines = 0;
      this.#refusal = undefined;
      if (this.#size >= this.#bytesMax) this.#makeRoom(fd);
    } catch (thrown) {
      // Logging must not end the process. The loss is logged as soon as a write succeeds again.
      if (!(thrown instanceof Error)) throw thrown;
      this.#lostLines += lines.length;
      this.#refusal = thrown.message;
      this.#close();
    }
  }

  /**
   * Why lines currently do not reach the file, after one more attempt. The message omits the number of lost lines: a
   * message that changes with every line would be reported anew at every check. Errors: `log.not-written`, `log.not-set-aside`.
   */
  trouble(): Issue | undefined {
    if (this.#refusal !== undefined) this.flush();
    if (this.#refusal !== undefined) return { code: "log.not-written", message: `the log ${this.#path} is not written, and its lines are lost: ${this.#refusal}` };
    if (this.#stuck !== undefined) this.#stuck = this.#setAside();
    if (this.#stuck === undefined) return undefined;
    return { code: "log.not-set-aside", message: `the full log ${this.#path} cannot be renamed to ${ROTATED_ENDING}, and its older half is dropped instead: ${this.#stuck}` };
  }

  /** Handles short writes: a nearly full disk may accept only part of the data without an error. */
  #append(fd: number, text: string): void {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) {
      const now = writeSync(fd, bytes, written);
      written += now;
      this.#size += now;
      this.#torn = written < bytes.length;
    }
  }

  /** Flushes everything to disk, for the end of the process. A later line reopens the file. */
  close(): void {
    this.flush();
    if (this.#fd === undefined) return;
    try {
      fsyncSync(this.#fd);
    } catch (thrown) {
      // The disk is gone: there is nowhere left to report it, and the process must still end.
      if (!(thrown instanceof Error)) throw thrown;
    }
    this.#close();
  }

  #open(): number {
    if (this.#fd === undefined) {
      makeFolder(dirname(this.#path), 0o700);
      this.#fd = openSync(this.#path, "a+", 0o640);
      this.#size = fstatSync(this.#fd).size;
    }
    return this.#fd;
  }

  #makeRoom(fd: number): void {
    this.#stuck = this.#setAside();
    if (this.#stuck !== undefined) this.#dropOlderHalf(fd, this.#stuck);
  }

  /** Returns `undefined` on success, otherwise why the file could not be renamed. */
  #setAside(): string | undefined {
    try {
      renameSync(this.#path, `${this.#path}${ROTATED_ENDING}`);
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      return thrown.message;
    }
    this.#close();
    return undefined;
  }

  /** Works in the file itself, so it needs no write access to the folder. */
  #dropOlderHalf(fd: number, why: string): void {
    const newer = Buffer.alloc(Math.min(this.#size, Math.floor(this.#bytesMax / 2)));
    const bytes = readSync(fd, newer, 0, newer.length, this.#size - newer.length);
    const kept = newer.subarray(newer.indexOf("\n") + 1, bytes);
    const dropped = this.#size - kept.length;
    ftruncateSync(fd, 0);
    this.#size = 0;
    this.#append(fd, `${JSON.stringify({ level: 40, droppedBytes: dropped, why, msg: "the log could not be set aside, and its older half was dropped" })}\n${kept.toString("utf8")}`);
  }

  #close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    closeSync(fd);
  }
}
