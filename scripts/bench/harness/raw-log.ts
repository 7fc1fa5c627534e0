import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";

/** The floor for a durable append: one write to a file and one fdatasync. */
export class RawLog {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, "a");
  }

  append(bytes: Uint8Array): void {
    writeSync(this.#fd, bytes);
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
