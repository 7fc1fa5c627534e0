import type { DisplayMemory } from "../../ports/display.ts";
import type { OrderJudgement } from "../../ports/display-driver.ts";
import { Emitter } from "../../runtime/emitter.ts";
import { isJsonObject, type JsonObject } from "../../runtime/json.ts";

/** The methods for each task, in the order in which they are tried on a TV that nothing is known about. */
export const TV_METHODS = {
  "power-on": ["image-view-on", "text-view-on", "power-on-key"],
  "power-off": ["standby", "power-off-key"],
  input: ["active-source", "stream-path"],
  volume: ["keys", "level"],
  mute: ["function-keys", "mute-key"],
} as const;

export type TvTask = keyof typeof TV_METHODS;
export type TvMethod<T extends TvTask = TvTask> = (typeof TV_METHODS)[T][number];
type Learnt = { readonly [T in TvTask]?: TvMethod };

const TASKS = Object.keys(TV_METHODS) as readonly TvTask[];
/** A player meets few TVs; the one that was learnt longest ago is forgotten first. */
export const TVS_MAX = 8;
const TV_KEY_LENGTH_MAX = 64;
const UNKNOWN_TV = "unknown";

/**
 * Which methods work on which TV. TVs differ in the messages they obey, so a method that was seen to fail is followed by
 * the next one, and the one that was seen to work is kept for this maker and model.
 */
export class TvMethods implements DisplayMemory {
  readonly #changed = new Emitter<JsonObject>((thrown) => { throw thrown; });
  /** By TV, the one learnt last at the end. */
  readonly #tvs = new Map<string, Learnt>();
  /** Methods that failed since one worked. */
  readonly #failed = new Map<TvTask, Set<TvMethod>>();
  /** Tasks for which every method has failed: the TV is more likely at fault than the method. */
  readonly #exhausted = new Set<TvTask>();
  #tv = UNKNOWN_TV;

  /** Which TV is connected, by maker and model. Another one starts with its own methods. */
  identify(tv: string | undefined): void {
    const key = (tv ?? UNKNOWN_TV).slice(0, TV_KEY_LENGTH_MAX);
    if (key === this.#tv) return;
    this.#tv = key;
    this.#failed.clear();
    this.#exhausted.clear();
  }

  /** The method to use now: the one that worked, or else the first that has not failed. */
  choose<T extends TvTask>(task: T): TvMethod<T> {
    const all: readonly TvMethod<T>[] = TV_METHODS[task];
    const failed = this.#failed.get(task);
    const learnt = this.#tvs.get(this.#tv)?.[task] as TvMethod<T> | undefined;
    const open = [...(learnt === undefined ? [] : [learnt]), ...all].find((method) => failed?.has(method) !== true);
    return open ?? learnt ?? (all[0] as TvMethod<T>);
  }

  /** Takes what came of a method. Returns whether another one should be tried at once. */
  judge(task: TvTask, method: TvMethod, judgement: OrderJudgement): boolean {
    if (judgement === "unclear") return false;
    if (judgement === "obeyed") {
      this.#failed.delete(task);
      this.#exhausted.delete(task);
      this.#learn(task, method);
      return false;
    }
    const failed = this.#failed.get(task) ?? new Set();
    this.#failed.set(task, failed.add(method));
    if (failed.size < TV_METHODS[task].length) return !this.#exhausted.has(task);
    this.#exhausted.add(task);
    this.#failed.delete(task);
    return false;
  }

  known(): Learnt {
    return this.#tvs.get(this.#tv) ?? {};
  }

  restore(document: JsonObject): void {
    for (const [tv, methods] of Object.entries(isJsonObject(document["tvs"]) ? document["tvs"] : {}).slice(-TVS_MAX)) {
      if (!isJsonObject(methods) || tv.length > TV_KEY_LENGTH_MAX) continue;
      // A method of another version is not known here.
      const known = TASKS.filter((task) => (TV_METHODS[task] as readonly unknown[]).includes(methods[task])).map((task) => [task, methods[task]]);
      if (known.length > 0) this.#tvs.set(tv, Object.fromEntries(known) as Learnt);
    }
  }

  onChange(listener: (document: JsonObject) => void): () => void {
    return this.#changed.on(listener);
  }

  #learn(task: TvTask, method: TvMethod): void {
    const before = this.#tvs.get(this.#tv);
    if (before?.[task] === method) return;
    this.#tvs.delete(this.#tv);
    this.#tvs.set(this.#tv, { ...before, [task]: method });
    for (const tv of [...this.#tvs.keys()].slice(0, -TVS_MAX)) this.#tvs.delete(tv);
    this.#changed.emit({ tvs: Object.fromEntries(this.#tvs) as JsonObject });
  }
}
