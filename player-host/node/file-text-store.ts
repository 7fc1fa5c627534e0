import { readIfThere, writeDurably } from "../../platform/node/durable-file.ts";
import type { TextStore } from "../host/text-store.ts";

/** Stores a text in a file of its own. */
export class FileTextStore implements TextStore {
  readonly place: string;

  constructor(path: string) {
    this.place = path;
  }

  read(): Promise<string | undefined> {
    return readIfThere(this.place);
  }

  write(text: string): Promise<void> {
    return writeDurably(this.place, text);
  }
}
