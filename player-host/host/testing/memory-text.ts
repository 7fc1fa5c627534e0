import type { TextStore } from "../text-store.ts";

/** Text storage in memory. It outlives the stores opened on it, as a disk outlives processes. */
export class MemoryText {
  text: string | undefined;
  obstructed = false;

  open(): TextStore {
    return {
      place: "memory",
      read: async () => {
        this.#refuseIfObstructed();
        return this.text;
      },
      write: async (text) => {
        this.#refuseIfObstructed();
        this.text = text;
      },
    };
  }

  #refuseIfObstructed(): void {
    if (this.obstructed) throw new Error("something is in the way");
  }
}
