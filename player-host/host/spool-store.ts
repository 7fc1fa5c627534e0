/**
 * Where the page spool is kept: a text that grows at its end, and a short mark beside it. Whatever takes no write rejects; what
 * was there before is then still there, followed by at most a part of what was to be added.
 */
export interface SpoolStore {
  /** The whole text, empty when there is none. Rejects when it cannot be read. */
  read(): Promise<string>;
  /** Puts what cannot be read out of the way, where a person finds it. */
  setAside(): Promise<void>;
  /** Adds at the end. It outlives the process; `synced`: a power cut as well. */
  append(text: string, synced: boolean): Promise<void>;
  /** The text anew, after a power cut the old one or this. Empty: nothing is left. */
  replace(text: string): Promise<void>;
  readMark(): Promise<string | undefined>;
  /** In place of the last one; texts of one length, written over in place. `undefined` removes it. `synced` as above. */
  writeMark(text: string | undefined, synced: boolean): Promise<void>;
  close(): Promise<void>;
}
