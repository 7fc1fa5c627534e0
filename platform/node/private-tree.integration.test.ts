import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { asUser, STRANGER, whyNoOtherUsers } from "../../scripts/systemd/testing/other-users.ts";
import { closeToOthers } from "./private-tree.ts";

const whyNot = whyNoOtherUsers();
if (whyNot !== undefined) reportLeftOut("a data folder with another user's file in it", whyNot);

let base = "";
let root = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "vitrine-private-"));
  chmodSync(base, 0o755);
  root = join(base, "data");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function put(name: string, mode: number): string {
  const path = join(root, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, "secret");
  chmodSync(path, mode);
  return path;
}
const modeOf = (name: string): string => (lstatSync(join(root, name)).mode & 0o7777).toString(8);

test("closeToOthers makes an existing folder private: databases, their logs and marks, quarantine, bundles; logs stay readable for their group", () => {
  const files = ["state.sqlite", "state.sqlite-wal", "state.sqlite-shm", "journal.sqlite.marks", "quarantine/state.sqlite.2026", "support/vitrine-support.zip"];
  for (const file of files) put(file, 0o644);
  put("logs/agent.log", 0o666);
  for (const folder of ["", "quarantine", "support", "logs"]) chmodSync(join(root, folder), 0o777);
  expect(closeToOthers(root, { groupReads: new Set(["logs"]) })).toEqual([]);
  expect(["", "quarantine", "support", "logs"].map(modeOf)).toEqual(["700", "700", "700", "750"]);
  expect(files.map(modeOf)).toEqual(files.map(() => "600"));
  expect(modeOf("logs/agent.log")).toBe("640");
});

test("closeToOthers never loosens a mode, keeps files executable for their owner, and skips what it is told to skip", () => {
  put("closed", 0o400);
  put("program", 0o755);
  put("content/abc/index.html", 0o644);
  chmodSync(join(root, "content"), 0o2750);
  expect(closeToOthers(root, { rootMode: 0o711, leave: new Set(["content"]) })).toEqual([]);
  expect(["closed", "program", "content", "content/abc/index.html", ""].map(modeOf)).toEqual(["400", "700", "2750", "644", "711"]);
});

test("closeToOthers follows no link and does not block on a pipe", () => {
  const outside = join(base, "outside");
  writeFileSync(outside, "");
  chmodSync(outside, 0o644);
  symlinkSync(outside, join(root, "link"));
  expect(spawnSync("mkfifo", [join(root, "pipe")]).status).toBe(0);
  expect(closeToOthers(root)).toEqual([]);
  expect((lstatSync(outside).mode & 0o777).toString(8)).toBe("644");
});

test.skipIf(whyNot !== undefined)("closeToOthers reports a file of another user that everyone can read, with its mode and the reason", () => {
  put("mine", 0o644);
  put("theirs", 0o644);
  for (const path of [root, join(root, "mine")]) chownSync(path, STRANGER, STRANGER);
  const script = `import { closeToOthers } from ${JSON.stringify(join(import.meta.dirname, "private-tree.ts"))}; console.log(JSON.stringify(closeToOthers(${JSON.stringify(root)})));`;
  const [program, ...args] = asUser({ uid: STRANGER }, process.execPath, ["--input-type=module", "-e", script]);
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  expect(JSON.parse(stdout), stderr).toEqual([{ path: join(root, "theirs"), mode: "0644", why: expect.stringContaining("EPERM") as unknown }]);
  expect([modeOf("mine"), modeOf("theirs")]).toEqual(["600", "644"]);
});
