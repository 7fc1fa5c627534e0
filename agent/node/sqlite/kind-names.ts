import type Database from "better-sqlite3";
import { FIRST_OWN_KIND, KNOWN_KINDS } from "./outbox-schema.ts";
import { rowChecksum } from "./row-checksum.ts";

/** Limit on kinds, whose names come from outside; further ones are stored as `other`. */
const KINDS_MAX = 256;
const OTHER: readonly [number, string] = [63, "other"];

/** Maps kind names to small numbers. */
export class KindNames {
  readonly #names = new Map<number, string>([...KNOWN_KINDS, OTHER]);
  readonly #ids = new Map<string, number>([...KNOWN_KINDS, OTHER].map(([id, name]) => [name, id]));
  readonly #add: Database.Statement;
  #new: [number, string][] = [];
  #next = FIRST_OWN_KIND;

  constructor(database: Database.Database) {
    this.#add = database.prepare("INSERT INTO kind (id, name, crc) VALUES (?, ?, ?)");
    for (const [id, name, crc] of database.prepare("SELECT id, name, crc FROM kind").raw().all() as [number, string, number][]) {
      this.#next = Math.max(this.#next, id + 1);
      if (crc === rowChecksum("kind", [id], name)) this.#learn(id, name);
    }
  }

  nameOf(id: number): string {
    // The name was lost to damage; the record itself is intact.
    return this.#names.get(id) ?? "unknown";
  }

  /** The number of a kind; a new one is inserted in the open transaction. */
  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= KINDS_MAX) return OTHER[0];
    const id = this.#next;
    this.#add.run(id, name, rowChecksum("kind", [id], name));
    this.#next += 1;
    this.#new.push([id, name]);
    this.#learn(id, name);
    return id;
  }

  /** Call after a commit. */
  keepNew(): void {
    this.#new = [];
  }

  /** Call after a rollback. */
  forgetNew(): void {
    for (const [id, name] of this.#new) {
      this.#names.delete(id);
      this.#ids.delete(name);
    }
    this.#new = [];
  }

  #learn(id: number, name: string): void {
    this.#names.set(id, name);
    this.#ids.set(name, id);
  }
}
