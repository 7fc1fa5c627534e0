import { fail, ok, type Result } from "../../tool-result.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { ErrorBudget } from "./error-budget.ts";

/** Leaves out 0/O, 1/I/L, 2/Z, 5/S and 8/B: codes are read from across a room. */
export const PAIRING_ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY";
export const PAIRING_CODE_LENGTH = 6;
export const PAIRING_LIFE_MS = 10 * 60_000;
/** A new code is sent this long before the old one expires, so that a code on screen is always valid. */
export const PAIRING_RENEW_BEFORE_MS = 2 * 60_000;
/** With 25^6 codes, guessing a given code within its ten minutes succeeds with a chance of about 1 in 2.4 million. */
const WRONG_CLAIMS_PER_MINUTE = 10;

export interface PairingCode {
  readonly code: string;
  readonly expiresMs: number;
}

interface Entry {
  readonly device: string;
  readonly expiresMs: number;
}

/** Pairing codes of unclaimed devices. Kept in memory: a restarted cloud issues new ones. */
export class Pairing {
  readonly #random: Random;
  readonly #entries = new Map<string, Entry>();
  readonly #current = new Map<string, PairingCode>();
  readonly #wrong = new ErrorBudget(WRONG_CLAIMS_PER_MINUTE, 60_000);

  constructor(random: Random) {
    this.#random = random;
  }

  /** The device's current code, or a new one when that is close to expiry. The old code stays valid until it expires. */
  codeFor(device: string, nowMs: number): PairingCode {
    this.#dropExpired(nowMs);
    const present = this.#current.get(device);
    if (present !== undefined && present.expiresMs - nowMs > PAIRING_RENEW_BEFORE_MS) return present;
    const made = { code: this.#newCode(), expiresMs: nowMs + PAIRING_LIFE_MS };
    this.#entries.set(made.code, { device, expiresMs: made.expiresMs });
    this.#current.set(device, made);
    return made;
  }

  /** The code to show in a dashboard, if it is still valid. */
  current(device: string, nowMs: number): PairingCode | undefined {
    const present = this.#current.get(device);
    return present !== undefined && present.expiresMs > nowMs ? present : undefined;
  }

  /** Finds the device that shows a typed code. Codes: `pairing.unknown-code`, `pairing.expired`, `pairing.rate-limited`. */
  find(typed: string, nowMs: number): Result<string> {
    const waitMs = this.#wrong.waitMs(nowMs);
    if (waitMs > 0) return fail("pairing.rate-limited", "too many wrong codes", `try again in ${Math.ceil(waitMs / 1000)} s`);
    const code = typed.toUpperCase().replace(/[\s-]/g, "");
    const entry = this.#entries.get(code);
    if (entry === undefined) {
      this.#wrong.spend(nowMs);
      return fail(
        "pairing.unknown-code",
        "no device shows this code",
        "read the code from the device's screen; it changes every few minutes",
      );
    }
    if (entry.expiresMs <= nowMs) {
      this.#wrong.spend(nowMs);
      return fail("pairing.expired", "this code is no longer valid", "use the code that the device shows now");
    }
    return ok(entry.device);
  }

  /** Milliseconds until a claim is accepted again after too many wrong codes; 0 when one is accepted now. */
  waitMs(nowMs: number): number {
    return this.#wrong.waitMs(nowMs);
  }

  /** Invalidates all codes of the device. */
  forget(device: string): void {
    this.#current.delete(device);
    for (const [code, entry] of this.#entries) if (entry.device === device) this.#entries.delete(code);
  }

  /** Expired codes are kept for a while, to tell a late code from a wrong one. */
  #dropExpired(nowMs: number): void {
    for (const [code, entry] of this.#entries) if (entry.expiresMs + PAIRING_LIFE_MS <= nowMs) this.#entries.delete(code);
  }

  #newCode(): string {
    for (;;) {
      const code = randomCode(this.#random);
      if (!this.#entries.has(code)) return code;
    }
  }
}

/** Uniform over the alphabet: bytes that would favour its first letters are discarded. */
function randomCode(random: Random): string {
  const limit = 256 - (256 % PAIRING_ALPHABET.length);
  let code = "";
  while (code.length < PAIRING_CODE_LENGTH) {
    for (const byte of random.bytes(PAIRING_CODE_LENGTH)) {
      if (byte < limit && code.length < PAIRING_CODE_LENGTH) code += PAIRING_ALPHABET.charAt(byte % PAIRING_ALPHABET.length);
    }
  }
  return code;
}
