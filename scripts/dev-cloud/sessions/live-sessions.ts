import type { CloudMessage } from "../../../agent/protocol/cloud-messages.ts";
import type { SignedPurpose } from "../../../agent/protocol/signed.ts";

/** An open session as other parts of the cloud see it. */
export interface LiveSession {
  /** Time since the last frame from the device. */
  silentMs(): number;
  readonly id: string;
  readonly device: string;
  readonly openedMs: number;
  send(message: CloudMessage): void;
  /** Signs with the key the device was given, then sends. Signed messages keep their order. */
  sendSigned(purpose: Extract<SignedPurpose, "command" | "cancel" | "desired">, payload: string): void;
  sendText(text: string): void;
  sendBinary(bytes: Uint8Array): void;
  /** Sends `farewell`, if given, then closes. */
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

/** The one open session of each device, and the counters of its earlier sessions. */
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

  /** Makes `session` the device's open session and returns the previous one. */
  replace(session: LiveSession): LiveSession | undefined {
    const before = this.#byDevice.get(session.device);
    this.#byDevice.set(session.device, session);
    return before;
  }

  /** Removes the session if it is still the device's current one. Its counters are kept either way. */
  remove(session: LiveSession): void {
    this.#past.set(session.device, sum(this.#past.get(session.device) ?? NO_COUNTS, session.counters()));
    if (this.#byDevice.get(session.device) === session) this.#byDevice.delete(session.device);
  }

  /** Sum over all sessions of the device since the process started. */
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
