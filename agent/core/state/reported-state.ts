import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import type { ReportedDocument } from "../../protocol/reported.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import { canonicalJson, sameJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { redact } from "../../../platform/runtime/redact.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { composeReport, isUrgent, type Snapshot } from "./report-plan.ts";
import { reportable } from "./reportable.ts";
import type { Reporter } from "./reporter.ts";
import { VersionBlock } from "./version-block.ts";

export interface ReportedStateDeps {
  readonly store: DocumentStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Hands a message to the link. Returns false when it was not sent (offline, or the link's buffer is full). */
  readonly send: (message: DeviceMessageOf<"reported">) => boolean;
  /** Shortest time between two reports. Default 1 s. A changed verdict does not wait for it. */
  readonly floorMs?: number;
}

/** Changes within this time of the first are sent in one patch. */
export const GATHER_MS = 250;
/** Shortest time between urgent reports, so that a flapping witness cannot flood the link. */
export const URGENT_FLOOR_MS = 100;
/** A report without an acknowledgement after this time counts as lost, and the whole document is sent again. */
export const ACK_TIMEOUT_MS = 20_000;
/** Largest section, UTF-8 bytes of its JSON. */
export const SECTION_BYTES_MAX = 32 * 1024;
/** Largest document, UTF-8 bytes of its JSON; leaves room for the rest of a frame (256 KiB). */
export const DOCUMENT_BYTES_MAX = 192 * 1024;
export const SECTIONS_MAX = 64;
/** Most unacknowledged reports; few are needed, since only an urgent one overtakes another. */
const OUTSTANDING_MAX = 4;
/** Retry after a mismatched or missing acknowledgement, or when the link accepts nothing. */
const AGAIN: RetryPolicy = { firstMs: 2_000, factor: 2, capMs: 300_000, floorMs: 1_000 };

interface Section {
  readonly value: Json;
  /** Canonical text: equal texts are equal values. */
  readonly text: string;
  readonly bytes: number;
}

/**
 * The reported document. All parts set their sections through `set`; changes are collected briefly and sent as one patch
 * on what the cloud has, or as the whole document when the cloud has something else. One report is in flight at a time;
 * a changed verdict overtakes it as a whole document.
 */
export class ReportedState implements Reporter {
  readonly #deps: ReportedStateDeps;
  readonly #versions: VersionBlock;
  readonly #sections = new Map<string, Section>();
  #document: JsonObject = {};
  #online = false;
  /** What the cloud is known to have; absent: it needs the whole document. */
  #acked: Snapshot | undefined;
  #outstanding: Snapshot[] = [];
  /** Monotonic time of the first change not sent yet. */
  #changedMs: number | undefined;
  #urgent = false;
  #sentMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #refusedSections = 0;
  #timer: Timer | undefined;

  private constructor(deps: ReportedStateDeps, versions: VersionBlock) {
    this.#deps = deps;
    this.#versions = versions;
  }

  static async load(deps: ReportedStateDeps): Promise<ReportedState> {
    return new ReportedState(deps, await VersionBlock.load(deps.store, deps.log));
  }

  /** For `hello.reportedVersion`: the last version sent, or one that may have been sent before a restart. */
  version(): number {
    return this.#versions.last;
  }

  document(): ReportedDocument {
    return this.#document;
  }

  /** Sections refused for their size since the start. */
  refusedSections(): number {
    return this.#refusedSections;
  }

  /**
   * Replaces a section; `undefined` removes it. Null members are left out (a merge patch cannot carry them). A section
   * that is too large or too deep is removed, because keeping its old value would be wrong.
   */
  set<S extends keyof ReportedDocument & string>(section: S, value: ReportedDocument[S]): void {
    const before = this.#sections.get(section);
    const next = value === undefined ? undefined : this.#measured(section, value, before);
    if (next?.text === before?.text) return;
    if (next === undefined) this.#sections.delete(section);
    else this.#sections.set(section, next);
    this.#document = Object.fromEntries([...this.#sections].map(([name, { value: json }]) => [name, json]));
    this.#changedMs ??= this.#deps.clock.monotonicMs();
    if (isUrgent(section, before?.value, next?.value)) this.#urgent = true;
    this.#schedule();
  }

  /** The session is open; `cloudVersion` and `wants` are from the welcome. */
  onWelcome(cloudVersion: number, wants: readonly string[]): void {
    this.#online = true;
    this.#failures = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    const known = [...this.#outstanding, ...(this.#acked === undefined ? [] : [this.#acked])].find((snapshot) => snapshot.version === cloudVersion);
    this.#acked = wants.includes("reported") ? undefined : known;
    this.#outstanding = [];
    this.#versions.raiseTo(cloudVersion);
    this.#changedMs ??= this.#deps.clock.monotonicMs();
    this.#schedule();
  }

  /** The session ended; reports in flight may or may not have arrived. The next welcome shows it. */
  onOffline(): void {
    this.#online = false;
    this.#stop();
  }

  /** The cloud asks for the whole document. */
  onFetch(): void {
    this.#acked = undefined;
    this.#outstanding = [];
    this.#changedMs ??= this.#deps.clock.monotonicMs();
    this.#schedule();
  }

  /** `version` is what the cloud has now. If it was not one of ours in flight, the whole document is sent. */
  onAck(version: number): void {
    const acked = this.#outstanding.find((snapshot) => snapshot.version === version);
    if (acked !== undefined) {
      this.#acked = acked;
      this.#outstanding = this.#outstanding.filter((snapshot) => snapshot.version > version);
      this.#failures = 0;
      if (this.#document !== acked.document) this.#changedMs ??= this.#deps.clock.monotonicMs();
    } else if (this.#outstanding.length > 0 || version !== this.#acked?.version) {
      this.#versions.raiseTo(version);
      this.#startAnew();
    }
    this.#schedule();
  }

  #measured(section: string, value: unknown, before: Section | undefined): Section | undefined {
    // The page state belongs to the customer and is not redacted.
    const json = reportable(section === "page" ? value : section === "desired" ? withContentMasked(value) : redact(value));
    // Most calls set an unchanged value.
    if (before !== undefined && sameJson(json, before.value)) return before;
    const text = json === undefined ? undefined : canonicalJson(json);
    if (json !== undefined && text !== undefined) {
      const bytes = utf8(text).length;
      let others = 0;
      for (const [name, { bytes: size }] of this.#sections) if (name !== section) others += size;
      const room = before !== undefined || this.#sections.size < SECTIONS_MAX;
      if (room && bytes <= SECTION_BYTES_MAX && others + bytes <= DOCUMENT_BYTES_MAX) return { value: json, text, bytes };
    }
    this.#refusedSections += 1;
    this.#deps.log.error(
      { section, characters: text?.length },
      "a section of the reported document is too large, too deep or not JSON; it is left out",
    );
    return undefined;
  }

  /** The cloud's document differs from ours: sends the whole document next, with a growing delay each time. */
  #startAnew(): void {
    const { clock, random } = this.#deps;
    this.#acked = undefined;
    this.#outstanding = [];
    this.#changedMs ??= clock.monotonicMs();
    this.#notBeforeMs = clock.monotonicMs() + (this.#failures === 0 ? 0 : retryDelayMs(AGAIN, this.#failures - 1, random));
    this.#failures += 1;
  }

  #schedule(): void {
    this.#stop();
    if (!this.#online) return;
    const { clock, timers } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (this.#changedMs !== undefined && (this.#outstanding.length === 0 || this.#urgent)) {
      const floorMs = this.#urgent ? URGENT_FLOOR_MS : (this.#deps.floorMs ?? 1_000);
      const gatheredMs = this.#urgent ? nowMs : this.#changedMs + GATHER_MS;
      const dueMs = Math.max(nowMs, gatheredMs, this.#sentMs + floorMs, this.#notBeforeMs);
      this.#timer = timers.after("reported.send", dueMs - nowMs, () => this.#flush());
    } else if (this.#outstanding.length > 0) {
      const dueMs = Math.max(nowMs, this.#sentMs + ACK_TIMEOUT_MS);
      this.#timer = timers.after("reported.ack", dueMs - nowMs, () => {
        this.#failures = Math.max(1, this.#failures);
        this.#startAnew();
        this.#schedule();
      });
    }
  }

  #flush(): void {
    const { clock, random, send } = this.#deps;
    const snapshot: Snapshot = { version: this.#versions.next, document: this.#document };
    const message = composeReport(snapshot.document, snapshot.version, this.#outstanding.length === 0 ? this.#acked : undefined);
    if (message !== undefined) {
      if (!send(message)) {
        this.#notBeforeMs = clock.monotonicMs() + retryDelayMs(AGAIN, this.#failures, random);
        this.#failures += 1;
        this.#schedule();
        return;
      }
      this.#versions.take();
      this.#sentMs = clock.monotonicMs();
      this.#outstanding = [...this.#outstanding, snapshot].slice(-OUTSTANDING_MAX);
    }
    this.#changedMs = undefined;
    this.#urgent = false;
    this.#schedule();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** Masks the content address; the results of other keys mask their own secrets. */
function withContentMasked(desired: unknown): unknown {
  const { keys } = desired as { readonly keys?: Readonly<Record<string, unknown>> };
  return keys?.["content"] === undefined ? desired : { ...(desired as object), keys: { ...keys, content: redact(keys["content"]) } };
}
