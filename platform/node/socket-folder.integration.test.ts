import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { socketPlaceOf, trustSocketFolder } from "./socket-folder.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) reportLeftOut("socket folders of other users", "only root can give a folder away");

let base = "";
let folder = "";
let dataDir = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "vitrine-trust-"));
  dataDir = join(base, "data");
  folder = join(base, "sockets");
  mkdirSync(dataDir);
  mkdirSync(folder, { mode: 0o700 });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const UNTRUSTED = { ok: false, error: { code: "socket.untrusted-folder" } };

test("our own folder is accepted, and so is a missing one", () => {
  expect(trustSocketFolder(folder, dataDir).ok).toBe(true);
  expect(trustSocketFolder(join(base, "gone"), dataDir).ok).toBe(true);
  chmodSync(folder, 0o710);
  expect(trustSocketFolder(folder, dataDir).ok).toBe(true);
});

test("a folder that others may write to, or a link in its place, is refused", () => {
  chmodSync(folder, 0o770);
  expect(trustSocketFolder(folder, dataDir)).toMatchObject(UNTRUSTED);
  chmodSync(folder, 0o707);
  expect(trustSocketFolder(folder, dataDir)).toMatchObject(UNTRUSTED);
  symlinkSync(dataDir, join(base, "link"));
  expect(trustSocketFolder(join(base, "link"), dataDir)).toMatchObject(UNTRUSTED);
});

test.skipIf(!isRoot)("another user's folder is refused, but not the agent's, root's or our own", () => {
  const [agent, player, stranger] = [61_234, 61_235, 61_236];
  chownSync(dataDir, agent, agent);
  for (const [owner, trusted] of [[stranger, false], [agent, true], [0, true], [player, true]] as const) {
    chownSync(folder, owner, owner);
    expect(trustSocketFolder(folder, dataDir, player).ok, String(owner)).toBe(trusted);
  }
});

test("two data folders have different socket folders", () => {
  expect(socketPlaceOf("/a").dataDirSha256Hex).not.toBe(socketPlaceOf("/b").dataDirSha256Hex);
});
