import type { CloudMessage } from "../../../agent/protocol/cloud-messages.ts";
import type { SignedPurpose } from "../../../agent/protocol/signed.ts";

/** What the other parts need of an open session. */
export interface LiveSession {
  /** How long ago its last frame came. */
  silentMs(): number;
  readonly id: string;
  readonly device: string;
  readonly openedMs: number;
  send(message: CloudMessage): void;
  /** Signs with the key the device was told and sends, after everything sent before. */
  sendSigned(purpose: Extract<SignedPurpose, "command" | "cancel" | "desired">, payload: string): void;
  sendText(text: string): void;
  sendBinary(bytes: Uint8Array): void;
  /** Says good-bye in order, then closes. */
  end(reason: string, farewell?: CloudMessage): void;
  cut(reason: string): void;
  counters(): SessionCounters;
}

export interface SessionCounters {
  readonly frames: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly records: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly malformed: number;
  readonly errorsFromDevice: number;
  readonly sessions: number;
}

export const NO_COUNTS: SessionCounters = {
  frames: 0,
  bytesIn: 0,
  bytesOut: 0,
  records: 0,
  duplicates: 0,
  rejected: 0,
  malformed: 0,
  errorsFromDevice: 0,
  sessions: 0,
};

/** The one open session of each device, and what its earlier sessions counted. */
export class LiveSessions {
  readonly #byDevice = new Map<string, LiveSession>();
  readonly #past = new Map<string, SessionCounters>();

  get size(): number {
    return this.#byDevice.size;
  }

  get(device: string): LiveSession | undefined {
    return this.#byDevice.get(device);
  }

  all(): readonly LiveSession[] {
    return [...this.#byDevice.values()];
  }

  /** Puts a session in its device's place and returns the one that was there. */
  replace(session: LiveSession): LiveSession | undefined {
    const before = this.#byDevice.get(session.device);
    this.#byDevice.set(session.device, session);
    return before;
  }

  /** Takes a session out, if it is still the one in place; its counts are kept. */
  remove(session: LiveSession): void {
    this.#past.set(session.device, sum(this.#past.get(session.device) ?? NO_COUNTS, session.counters()));
    if (this.#byDevice.get(session.device) === session) this.#byDevice.delete(session.device);
  }

  /** Since the start of this process, over all sessions of the device. */
  counters(device: string): SessionCounters {
    const past = this.#past.get(device) ?? NO_COUNTS;
    const live = this.#byDevice.get(device);
    return live === undefined ? past : sum(past, live.counters());
  }

  forget(device: string): void {
    this.#past.delete(device);
  }
}

function sum(a: SessionCounters, b: SessionCounters): SessionCounters {
  return {
    frames: a.frames + b.frames,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    records: a.records + b.records,
    duplicates: a.duplicates + b.duplicates,
    rejected: a.rejected + b.rejected,
    malformed: a.malformed + b.malformed,
    errorsFromDevice: a.errorsFromDevice + b.errorsFromDevice,
    sessions: a.sessions + b.sessions,
  };
}
