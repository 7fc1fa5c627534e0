import { utf8 } from "../../../platform/runtime/encoding.ts";
import type { SpoolStore } from "../spool-store.ts";

/** Spool storage in memory. It outlives the stores opened on it, as a disk outlives processes. */
export class MemorySpool {
  text: Uint8Array | undefined;
  mark: Uint8Array | undefined;
  aside: Uint8Array | undefined;
  /** The parts that cannot be read. */
  readonly obstructed = new Set<"text" | "mark">();
  full = false;

  open(): SpoolStore {
    return {
      read: async () => this.#read("text") ?? "",
      readMark: async () => this.#read("mark"),
      setAside: async () => {
        this.obstructed.delete("text");
        this.aside = this.text ?? new Uint8Array();
        this.text = undefined;
      },
      append: async (text) => {
        const before = this.text ?? new Uint8Array();
        const added = utf8(text);
        // Part of it is written, as on a disk that fills up.
        const taken = this.full ? added.subarray(0, added.length >> 1) : added;
        this.text = new Uint8Array([...before, ...taken]);
        this.#refuseIfFull();
      },
      replace: async (text) => {
        if (text !== "") this.#refuseIfFull();
        this.text = text === "" ? undefined : utf8(text);
      },
      writeMark: async (text) => {
        if (text !== undefined && this.mark === undefined) this.#refuseIfFull();
        this.obstructed.delete("mark");
        this.mark = text === undefined ? undefined : utf8(text);
      },
      close: async () => {
        // Nothing is held open.
      },
    };
  }

  #read(what: "text" | "mark"): string | undefined {
    if (this.obstructed.has(what)) throw new Error(`the ${what} cannot be read`);
    const bytes = this[what];
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  #refuseIfFull(): void {
    if (this.full) throw new Error("no space left");
  }
}
