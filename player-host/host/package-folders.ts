/** The folders in which unpacked packages lie. `folder` is a package's own, by the name that the agent gave it. */
export interface PackageFolders {
  /** A file of the package; `undefined` for what is not one, also where it is reached by a link that leads out of the folder. */
  open(folder: string, path: string): Promise<PackageFile | undefined>;
  /** Names in a folder of the package, in any order; none where there is no such folder. `path` is empty for the package's own. */
  names(folder: string, path: string): Promise<readonly string[]>;
  /** True only where it is certain that the package is no longer there. */
  isGone(folder: string): Promise<boolean>;
}

/** A file that is open until it is closed. */
export interface PackageFile {
  readonly bytes: number;
  /** When it was changed last, milliseconds since the epoch. */
  readonly changedMs: number;
  /** What there is of `length` bytes from `from` on; less where the file has become shorter. */
  read(from: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
