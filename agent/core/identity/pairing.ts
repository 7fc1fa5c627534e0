import type { CloudMessageOf } from "../../protocol/cloud-messages.ts";
import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import type { LinkStatus } from "../cloud/cloud-port.ts";
import { connectionSentence } from "./connection-sentence.ts";

/** What the pairing screen and `vitrine pair` show. */
export interface PairingView {
  readonly deviceId: string;
  /** Absent while there is no valid code. */
  readonly code?: string;
  readonly claimUrl?: string;
  /** Monotonic time in milliseconds at which the code expires. */
  readonly expiresMs?: number;
  /** What the device is waiting for, or which step failed and why, for a person in front of the screen. */
  readonly status: string;
}

const TIMER_MAX_MS = 3_600_000;
/** What the player's socket carries. */
const STATUS_MAX = 1_000;

/** The code with which a person claims the device. Its expiry is measured on the monotonic clock. */
export class Pairing {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #deviceId: string;
  readonly #changed: Emitter<PairingView>;
  #code: { readonly code: string; readonly claimUrl: string; readonly expiresMs: number } | undefined;
  #link: LinkStatus;
  readonly #notices = new Map<string, string>();
  #timer: Timer | undefined;

  constructor(deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log; readonly deviceId: string; readonly link: LinkStatus }) {
    this.#clock = deps.clock;
    this.#timers = deps.timers;
    this.#deviceId = deps.deviceId;
    this.#link = deps.link;
    this.#changed = Emitter.logged(deps.log, "the pairing code");
  }

  view(): PairingView {
    const code = this.#code !== undefined && this.#code.expiresMs > this.#clock.monotonicMs() ? this.#code : undefined;
    const status = [...this.#notices.values(), connectionSentence(this.#link, code !== undefined)].join(" ").slice(0, STATUS_MAX);
    return { deviceId: this.#deviceId, ...code, status };
  }

  onChange(listener: (view: PairingView) => void): () => void {
    return this.#changed.on(listener);
  }

  received(message: CloudMessageOf<"pairing">): void {
    this.#code = { code: message.code, claimUrl: message.claimUrl, expiresMs: this.#clock.monotonicMs() + message.expiresInMs };
    this.#watchExpiry();
    this.#changed.emit(this.view());
  }

  linkChanged(status: LinkStatus): void {
    const before = this.view().status;
    this.#link = status;
    if (this.view().status !== before) this.#changed.emit(this.view());
  }

  /** A sentence that stands before the state of the connection; `undefined` removes it. `topic` names who says it. */
  notice(topic: string, sentence: string | undefined): void {
    const before = this.view().status;
    if (sentence === undefined) this.#notices.delete(topic);
    else this.#notices.set(topic, sentence);
    if (this.view().status !== before) this.#changed.emit(this.view());
  }

  claimed(): void {
    this.#forget();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watchExpiry(): void {
    this.#timer?.cancel();
    if (this.#code === undefined) return;
    const leftMs = this.#code.expiresMs - this.#clock.monotonicMs();
    if (leftMs <= 0) return this.#forget();
    this.#timer = this.#timers.after("pairing.expiry", Math.min(leftMs, TIMER_MAX_MS), () => this.#watchExpiry());
  }

  #forget(): void {
    this.#timer?.cancel();
    if (this.#code === undefined) return;
    this.#code = undefined;
    this.#changed.emit(this.view());
  }
}
