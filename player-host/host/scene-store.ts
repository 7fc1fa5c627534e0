import * as v from "valibot";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { schemaIssueWords } from "../../platform/runtime/schema-issue.ts";
import { PageContextSchema, StageSceneSchema, WayOutSchema } from "../contract/link-messages.ts";
import type { TextStore } from "./text-store.ts";

const KeptSchema = v.object({ version: v.literal(1), scene: v.optional(StageSceneSchema), context: v.optional(PageContextSchema), wayOut: v.optional(WayOutSchema) });
export type Kept = v.InferOutput<typeof KeptSchema>;

/** Stores the last scene, page context and way out, with which the host starts while the agent is away. */
export class SceneStore {
  readonly #text: TextStore;
  readonly #log: Log;
  #written = "";
  #turn: Promise<void> = Promise.resolve();
  #waiting: string | undefined;

  constructor(text: TextStore, log: Log) {
    this.#text = text;
    this.#log = log;
  }

  /** Reads what was kept. Damaged text counts as none, so that the host always starts. */
  async load(): Promise<Kept> {
    try {
      const text = await this.#text.read();
      if (text === undefined) return { version: 1 };
      const parsed = v.safeParse(KeptSchema, parseJson(text));
      if (parsed.success) return parsed.output;
      this.#log.warn({ place: this.#text.place, issue: schemaIssueWords(parsed.issues[0]).message }, "the kept scene is damaged and not used");
    } catch (thrown) {
      this.#log.warn({ place: this.#text.place, error: messageOf(thrown) }, "the kept scene could not be read");
    }
    return { version: 1 };
  }

  /** Writes `kept` if it differs from what was written last. Of several waiting ones, only the newest is written. */
  save(kept: Omit<Kept, "version">): Promise<void> {
    const text = JSON.stringify({ version: 1, ...kept });
    if (text === this.#written) return this.#turn;
    this.#written = text;
    this.#waiting = text;
    this.#turn = this.#turn.then(() => this.#write());
    return this.#turn;
  }

  async #write(): Promise<void> {
    const text = this.#waiting;
    this.#waiting = undefined;
    if (text === undefined) return;
    try {
      await this.#text.write(text);
    } catch (thrown) {
      // A full or read-only disk: the scene still plays, but will be missing after a restart.
      this.#written = "";
      this.#log.error({ place: this.#text.place, error: messageOf(thrown) }, "the scene could not be kept");
    }
  }
}
