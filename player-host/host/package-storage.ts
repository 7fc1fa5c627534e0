import * as v from "valibot";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import type { StageContent } from "../contract/link-messages.ts";
import type { Shell } from "../stage/shell.ts";
import type { StageSeen } from "../stage/stage.ts";
import type { PackageFolders } from "./package-folders.ts";
import type { TextStore } from "./text-store.ts";

type Package = Extract<StageContent, { kind: "package" }>;

const EntrySchema = v.object({ id: v.string(), folder: v.string(), name: v.optional(v.string()) });
type Entry = v.InferOutput<typeof EntrySchema>;
const FileSchema = v.object({ version: v.literal(1), packages: v.array(EntrySchema) });

/** Maximum number of packages remembered. The list is needed because a browser does not list the origins it has storage for. */
const ENTRIES_MAX = 200;

export interface PackageStorageDeps {
  readonly list: TextStore;
  readonly folders: Pick<PackageFolders, "isGone">;
  readonly shell: Pick<Shell, "clearPackageStorage">;
  readonly log: Log;
}

/**
 * Clears the browser storage of old packages. Each version of a package has storage of its own, which nothing can reach
 * afterwards. It is cleared once another version of the same name has been seen on the screen, at the latest when the package is
 * no longer on the disk. The list of packages that ever had a page survives restarts.
 */
export class PackageStorage {
  readonly #deps: PackageStorageDeps;
  #entries: readonly Entry[] = [];
  /** The package last seen on the screen, for which old storage was cleared. */
  #confirmed = "";
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: PackageStorageDeps) {
    this.#deps = deps;
  }

  /** Reads the list. One that cannot be read counts as empty: storage not on it only takes space. */
  async load(): Promise<void> {
    const { list, log } = this.#deps;
    try {
      const text = await list.read();
      if (text === undefined) return;
      const parsed = v.safeParse(FileSchema, parseJson(text));
      if (parsed.success) this.#entries = parsed.output.packages;
      else log.warn({ place: list.place, issue: parsed.issues[0].message }, "the list of packages with storage is damaged and begins anew");
    } catch (thrown) {
      log.warn({ place: list.place, error: messageOf(thrown) }, "the list of packages with storage could not be read");
    }
  }

  /** A document of this content has started and may store data. */
  begun(content: StageContent | undefined): void {
    if (content?.kind !== "package") return;
    const { id, folder, name } = content;
    if (this.#entries.some((entry) => entry.id === id && entry.folder === folder && entry.name === name)) return;
    this.#take(async () => {
      this.#entries = [...this.#entries.filter((entry) => entry.id !== id), { id, folder, ...(name !== undefined && { name }) }].slice(-ENTRIES_MAX);
      await this.#save();
    });
  }

  /** Takes what is on the screen. The first `showing` verdict of new content is the point of no return to the old. */
  seen({ stage, picture }: StageSeen, content: StageContent | undefined): void {
    if (stage.kind !== "playing" || picture.verdict !== "showing" || content === undefined || content.id !== stage.content) return;
    if (this.#confirmed === content.id) return;
    this.#confirmed = content.id;
    this.#take(() => this.#tidy(content));
  }

  /** Resolves when all work started so far is done. */
  settled(): Promise<void> {
    return this.#turn;
  }

  async #tidy(content: StageContent): Promise<void> {
    const { shell, folders, log } = this.#deps;
    if (shell.clearPackageStorage === undefined) return;
    for (const entry of this.#entries) {
      if (entry.id === content.id || !((content.kind === "package" && replaces(content, entry)) || (await folders.isGone(entry.folder)))) continue;
      const cleared = await shell.clearPackageStorage(entry.id);
      if (!cleared.ok) {
        log.warn({ id: entry.id, ...cleared.error }, "the storage of an old package could not be cleared; it is tried again after the next switch or start");
        continue;
      }
      log.info({ id: entry.id, name: entry.name }, "the storage of an old package is cleared");
      this.#entries = this.#entries.filter((one) => one !== entry);
    }
    await this.#save();
  }

  async #save(): Promise<void> {
    const { list, log } = this.#deps;
    try {
      await list.write(JSON.stringify({ version: 1, packages: this.#entries }));
    } catch (thrown) {
      // A full or read-only disk: the list in memory is right until the next start.
      log.warn({ place: list.place, error: messageOf(thrown) }, "the list of packages with storage could not be kept");
    }
  }

  #take(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((thrown: unknown) => this.#deps.log.error({ error: messageOf(thrown) }, "tidying the storage of packages threw"));
  }
}

/** Whether `content` is another version of the same package. Packages of different names may alternate and keep their storage. */
function replaces(content: Package, entry: Entry): boolean {
  return content.name !== undefined && content.name === entry.name;
}
