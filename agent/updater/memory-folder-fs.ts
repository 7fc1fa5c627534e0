import { folderOf, type FolderFs } from "./folder-fs.ts";

/** Entries by path: `=TEXT` is a file, `>TARGET` a link, `/` a folder. */
export type FolderEntries = Readonly<Record<string, string>>;

/** A file system of entries that somebody else keeps, for simulated machines. Every change replaces them at once. */
export class MemoryFolderFs implements FolderFs {
  readonly #read: () => FolderEntries;
  readonly #write: (entries: FolderEntries) => void;

  constructor(read: () => FolderEntries, write: (entries: FolderEntries) => void) {
    this.#read = read;
    this.#write = write;
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(this.#has(path));
  }

  readText(path: string): Promise<string | undefined> {
    const entry = this.#read()[path];
    return Promise.resolve(entry?.startsWith("=") === true ? entry.slice(1) : undefined);
  }

  writeText(path: string, text: string): Promise<void> {
    return this.#put(path, `=${text}`);
  }

  readLink(path: string): Promise<string | undefined> {
    return Promise.resolve(linkIn(this.#read(), path));
  }

  symlink(target: string, path: string): Promise<void> {
    if (this.#has(path)) return Promise.reject(new Error(`EEXIST: ${path}`));
    return this.#put(path, `>${target}`);
  }

  rename(from: string, to: string): Promise<void> {
    if (!this.#has(from)) return Promise.reject(new Error(`ENOENT: ${from}`));
    const kept = Object.entries(this.#read()).filter(([path]) => !isIn(to, path));
    this.#write(Object.fromEntries(kept.map(([path, entry]) => [isIn(from, path) ? `${to}${path.slice(from.length)}` : path, entry])));
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    if (this.#has(path)) this.#write(Object.fromEntries(Object.entries(this.#read()).filter(([each]) => !isIn(path, each))));
    return Promise.resolve();
  }

  makeFolder(path: string): Promise<void> {
    return this.#has(path) ? Promise.resolve() : this.#put(path, "/");
  }

  list(folder: string): Promise<readonly string[]> {
    const names = Object.keys(this.#read()).filter((path) => path !== folder && isIn(folder, path)).map((path) => path.slice(folder.length + 1).split("/")[0] ?? "");
    return Promise.resolve([...new Set(names)]);
  }

  sync(_folder: string): Promise<void> {
    return Promise.resolve();
  }

  #has(path: string): boolean {
    return Object.keys(this.#read()).some((each) => isIn(path, each));
  }

  #put(path: string, entry: string): Promise<void> {
    const entries = this.#read();
    const parent = folderOf(path);
    this.#write({ ...entries, ...(parent !== "/" && !this.#has(parent) && { [parent]: "/" }), [path]: entry });
    return Promise.resolve();
  }
}

export function linkIn(entries: FolderEntries, path: string): string | undefined {
  const entry = entries[path];
  return entry?.startsWith(">") === true ? entry.slice(1) : undefined;
}

function isIn(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
