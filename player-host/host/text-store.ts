/** One short text that outlives the process and a power cut. */
export interface TextStore {
  /** `undefined` when none was ever written. Rejects when the disk does not let it be read. */
  read(): Promise<string | undefined>;
  /** Resolves when it is on disk. Rejects when the disk does not take it; what was there before still is. */
  write(text: string): Promise<void>;
  /** Where it is, for the log. */
  readonly place: string;
}
