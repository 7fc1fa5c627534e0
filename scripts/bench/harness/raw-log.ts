import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";

/** The least a durable append can cost: bytes added to a file, and one fdatasync. Nothing else, in place. */
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
