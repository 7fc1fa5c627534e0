import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import type { SpoolStore } from "../../../player-host/host/spool-store.ts";
import { pause } from "../pause.ts";
import type { Life } from "./life.ts";

export interface SpoolDisk {
  /** Why the next write fails; `undefined` when it succeeds. */
  refuses(life: Life): string | undefined;
  /** Longest duration of a sync at the moment. */
  syncMsMax(): number;
}

/** The page spool on a device's disk. A power cut removes unsynced text from a random point on. */
export class SimulatedSpool {
  readonly #disk: SpoolDisk;
  #text = "";
  #syncedChars = 0;
  #mark: string | undefined;
  #syncedMark: string | undefined;

  constructor(disk: SpoolDisk) {
    this.#disk = disk;
  }

  get isEmpty(): boolean {
    return this.#text === "";
  }

  /** Returns the lost text, from the start of its first damaged line. */
  powerCut(random: SeededRandom): string {
    const kept = random.integer(this.#syncedChars, this.#text.length);
    const gone = this.#text.slice(this.#text.lastIndexOf("\n", kept - 1) + 1);
    this.#text = this.#text.slice(0, kept);
    this.#syncedChars = kept;
    if (random.chance(0.5)) this.#mark = this.#syncedMark;
    return gone;
  }

  /** Opens it for a player host process. `forgets`: appended text is discarded. */
  open(life: Life, forgets = false): SpoolStore {
    const written = (what: string, work: () => Promise<void>): Promise<void> =>
      life.call(`spool.${what}`, () => {
        const why = this.#disk.refuses(life);
        return why === undefined ? work() : Promise.reject(new Error(why));
      });
    const sync = (): Promise<void> => pause(life, "sim.spool-sync", life.random.integer(1, this.#disk.syncMsMax()));
    return {
      read: () => Promise.resolve(this.#text),
      readMark: () => Promise.resolve(this.#mark),
      setAside: () => Promise.reject(new Error("a spool that can be read is never set aside here")),
      append: (text, synced) =>
        life.call("spool.append", async () => {
          if (forgets) return;
          const why = this.#disk.refuses(life);
          this.#text += why === undefined ? text : text.slice(0, text.length >> 1);
          if (why !== undefined) throw new Error(why);
          if (!synced) return;
          const { length } = this.#text;
          await sync();
          this.#syncedChars = Math.max(this.#syncedChars, length);
        }),
      replace: (text) =>
        written("replace", async () => {
          if (text !== "") await sync();
          this.#text = text;
          this.#syncedChars = text.length;
        }),
      writeMark: (text, synced) =>
        written("mark", async () => {
          this.#mark = text;
          if (!synced && text !== undefined) return;
          await sync();
          this.#syncedMark = text;
        }),
      close: () => Promise.resolve(),
    };
  }
}
