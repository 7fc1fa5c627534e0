import type { DesiredDocument, DesiredPayload, DesiredReport, OwnKeyResult } from "../../protocol/desired.ts";
import type { Signed, SignedPurpose } from "../../protocol/signed.ts";
import type { Alarms } from "../health/alarms.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { sameJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { decide, NOBODY, type Decision } from "./decision.ts";
import type { DesiredKeyHandler, Wanted } from "./desired-key.ts";
import { documentKeys, parseDesired } from "./desired-document.ts";
import { DesiredLane, LOOK_EVERY_MS, type KeyState } from "./desired-lane.ts";
import { ALARM_AFTER_STRIKES } from "./desired-step.ts";
import type { ByHand, ManualOverrides } from "./manual-overrides.ts";
import type { RuleClaims } from "./rule-claims.ts";
import type { Reporter } from "./reporter.ts";
import { runAll } from "./run-all.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Code } from "../../../platform/ports/codes.ts";

export interface DesiredStateDeps {
  readonly deviceId: string;
  /** Verifies an owner's signature and returns the payload text. */
  readonly verify: (signed: Signed, purpose: SignedPurpose) => Promise<Result<string>>;
  readonly store: DocumentStore;
  readonly overrides: ManualOverrides;
  /** Absent: no local rules. */
  readonly claims?: RuleClaims;
  readonly reporter: Reporter;
  readonly alarms: Alarms;
  readonly handlers: readonly DesiredKeyHandler[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

const CURRENT = "desired.current";
const PREVIOUS = "desired.previous";
/** Stores the highest version accepted for each owner's key, by key fingerprint; survives a release. */
const VERSIONS = "desired.versions";
/** Most owners whose versions are kept; the one not heard from for longest is dropped first. */
const OWNERS_MAX = 64;
/** Most unknown keys named in the report. */
const UNKNOWN_KEYS_MAX = 32;
const KEY_NAME_MAX = 64;
/** Interval of the storage retry loop while nothing is pending. */
const STORE_IDLE_MS = 3_600_000;
const STORE_PAUSE_MS = 15_000;
/** A key's alarm clears once the key has held this long. */
const ALARM_CLEAR_AFTER_MS = 60_000;

/** One check of a key. */
export interface CheckedKey extends KeyState {
  readonly key: string;
  readonly result: OwnKeyResult;
}

const ONLY_RULES: Wanted = { kind: "no-opinion", why: { code: "rules.none-active", message: "only rules manage it" } };

/** A document as stored on disk: the exact text that the owner signed. */
interface Stored {
  readonly version: number;
  readonly payload: string;
  /** Fingerprint of the key that signed it; absent in documents kept by earlier versions of the agent. */
  readonly owner?: string;
}

/**
 * The desired document, and the loops that reconcile the device with it. A document is accepted as a whole or not at
 * all, and is on disk before anything acts on it. From then on every key is checked and corrected repeatedly, and never
 * given up.
 */
export class DesiredState {
  readonly #deps: DesiredStateDeps;
  readonly #lanes = new Map<string, DesiredLane>();
  readonly #laneOf = new Map<string, DesiredLane>();
  readonly #results = new Map<string, OwnKeyResult>();
  readonly #documentChanged: Emitter<void>;
  readonly #checked: Emitter<CheckedKey>;
  readonly #retry = new Wake();
  #current: { readonly stored: Stored; readonly document: DesiredDocument } | undefined;
  #refused: DesiredReport["refused"];
  #versions: Readonly<Record<string, number>> = {};
  /** A valid document that could not be stored, or a pending deletion; retried until it succeeds or a newer document arrives. */
  #unstored: { readonly kind: "document"; readonly stored: Stored; readonly payload: DesiredPayload } | { readonly kind: "nothing" } | undefined;
  /** Documents are accepted one at a time. */
  readonly #accepting = new OneAtATime();

  private constructor(deps: DesiredStateDeps) {
    this.#deps = deps;
    this.#documentChanged = Emitter.logged(deps.log, "the desired state");
    this.#checked = Emitter.logged(deps.log, "the desired state");
    const byLane = new Map<string, DesiredKeyHandler[]>();
    for (const handler of deps.handlers) byLane.set(handler.lane, [...(byLane.get(handler.lane) ?? []), handler]);
    for (const [name, handlers] of byLane) {
      const lane = new DesiredLane(name, handlers, {
        ...deps,
        document: () => this.#current?.document,
        decide: (key, base) => this.#decideForLane(key, base),
        publish: (key, result, state) => this.#publish(key, result, state),
        superseded: (key) => deps.alarms.clear(alarmCode(key), `the wanted value of ${key} has changed`),
      });
      this.#lanes.set(name, lane);
      for (const handler of handlers) this.#laneOf.set(handler.key, lane);
    }
  }

  /** Loads the last good document or, if it is damaged, the one before it. */
  static async load(deps: DesiredStateDeps): Promise<DesiredState> {
    const state = new DesiredState(deps);
    for (const key of [CURRENT, PREVIOUS]) {
      const stored = storedOf(await readDocument(deps.store, key, deps.log));
      if (stored === undefined) continue;
      const parsed = parseDesired(stored.payload, deps.deviceId);
      if (parsed.kind === "document") {
        state.#current = { stored, document: parsed.payload.document };
        break;
      }
      deps.log.error({ key, error: parsed.error }, "the desired document on disk cannot be used");
    }
    state.#versions = versionsOf(await readDocument(deps.store, VERSIONS, deps.log));
    state.#report();
    return state;
  }

  /** Version of the document in force; 0: none. */
  version(): number {
    return this.#current?.stored.version ?? 0;
  }

  document(): DesiredDocument | undefined {
    return this.#current?.document;
  }

  /** Calls back when the document in force changes or a command overrides it. Returns a function that unsubscribes. */
  onDocument(listener: () => void): () => void {
    return this.#documentChanged.on(listener);
  }

  /**
   * Accepts a signed document. Errors: those of `verify`, `desired.too-large`, `desired.not-json`, `desired.malformed`,
   * `desired.wrong-device`, `desired.version-went-back`, `desired.version-reused`, `storage.*` (retried until the disk
   * accepts it). On error the document in force is unchanged; a refusal whose version is known is reported.
   */
  accept(signed: Signed): Promise<Result<void>> {
    return this.#accepting.run(() => this.#accept(signed));
  }

  /**
   * Handles the version in the cloud's welcome. 0: the cloud has no document, as after a migration. Lower than ours: the
   * cloud was restored from an old backup; reported as refused.
   */
  onWelcome(cloudVersion: number): void {
    if (cloudVersion === 0) return;
    if (cloudVersion >= this.version()) {
      this.#deps.alarms.clear("desired.version-went-back", "the cloud's version is not behind this device's");
      if (this.#refused?.error.code === "desired.version-went-back") this.#refused = undefined;
    } else {
      this.#refused = { version: cloudVersion, error: this.#wentBack(cloudVersion, this.version()) };
    }
    this.#report();
  }

  /**
   * Who decides about `key` now and what is wanted. `base`: what the document wants, without asking the key's handler. The
   * only place where regulators are weighed against each other (see decision.ts).
   */
  decide(key: string, base: Wanted | undefined = this.#baseOf(key)): Decision {
    return decide(base, this.#deps.claims?.of(key), this.#deps.overrides.choiceOf(key, this.version(), this.#against(key, base)));
  }

  /** A key that neither document nor rules manage is left alone; one that the document cannot set says so, whatever else is wanted. */
  #decideForLane(key: string, base: Wanted | undefined): Decision {
    if (base === undefined && !this.#isRuled(key)) return NOBODY;
    return base?.kind === "refused" || base?.kind === "unsupported" ? decide(base, undefined, undefined) : this.decide(key, base);
  }

  #baseOf(key: string): Wanted | undefined {
    const document = this.#current?.document;
    return document === undefined ? undefined : this.#deps.handlers.find((candidate) => candidate.key === key)?.wanted(document);
  }

  /** What an override of `key` holds against. A key that only rules manage has no value in the document. */
  #against(key: string, base: Wanted | undefined): Wanted | undefined {
    return base ?? (this.#isRuled(key) ? ONLY_RULES : undefined);
  }

  #isRuled(key: string): boolean {
    const document = this.#current?.document;
    return document !== undefined && this.#deps.claims?.manages(key, document) === true;
  }

  /** Somebody set `key` by hand; see manual-overrides.ts for how long it holds. Returns a function that undoes the note. */
  async noteByHand(key: string, value: Json, how: ByHand = { by: "command" }): Promise<() => Promise<void>> {
    const takeBack = await this.#deps.overrides.note(key, value, this.version(), this.#against(key, this.#baseOf(key)), { ...how, keep: this.#isRuled(key) });
    this.regulated(key);
    return async () => {
      await takeBack();
      this.regulated(key);
    };
  }

  /** The keys that somebody set by hand. */
  byHand(): readonly string[] {
    return this.#deps.overrides.keys();
  }

  /**
   * Ends what was set by hand: of `key`, or of every key. Resolves to the keys for which something was ended. A key that neither document
   * nor rules manage stays as it was set: nobody would give it another value, and a display switched off would count as dark by mistake.
   */
  async endByHand(key?: string): Promise<readonly string[]> {
    const ended: string[] = [];
    for (const each of key === undefined ? this.#deps.overrides.keys() : [key]) {
      if (this.#against(each, this.#baseOf(each)) !== undefined && (await this.#deps.overrides.end(each))) ended.push(each);
    }
    for (const each of ended) this.regulated(each);
    return ended;
  }

  /** Removes an override noted before a restart for a command whose outcome is unknown. */
  async forgetCommand(key: string, value: Json): Promise<void> {
    await this.#deps.overrides.forget(key, value);
    this.regulated(key);
  }

  /** A regulator of `key` changed its mind. */
  regulated(key: string): void {
    this.#laneOf.get(key)?.wantedChanged();
    this.#documentChanged.emit();
  }

  /** Calls back at every check of a key that has a result. Returns a function that unsubscribes. */
  onResult(listener: (checked: CheckedKey) => void): () => void {
    return this.#checked.on(listener);
  }

  /** Something that `key` depends on may have changed (an edge of the schedule, a jump of the clock). */
  poke(key: string): void {
    this.#laneOf.get(key)?.poke();
  }

  /** Hardware behind `lane` appeared, disappeared or answered again. */
  hardwareChanged(lane: string): void {
    this.#lanes.get(lane)?.hardwareChanged();
  }

  /** The owner released the device: drops the document. Another owner's versions start afresh; this owner's continue. */
  async forget(): Promise<void> {
    this.#current = undefined;
    this.#refused = undefined;
    await this.#storeNothing();
    // The next owner's document may have the version that an override was noted under.
    await this.#deps.overrides.clear();
    this.#changed();
  }

  run(signal: AbortSignal): Promise<void> {
    const lanes = [...this.#lanes.values()].map((lane) => (stop: AbortSignal) => lane.run(stop));
    return runAll(signal, [...lanes, (stop) => this.#keepStoring(stop)]);
  }

  async #keepStoring(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#retry.wait(this.#deps.timers, "desired.store-again", this.#unstored === undefined ? STORE_IDLE_MS : LOOK_EVERY_MS, signal);
      // Woken when a document could not be stored; pause before the next try.
      if (this.#unstored === undefined || !(await sleep(this.#deps.timers, "desired.store-pause", STORE_PAUSE_MS, signal))) continue;
      await this.#accepting.run(() => this.#storeAgain());
    }
  }

  async #accept(signed: Signed): Promise<Result<void>> {
    const verified = await this.#deps.verify(signed, "desired");
    if (!verified.ok) {
      this.#deps.log.warn({ error: verified.error }, "a desired document was not signed by the owner");
      return verified;
    }
    const parsed = parseDesired(verified.value, this.#deps.deviceId);
    if (parsed.kind === "refused") return this.#refuse(parsed.version, parsed.error);
    const { payload } = parsed;
    const newest = (this.#unstored?.kind === "document" ? this.#unstored : this.#current)?.stored;
    const knownVersion = Math.max(newest?.version ?? 0, this.#versions[signed.key] ?? 0);
    if (payload.version < knownVersion) return this.#refuse(payload.version, this.#wentBack(payload.version, knownVersion));
    // A device that dropped its document on release accepts the owner's newest version again.
    if (payload.version === newest?.version) return this.#again(payload, newest);
    return this.#keep({ version: payload.version, payload: verified.value, owner: signed.key }, payload);
  }

  /** A version that is already known. When its content differs, the first stays in force and the conflict is reported. */
  #again({ version, document }: DesiredPayload, { payload }: Stored): Result<void> {
    const known = parseDesired(payload, this.#deps.deviceId);
    const { alarms } = this.#deps;
    if (known.kind === "document" && !sameJson(known.payload.document as Json, document as Json)) {
      const message = `the owner signed two different desired documents as version ${version}; this device keeps the first`;
      alarms.raise("desired.version-reused", "error", message, { version });
      return this.#refuse(version, { code: "desired.version-reused", message, hint: `write the document again with a version above ${version}` });
    }
    alarms.clear("desired.version-reused", "the cloud sent the document that this device kept");
    if (this.#refused?.error.code === "desired.version-reused") {
      this.#refused = undefined;
      this.#report();
    }
    return ok(undefined);
  }

  async #keep(stored: Stored, payload: DesiredPayload): Promise<Result<void>> {
    const previous = this.#current?.stored;
    const versions = rememberedWith(this.#versions, stored);
    const put = await this.#deps.store.put({ [CURRENT]: { ...stored }, [VERSIONS]: { ...versions }, [PREVIOUS]: previous === undefined ? null : { ...previous } });
    if (!put.ok) {
      this.#unstored = { kind: "document", stored, payload };
      this.#retry.ring();
      const { code, message } = put.error;
      return this.#refuse(stored.version, { code, message: `the document could not be stored on disk: ${message.slice(0, 300)}; retrying` });
    }
    this.#unstored = undefined;
    this.#refused = undefined;
    this.#current = { stored, document: payload.document };
    this.#versions = versions;
    for (const code of ["desired.version-went-back", "desired.version-reused"] as const) this.#deps.alarms.clear(code, "a newer desired document was accepted");
    this.#deps.log.info({ version: stored.version }, "a desired document is in force");
    this.#changed();
    return ok(undefined);
  }

  async #storeNothing(): Promise<void> {
    const put = await this.#deps.store.put({ [CURRENT]: null, [PREVIOUS]: null });
    this.#unstored = put.ok ? undefined : { kind: "nothing" };
    if (put.ok) return;
    this.#deps.log.error({ ...put.error }, "the last owner's desired document could not be deleted from disk; retrying");
    this.#retry.ring();
  }

  async #storeAgain(): Promise<void> {
    const unstored = this.#unstored;
    if (unstored?.kind === "nothing") await this.#storeNothing();
    else if (unstored !== undefined) await this.#keep(unstored.stored, unstored.payload);
  }

  #refuse(version: number | undefined, error: Issue): Result<void> {
    this.#deps.log.warn({ version, error }, "a desired document was refused");
    if (version !== undefined) {
      this.#refused = { version, error };
      this.#report();
    }
    return fail(error.code, error.message, error.hint);
  }

  #wentBack(cloudVersion: number, known: number): Issue {
    const message = `the cloud has desired version ${cloudVersion}, but this device knows version ${known} of the same owner; an older one is never applied`;
    this.#deps.alarms.raise("desired.version-went-back", "error", message, { cloudVersion, version: known });
    return { code: "desired.version-went-back", message, hint: `write the document again with a version above ${known}` };
  }

  #changed(): void {
    const keys = new Set(documentKeys(this.#current?.document ?? {}));
    for (const key of [...this.#results.keys()]) if (!keys.has(key)) this.#forgetResult(key);
    for (const key of keys) if (this.#laneOf.has(key)) this.#results.set(key, { status: "pending" });
    this.#report();
    for (const lane of this.#lanes.values()) lane.wantedChanged();
    this.#documentChanged.emit();
  }

  #publish(key: string, result: OwnKeyResult | undefined, state: KeyState): void {
    if (result !== undefined) this.#checked.emit({ key, result, ...state });
    const before = this.#results.get(key);
    if (result === undefined) {
      if (before === undefined) return;
      this.#forgetResult(key);
    } else {
      this.#results.set(key, result);
      this.#watchOver(key, result, state);
      // Most checks find no change, and the report already has the result.
      if (before !== undefined && sameJson(before, result)) return;
    }
    this.#report();
  }

  #watchOver(key: string, result: OwnKeyResult, state: KeyState): void {
    const code = alarmCode(key);
    if (result.status !== "applied" && state.strikes >= ALARM_AFTER_STRIKES) {
      const message = `${key} cannot be set or kept as desired: ${result.error?.message ?? "it keeps changing"}`;
      const evidence: JsonObject = { key, strikes: state.strikes, drifts: result.drifts ?? 0, error: result.error?.code ?? "desired.drifts" };
      this.#deps.alarms.raise(code, "warning", message, evidence);
    } else if (result.status === "applied" && (state.heldMs >= ALARM_CLEAR_AFTER_MS || state.strikes === 0)) {
      this.#deps.alarms.clear(code, `${key} is as desired`);
    }
  }

  #forgetResult(key: string): void {
    this.#results.delete(key);
    this.#deps.alarms.clear(alarmCode(key), `${key} is no longer managed`);
  }

  #report(): void {
    const keys = new Map<string, OwnKeyResult>();
    let unknown = 0;
    for (const key of documentKeys(this.#current?.document ?? {})) {
      if (this.#laneOf.has(key)) keys.set(key, this.#results.get(key) ?? { status: "pending" });
      else if (key !== "__proto__" && (unknown += 1) <= UNKNOWN_KEYS_MAX) {
        keys.set(
          key.slice(0, KEY_NAME_MAX),
          { status: "unsupported", error: { code: "desired.unknown-key", message: "this agent does not know the key" } },
        );
      }
    }
    // Keys that only rules manage have results too.
    for (const [key, result] of this.#results) if (!keys.has(key)) keys.set(key, result);
    const report: DesiredReport = {
      version: this.version(),
      keys: Object.fromEntries(keys),
      ...(this.#refused === undefined ? {} : { refused: this.#refused }),
    };
    this.#deps.reporter.set("desired", report);
  }
}

function alarmCode(key: string): Code {
  return `desired.not-kept.${key}`;
}

function storedOf(value: JsonObject | undefined): Stored | undefined {
  const version = value?.["version"];
  const payload = value?.["payload"];
  const owner = value?.["owner"];
  if (typeof version !== "number" || !Number.isSafeInteger(version) || typeof payload !== "string") return undefined;
  return typeof owner === "string" ? { version, payload, owner } : { version, payload };
}

function versionsOf(value: JsonObject | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(value ?? {}).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])));
}

/** `versions` with this document's version added; the most recent owner is last. */
function rememberedWith(versions: Readonly<Record<string, number>>, { owner, version }: Stored): Readonly<Record<string, number>> {
  if (owner === undefined) return versions;
  const { [owner]: _before, ...others } = versions;
  return Object.fromEntries([...Object.entries(others), [owner, version] as const].slice(-OWNERS_MAX));
}
