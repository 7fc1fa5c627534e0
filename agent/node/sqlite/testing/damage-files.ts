import { ftruncateSync, openSync, closeSync, readSync, writeSync, statSync } from "node:fs";
import type { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";

/** Description of a damage, printed when a test fails. */
export interface Damage {
  readonly file: string;
  readonly kind: "truncated" | "bits" | "zeroed" | "garbage";
  readonly at: number;
  readonly bytes: number;
}

/** Damages a file like a dying flash card: truncates it, flips bits, or overwrites a stretch with zeros or garbage. */
export function damageFile(path: string, random: SeededRandom): Damage {
  const { size } = statSync(path);
  const at = random.integer(0, Math.max(0, size - 1));
  const fd = openSync(path, "r+");
  try {
    const kind = (["truncated", "bits", "zeroed", "garbage"] as const)[random.integer(0, 3)] ?? "bits";
    if (kind === "truncated") {
      ftruncateSync(fd, at);
      return { file: path, kind, at, bytes: size - at };
    }
    const bytes = kind === "bits" ? random.integer(1, 8) : Math.min(size - at, random.integer(1, 8_192));
    if (kind === "bits") for (let i = 0; i < bytes; i += 1) flipBit(fd, random.integer(0, Math.max(0, size - 1)), random.integer(0, 7));
    else writeSync(fd, kind === "zeroed" ? new Uint8Array(bytes) : random.bytes(bytes), 0, bytes, at);
    return { file: path, kind, at, bytes };
  } finally {
    closeSync(fd);
  }
}

function flipBit(fd: number, at: number, bit: number): void {
  const byte = new Uint8Array(1);
  if (readSync(fd, byte, 0, 1, at) === 0) return;
  writeSync(fd, Uint8Array.of((byte[0] ?? 0) ^ (1 << bit)), 0, 1, at);
}
