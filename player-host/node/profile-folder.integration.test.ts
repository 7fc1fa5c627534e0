import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProfileFolder } from "./profile-folder.ts";

let folder = "";
let temporary = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-profiles-"));
  temporary = join(folder, "tmp");
  mkdirSync(temporary);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the profile is in the wanted folder if that is writable", async () => {
  expect(await findProfileFolder(join(folder, "player", "chromium"), temporary)).toEqual({ path: join(folder, "player", "chromium") });
});

test("else it is below the temporary folder, in the same place at the next start, with the reason", async () => {
  writeFileSync(join(folder, "player"), "a file where the folder should be");
  const first = await findProfileFolder(join(folder, "player", "chromium"), temporary);
  expect(first.path.startsWith(join(temporary, "vitrine-profile-"))).toBe(true);
  expect(first.insteadBecause).toContain("ENOTDIR");
  expect(await findProfileFolder(join(folder, "player", "chromium"), temporary)).toEqual(first);
  expect((await findProfileFolder(join(folder, "player", "other"), temporary)).path).not.toBe(first.path);
});

test("it is never behind a link that somebody put there", async () => {
  writeFileSync(join(folder, "player"), "");
  const { path } = await findProfileFolder(join(folder, "player", "chromium"), temporary);
  rmSync(path, { recursive: true });
  symlinkSync(folder, path);
  const other = await findProfileFolder(join(folder, "player", "chromium"), temporary);
  expect(other.path).not.toBe(path);
  expect(other.path.startsWith(join(temporary, "vitrine-profile-"))).toBe(true);
});

test("it is the wanted folder, with both reasons, if none is writable", async () => {
  writeFileSync(join(folder, "player"), "");
  const nowhere = await findProfileFolder(join(folder, "player", "chromium"), join(folder, "gone", "\0"));
  expect(nowhere.path).toBe(join(folder, "player", "chromium"));
});
