import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { canonicalJson, isJsonObject, type Json } from "../../../platform/runtime/json.ts";
import type { Wanted } from "./desired-key.ts";

/**
 * A manual command that overrides desired state, which would otherwise revert it within a minute. The rule for every key:
 * **a command holds until the next edge of the schedule or the next desired document, whichever comes first.** Until
 * then the key is left alone and reported `pending` with `desired.overridden`. For a key that no document manages, the
 * command holds until one does. Overrides are kept on disk, so they survive a restart of the agent.
 */
interface Override {
  readonly value: Json;
  /** Version of the desired document at that time; a different version that manages the key ends the override. */
  readonly version: number;
  /** Canonical text of what was wanted then; a change (an edge of the schedule) ends the override. */
  readonly against: string;
  /** Wall time of the next edge, for an edge that passed while the device was off. */
  readonly untilMs?: number;
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

  private constructor(deps: ManualOverridesDeps) {
    this.#deps = deps;
  }

  static async load(deps: ManualOverridesDeps): Promise<ManualOverrides> {
    const overrides = new ManualOverrides(deps);
    for (const [key, stored] of Object.entries((await readDocument(deps.store, KEY, deps.log)) ?? {})) {
      const override = overrideOf(stored);
      if (override !== undefined) overrides.#overrides.set(key, override);
    }
    return overrides;
  }

  /**
   * Notes that a command set `key` to `value` while document `version` wanted `wanted`. Nothing is kept when the two
   * agree. Keys that the document does not manage are noted too: a display switched off by hand is dark on purpose.
   * Returns a function that undoes the note, for a command that had no effect.
   */
  async note(key: string, value: Json, version: number, wanted: Wanted | undefined): Promise<() => Promise<void>> {
    const before = this.#overrides.get(key);
    await this.#note(key, value, version, wanted);
    return async () => {
      if (before === undefined) this.#overrides.delete(key);
      else this.#overrides.set(key, before);
      await this.#save();
    };
  }

  /** Ends the override of a command noted before a restart whose outcome is failed or unknown. */
  async forget(key: string, value: Json): Promise<void> {
    const override = this.#overrides.get(key);
    if (override === undefined || canonicalJson(override.value) !== canonicalJson(value)) return;
    this.#overrides.delete(key);
    await this.#save();
  }

  async #note(key: string, value: Json, version: number, wanted: Wanted | undefined): Promise<void> {
    if (wanted?.kind === "value" && canonicalJson(wanted.value) === canonicalJson(value)) {
      if (!this.#overrides.delete(key)) return;
    } else {
      const untilMs = wanted?.kind === "value" ? wanted.untilMs : undefined;
      this.#overrides.set(key, { value, version, against: textOf(wanted), ...(untilMs === undefined ? {} : { untilMs }) });
    }
    await this.#save();
  }

  /** Ends all overrides. */
  async clear(): Promise<void> {
    this.#overrides.clear();
    await this.#save();
  }

  /** The value a command set, while it overrides `wanted`. */
  valueOf(key: string, version: number, wanted: Wanted | undefined): Json | undefined {
    const override = this.#overrides.get(key);
    if (override === undefined) return undefined;
    // `no-opinion` is not an edge: the override stays in force.
    if (wanted?.kind === "no-opinion" && override.version === version) return override.value;
    if (wanted === undefined && override.against === UNMANAGED) return override.value;
    const holds =
      override.version === version &&
      textOf(wanted) === override.against &&
      (override.untilMs === undefined || this.#deps.clock.wallMs() < override.untilMs);
    if (holds) return override.value;
    this.#overrides.delete(key);
    void this.#save();
    return undefined;
  }

  /** The issue to report for the key while an override holds. */
  issueFor(key: string, version: number, wanted: Wanted): Issue | undefined {
    const value = this.valueOf(key, version, wanted);
    if (value === undefined) return undefined;
    const message = `a command set ${JSON.stringify(value)}; it holds until the next edge of the schedule or the next desired document`;
    return { code: "desired.overridden", message };
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

function overrideOf(stored: Json): Override | undefined {
  if (!isJsonObject(stored)) return undefined;
  const { value, version, against, untilMs } = stored;
  if (value === undefined || typeof version !== "number" || typeof against !== "string") return undefined;
  return { value, version, against, ...(typeof untilMs === "number" ? { untilMs } : {}) };
}
