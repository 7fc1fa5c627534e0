import * as v from "valibot";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { schemaIssueWords } from "../../platform/runtime/schema-issue.ts";
import { PageContextSchema, StageSceneSchema, WayOutSchema } from "../contract/link-messages.ts";
import { readIfThere, writeDurably } from "../../platform/node/durable-file.ts";

const KeptSchema = v.object({ version: v.literal(1), scene: v.optional(StageSceneSchema), context: v.optional(PageContextSchema), wayOut: v.optional(WayOutSchema) });
export type Kept = v.InferOutput<typeof KeptSchema>;

/** The last scene, page context and way out on disk: the host starts with them while the agent is away. */
export class SceneStore {
  readonly #path: string;
  readonly #log: Log;
  #written = "";
  #turn: Promise<void> = Promise.resolve();
  #waiting: string | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Whatever is on disk, however damaged, the host starts: a file that does not parse counts as none. */
  async load(): Promise<Kept> {
    try {
      const text = await readIfThere(this.#path);
      if (text === undefined) return { version: 1 };
      const parsed = v.safeParse(KeptSchema, parseJson(text));
      if (parsed.success) return parsed.output;
      this.#log.warn({ path: this.#path, issue: schemaIssueWords(parsed.issues[0]).message }, "the kept scene is damaged and not used");
    } catch (thrown) {
      this.#log.warn({ path: this.#path, error: messageOf(thrown) }, "the kept scene could not be read");
    }
    return { version: 1 };
  }

  /** Writes it when it differs from what was written last; only the newest of several waiting ones. */
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
      await writeDurably(this.#path, text);
    } catch (thrown) {
      // A full or read-only disk: the scene still plays, it is only not there after a restart.
      this.#written = "";
      this.#log.error({ path: this.#path, error: messageOf(thrown) }, "the scene could not be kept");
    }
  }
}
