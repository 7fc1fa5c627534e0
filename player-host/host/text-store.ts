/** Stores one short text that survives restarts and power cuts. */
export interface TextStore {
  /** `undefined` when none was ever written. Rejects on a disk error. */
  read(): Promise<string | undefined>;
  /** Resolves when the text is on disk. Rejects on a disk error; the previous text is then still there. */
  write(text: string): Promise<void>;
  /** Where the text is stored, for the log. */
  readonly place: string;
}
