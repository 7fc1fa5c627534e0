/**
 * Storage of the page spool: an append-only text and a short mark beside it. Failed writes reject; the previous text is then
 * still there, followed by at most part of the new text.
 */
export interface SpoolStore {
  /** The whole text, empty when there is none. Rejects when it cannot be read. */
  read(): Promise<string>;
  /** Moves an unreadable spool aside, where a person can find it. */
  setAside(): Promise<void>;
  /** Appends `text`. It survives the process and, with `synced`, a power cut. */
  append(text: string, synced: boolean): Promise<void>;
  /** Replaces the whole text atomically: after a power cut it is the old or the new one. An empty `text` removes it. */
  replace(text: string): Promise<void>;
  readMark(): Promise<string | undefined>;
  /** Overwrites the mark in place; all marks have the same length. `undefined` removes it. `synced` as in `append`. */
  writeMark(text: string | undefined, synced: boolean): Promise<void>;
  close(): Promise<void>;
}
