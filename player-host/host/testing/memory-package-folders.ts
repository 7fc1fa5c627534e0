import { utf8 } from "../../../platform/runtime/encoding.ts";
import type { PackageFile, PackageFolders } from "../package-folders.ts";

/** Packages in memory: files by path, in folders by name. */
export class MemoryPackageFolders implements PackageFolders {
  readonly packages = new Map<string, Readonly<Record<string, string>>>();

  async open(folder: string, path: string): Promise<PackageFile | undefined> {
    const text = this.packages.get(folder)?.[path];
    if (text === undefined) return undefined;
    const bytes = utf8(text);
    return { bytes: bytes.length, changedMs: 0, read: async (from, length) => bytes.subarray(from, from + length), close: async () => undefined };
  }

  async names(folder: string, path: string): Promise<readonly string[]> {
    const start = path === "" ? "" : `${path}/`;
    const below = Object.keys(this.packages.get(folder) ?? {}).filter((file) => file.startsWith(start));
    return [...new Set(below.map((file) => file.slice(start.length).split("/")[0] ?? ""))];
  }

  async isGone(folder: string): Promise<boolean> {
    return !this.packages.has(folder);
  }
}
