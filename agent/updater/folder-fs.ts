/**
 * Port: the file system that holds releases. Paths are absolute, with "/" between names. Each change is one rename or repeatable, and on the disk when
 * it returns, so that a power cut leaves the state before it or after it. Failures of the disk are thrown.
 */
export interface FolderFs {
  exists(path: string): Promise<boolean>;
  /** `undefined`: there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /** Replaces the file, and makes its folder where it is missing. */
  writeText(path: string, text: string): Promise<void>;
  /** Target of a link; `undefined`: there is no link. */
  readLink(path: string): Promise<string | undefined>;
  symlink(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** With everything in it. Absent already: nothing happens. */
  remove(path: string): Promise<void>;
  /** With its parents. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** New, renamed and removed names of a folder are on the disk. */
  sync(folder: string): Promise<void>;
}

export function nameIn(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
