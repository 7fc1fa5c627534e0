/** The folders of unpacked packages. `folder` is a package's folder as named by the agent. */
export interface PackageFolders {
  /** Opens a file of the package; `undefined` when it is no file or a link leads out of the folder. */
  open(folder: string, path: string): Promise<PackageFile | undefined>;
  /** Names in a folder of the package, in any order; empty if there is no such folder. An empty `path` means the package's root. */
  names(folder: string, path: string): Promise<readonly string[]>;
  /** True only when it is certain that the package no longer exists. */
  isGone(folder: string): Promise<boolean>;
}

/** An open file; the caller closes it. */
export interface PackageFile {
  readonly bytes: number;
  /** Time of the last change, in milliseconds since the epoch. */
  readonly changedMs: number;
  /** Reads up to `length` bytes from offset `from`; fewer if the file has become shorter. */
  read(from: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
