import { expect, test } from "vitest";
import type { FolderFs } from "./folder-fs.ts";

/** What every file system of releases does. `open`: the file system and an empty folder in it. */
export function folderFsConformance(open: () => { readonly fs: FolderFs; readonly root: string }): void {
  test("a text is read as it was written last, in folders made for it", async () => {
    const { fs, root } = open();
    expect(await fs.readText(`${root}/a/b.json`)).toBeUndefined();
    await fs.writeText(`${root}/a/b.json`, "one");
    await fs.writeText(`${root}/a/b.json`, "two");
    expect([await fs.readText(`${root}/a/b.json`), await fs.exists(`${root}/a`), await fs.exists(`${root}/c`)]).toEqual(["two", true, false]);
  });

  test("a link has the target it was given, whether it exists or not; a file has none", async () => {
    const { fs, root } = open();
    await fs.symlink("1.1.0", `${root}/current`);
    await fs.writeText(`${root}/file`, "text");
    expect([await fs.readLink(`${root}/current`), await fs.readLink(`${root}/file`), await fs.readLink(`${root}/none`)]).toEqual(["1.1.0", undefined, undefined]);
    await expect(fs.symlink("1.2.0", `${root}/current`)).rejects.toThrow("EEXIST");
  });

  test("a rename takes a folder with all in it, and replaces a file or a link", async () => {
    const { fs, root } = open();
    await fs.writeText(`${root}/incoming/tree/release.json`, "{}");
    await fs.rename(`${root}/incoming/tree`, `${root}/1.1.0`);
    expect([await fs.readText(`${root}/1.1.0/release.json`), await fs.exists(`${root}/incoming/tree`)]).toEqual(["{}", false]);
    await fs.symlink("1.0.0", `${root}/current`);
    await fs.symlink("1.1.0", `${root}/current.new`);
    await fs.rename(`${root}/current.new`, `${root}/current`);
    expect([await fs.readLink(`${root}/current`), await fs.readLink(`${root}/current.new`)]).toEqual(["1.1.0", undefined]);
    await expect(fs.rename(`${root}/none`, `${root}/other`)).rejects.toThrow("ENOENT");
  });

  test("removing takes everything in a folder and nothing beside it, and may be repeated", async () => {
    const { fs, root } = open();
    for (const name of ["1.1.0/release.json", "1.1.0/dist/a.js", "1.1.01/release.json"]) await fs.writeText(`${root}/${name}`, name);
    await fs.remove(`${root}/1.1.0`);
    await fs.remove(`${root}/1.1.0`);
    expect(await fs.list(root)).toEqual(["1.1.01"]);
  });

  test("a folder that was made is there and empty; a list has the names directly in it", async () => {
    const { fs, root } = open();
    await fs.makeFolder(`${root}/browsers`);
    await fs.makeFolder(`${root}/browsers`);
    await fs.writeText(`${root}/1.1.0/dist/a.js`, "");
    await fs.sync(root);
    expect([[...(await fs.list(root))].sort(), await fs.list(`${root}/browsers`)]).toEqual([["1.1.0", "browsers"], []]);
  });
}
