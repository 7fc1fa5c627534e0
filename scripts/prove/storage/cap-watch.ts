import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Repeatedly checks the real sizes of the files under the outbox's cap, from outside the agent. */
export class CapWatch {
  readonly faults: string[] = [];
  readonly #data: string;
  readonly #capBytes: number;
  #timer: NodeJS.Timeout | undefined;
  #samples = 0;
  #most = 0;

  constructor(data: string, capBytes: number) {
    this.#data = data;
    this.#capBytes = capBytes;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), 5);
  }

  look(): void {
    this.#samples += 1;
    const bytes = bytesUnderCap(this.#data);
    if (bytes > this.#most) this.#most = bytes;
    if (bytes > this.#capBytes && this.faults.length === 0) this.faults.push(`the outbox's files have ${bytes} bytes; the cap is ${this.#capBytes}`);
  }

  /** Stops the checks and returns a summary. */
  stop(): string {
    clearInterval(this.#timer);
    return `largest of ${this.#samples} samples ${this.#most} of ${this.#capBytes} bytes`;
  }
}

/** Bytes of the outbox's files, its WAL and reserve, and its quarantined files. */
export function bytesUnderCap(data: string): number {
  let bytes = 0;
  for (const [folder, wanted] of [[data, /^outbox\.sqlite/], [join(data, "quarantine"), /outbox/]] as const) {
    for (const name of namesIn(folder)) if (wanted.test(name)) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
}
