import type { Reading } from "../../../platform/ports/reading.ts";

/** A reading as on the wire: without its monotonic time, which means nothing elsewhere and would make every reading a change. */
export type WireReading<T> = { readonly kind: "ok"; readonly value: T } | Exclude<Reading<T>, { kind: "ok" }>;

const TEXT_MAX = 1000;

export function wireReading<T>(reading: Reading<T>): WireReading<T> {
  switch (reading.kind) {
    case "ok":
      return { kind: "ok", value: reading.value };
    case "unsupported":
      return { kind: "unsupported" };
    case "unknown":
      return { kind: "unknown", why: reading.why.slice(0, TEXT_MAX) };
    case "failed": {
      const { code, message, hint } = reading.error;
      return {
        kind: "failed",
        error: { code, message: message.slice(0, TEXT_MAX), ...(hint === undefined ? {} : { hint: hint.slice(0, TEXT_MAX) }) },
      };
    }
  }
}
