import type { JournalEntry, JournalState } from "../journal-entry.ts";

export const OWNER = "fedcba9876543210fedcba9876543210";

/** A delivered command with this number. */
export function entry(number: number, fields: Partial<JournalEntry> = {}): JournalEntry {
  return {
    id: `c${number}`,
    attempt: 1,
    owner: OWNER,
    number,
    name: "gpio.read",
    paramsHash: "ab".repeat(32),
    params: { line: "GPIO17", text: "größer \u{1F600}" },
    received: { wallMs: 1_000, boot: "boot-1", upMs: 5.5, serverMs: 2_000 },
    notAfterMs: 9_000,
    ttlMs: 60_000,
    restarts: 0,
    state: { kind: "delivered" },
    ...fields,
  };
}

/** The state of the same command at its end. */
export function final(number: number, finishedWallMs: number, handedOver: boolean): JournalState {
  const outcome = { id: `c${number}`, attempt: 1, name: "gpio.read", state: "succeeded", result: { level: 1 } } as const;
  return { kind: "final", outcome, finishedWallMs, ...(handedOver ? { handedOver: { log: "log-1", seq: number } } : {}) };
}
