import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { canonicalJson, isJsonObject, type Json } from "../../../platform/runtime/json.ts";
import type { Hand, ManualChoice } from "./decision.ts";
import type { Wanted } from "./desired-key.ts";

/**
 * A key that somebody set by hand: by a command, at the display's own remote control, or by pressing for a rule. Everything
 * else would otherwise undo it within a minute. The rule for every key: **it holds until the next edge of the schedule or the
 * next desired document, whichever comes first, or until `overrides.end`.** For a key that neither a document nor a rule
 * manages, it holds until one does. Overrides are kept on disk, so they survive a restart of the agent.
 */
interface Override {
  readonly value: Json;
  /** Version of the desired document at that time; a different version that manages the key ends the override. */
  readonly version: number;
  /** Canonical text of what was wanted then; a change (an edge of the schedule) ends the override. */
  readonly against: string;
  /** Wall time of the next edge, for an edge that passed while the device was off. */
  readonly untilMs?: number;
  /** Absent: `command`. */
  readonly by?: Hand;
  readonly rule?: string;
  /** It holds for this long at most. Counted anew after a restart, because the wall clock may have jumped meanwhile. */
  readonly forMs?: number;
}

/** How a key came to be set by hand. */
export interface ByHand {
  readonly by: Hand;
  readonly rule?: string;
  readonly forMs?: number;
  /** Keep it even if it agrees with the document: a rule may want something else soon. */
  readonly keep?: boolean;
}

export interface ManualOverridesDeps {
  readonly store: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
}

const KEY = "desired.overrides";

export class ManualOverrides {
  readonly #deps: ManualOverridesDeps;
  readonly #overrides = new Map<string, Override>();
  /** When an override with `forMs` ends: by the monotonic clock, and in wall time as of its beginning, for reports. */
  readonly #ends = new Map<Override, { readonly monoMs: number; readonly wallMs: number }>();

  private constructor(deps: ManualOverridesDeps) {
    this.#deps = deps;
  }

  static async load(deps: ManualOverridesDeps): Promise<ManualOverrides> {
    const overrides = new ManualOverrides(deps);
    for (const [key, stored] of Object.entries((await readDocument(deps.store, KEY, deps.log)) ?? {})) {
      const override = overrideOf(stored);
      if (override !== undefined) overrides.#put(key, override);
    }
    return overrides;
  }

  /**
   * Notes that `key` was set to `value` by hand while document `version` wanted `wanted`. Nothing is kept when the two
   * agree. Keys that the document does not manage are noted too: a display switched off by hand is dark on purpose.
   * Returns a function that undoes the note, for a command that had no effect.
   */
  async note(key: string, value: Json, version: number, wanted: Wanted | undefined, how: ByHand = { by: "command" }): Promise<() => Promise<void>> {
    const before = this.#overrides.get(key);
    const noted = await this.#note(key, value, version, wanted, how);
    return async () => {
      // Something newer is not undone.
      if (this.#overrides.get(key) !== noted) return;
      if (before === undefined) this.#overrides.delete(key);
      else this.#put(key, before);
      await this.#save();
    };
  }

  /** Ends the override of a command noted before a restart whose outcome is failed or unknown. */
  async forget(key: string, value: Json): Promise<void> {
    const override = this.#overrides.get(key);
    if (override === undefined || canonicalJson(override.value) !== canonicalJson(value)) return;
    await this.end(key);
  }

  async #note(key: string, value: Json, version: number, wanted: Wanted | undefined, how: ByHand): Promise<Override | undefined> {
    const agrees = wanted?.kind === "value" && canonicalJson(wanted.value) === canonicalJson(value);
    let noted: Override | undefined;
    if (agrees && how.keep !== true) {
      if (!this.#overrides.delete(key)) return undefined;
    } else {
      const untilMs = wanted?.kind === "value" ? wanted.untilMs : undefined;
      const { by, rule, forMs } = how;
      noted = {
        value, version, against: textOf(wanted), ...(untilMs !== undefined && { untilMs }),
        ...(by !== "command" && { by }), ...(rule !== undefined && { rule }), ...(forMs !== undefined && { forMs }),
      };
      this.#put(key, noted);
    }
    await this.#save();
    return noted;
  }

  /** Ends the override of `key`. Resolves to whether there was one. */
  async end(key: string): Promise<boolean> {
    if (!this.#overrides.delete(key)) return false;
    await this.#save();
    return true;
  }

  /** The keys with an override; some may be over already. */
  keys(): readonly string[] {
    return [...this.#overrides.keys()];
  }

  /** Ends all overrides. */
  async clear(): Promise<void> {
    this.#overrides.clear();
    await this.#save();
  }

  /** What somebody set by hand, while it overrides `wanted`. */
  choiceOf(key: string, version: number, wanted: Wanted | undefined): ManualChoice | undefined {
    const override = this.#overrides.get(key);
    if (override === undefined) return undefined;
    if (this.#holds(override, version, wanted)) {
      const { value, by = "command", rule } = override;
      const untilMs = this.#untilMs(override);
      return { value, by, ...(rule !== undefined && { rule }), ...(untilMs !== undefined && { untilMs }) };
    }
    void this.end(key);
    return undefined;
  }

  #holds(override: Override, version: number, wanted: Wanted | undefined): boolean {
    const { clock } = this.#deps;
    const ends = this.#ends.get(override);
    if (ends !== undefined && clock.monotonicMs() >= ends.monoMs) return false;
    // `no-opinion` is not an edge: the override stays in force.
    if (wanted?.kind === "no-opinion" && override.version === version) return true;
    if (wanted === undefined && override.against === UNMANAGED) return true;
    return override.version === version && textOf(wanted) === override.against && (override.untilMs === undefined || clock.wallMs() < override.untilMs);
  }

  #untilMs(override: Override): number | undefined {
    const untilMs = Math.min(this.#ends.get(override)?.wallMs ?? Number.POSITIVE_INFINITY, override.untilMs ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(untilMs) ? untilMs : undefined;
  }

  #put(key: string, override: Override): void {
    this.#overrides.set(key, override);
    const kept = new Set(this.#overrides.values());
    for (const each of this.#ends.keys()) if (!kept.has(each)) this.#ends.delete(each);
    const { clock } = this.#deps;
    const { forMs } = override;
    if (forMs !== undefined) this.#ends.set(override, { monoMs: clock.monotonicMs() + forMs, wallMs: Math.round(clock.wallMs() + forMs) });
  }

  async #save(): Promise<void> {
    const put = await this.#deps.store.put({ [KEY]: Object.fromEntries([...this.#overrides].map(([key, override]) => [key, { ...override }])) });
    // The override still holds until a restart, so the command is not refused.
    if (!put.ok) this.#deps.log.warn({ code: put.error.code }, "a manual override could not be stored on disk");
  }
}

const UNMANAGED = "unmanaged";

/** What was wanted, as text for comparison: the value, or why there is none. */
function textOf(wanted: Wanted | undefined): string {
  return wanted?.kind === "value" ? canonicalJson(wanted.value) : (wanted?.kind ?? UNMANAGED);
}

const HANDS: readonly unknown[] = ["command", "remote", "person"] satisfies readonly Hand[];

function overrideOf(stored: Json): Override | undefined {
  if (!isJsonObject(stored)) return undefined;
  const { value, version, against, untilMs, by, rule, forMs } = stored;
  if (value === undefined || typeof version !== "number" || typeof against !== "string") return undefined;
  return {
    value, version, against, ...(typeof untilMs === "number" && { untilMs }),
    ...(HANDS.includes(by) && { by: by as Hand }), ...(typeof rule === "string" && { rule }), ...(typeof forMs === "number" && { forMs }),
  };
}
