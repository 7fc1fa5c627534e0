import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { buildDeb, type Deb, type DebOptions } from "./build-deb.ts";
import { electronFolder } from "./electron-player.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = join(ROOT, ".vitrine/package");
/** What a build reads of the source tree. */
const SOURCES = ["agent", "platform", "player-host", "scripts", "docs", "package.json", "package-lock.json", "tsconfig.json", "LICENSE", "CHANGELOG.md"];
const OPTIONS: Omit<DebOptions, "root" | "out"> = { arch: "arm64", version: "0.1.0", cache: CACHE, epochSeconds: 1_790_000_000, compression: 0 };

let folder: string;
let first: Deb;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-reproduce-"));
  await buildApart(ROOT);
  first = await built({ ...OPTIONS, root: ROOT, out: join(folder, "first") });
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the same source gives the same bytes in another folder, at another time, under another umask", async () => {
  const copy = join(folder, "another place");
  const umask = process.umask(0o077);
  try {
    for (const name of SOURCES) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    await buildApart(copy);
    const second = await built({ ...OPTIONS, root: copy, out: join(folder, "second") });
    expect(readFileSync(second.path).equals(readFileSync(first.path))).toBe(true);
  } finally {
    process.umask(umask);
  }
}, 300_000);

test("every file belongs to root and can be read by all, and nothing but programs can be run", () => {
  const lines = contents(first.path);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter((line) => !/^(?:drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) root\/root /.test(line))).toEqual([]);
  const programs = lines.filter((line) => line.startsWith("-rwx")).map((line) => /\.(\/.*)$/.exec(line)?.[1]);
  expect(programs).toContain("/usr/lib/vitrine/bin/node");
  expect(programs.filter((path) => !/^\/usr\/(?:bin|libexec|lib\/vitrine\/bin|lib\/systemd\/system-generators)\//.test(path ?? ""))).toEqual([]);
});

test("the programs and native modules are for the package's architecture, wherever it was built", () => {
  const unpacked = join(folder, "unpacked");
  expect(spawnSync("dpkg-deb", ["--extract", first.path, unpacked]).status).toBe(0);
  const release = join(unpacked, "usr/lib/vitrine");
  const listed = JSON.parse(readFileSync(join(release, "release.json"), "utf8")) as { files: Record<string, string>; arch: string; node: string };
  expect(listed).toMatchObject({ arch: "arm64", node: "24.21.0" });
  const binaries = Object.keys(listed.files).filter((path) => readFileSync(join(release, path)).subarray(0, 4).toString("latin1") === "\u007FELF");
  expect(binaries.map((path) => [path, readFileSync(join(release, path)).readUInt16LE(18)])).toEqual([
    ["bin/node", 183], ["node_modules/@koromix/koffi-linux-arm64/linux_arm64/koffi.node", 183], ["node_modules/better-sqlite3/prebuilds/linux-arm64.node", 183],
  ]);
  expect(Object.keys(listed.files).filter((path) => !existsSync(join(release, path)))).toEqual([]);
});

const lintian = spawnSync("lintian", ["--version"]).error === undefined;
if (!lintian) reportLeftOut("lintian on the Debian package", "lintian is not there");

test.skipIf(!lintian)("lintian finds no error", () => {
  const { status, stdout, stderr } = spawnSync("lintian", ["--fail-on", "error", "--tag-display-limit", "0", first.path], { encoding: "utf8", timeout: 580_000 });
  expect(status, stdout + stderr).toBe(0);
}, 600_000);

test("where electron-builder made an Electron player, the package has it, with its programs executable, and Chromium is no dependency", async () => {
  // A folder as electron-builder's: what counts is the ELF heads, so none of it can run.
  const electron = join(folder, electronFolder("arm64"));
  const head = Buffer.alloc(64);
  head.write("\u007FELF", "latin1");
  head.writeUInt16LE(183, 18);
  for (const [name, content] of [["vitrine-player", head], ["libffmpeg.so", head], ["resources/app.asar", Buffer.from("asar")]] as const) {
    mkdirSync(dirname(join(electron, name)), { recursive: true });
    writeFileSync(join(electron, name), content);
    chmodSync(join(electron, name), 0o600);
  }
  const { path } = await built({ ...OPTIONS, root: ROOT, electron, out: join(folder, "electron") });
  const files = contents(path).filter((line) => line.includes("/usr/lib/vitrine/electron/") || line.includes("/dist/player-host/"));
  expect(files.filter((line) => line.startsWith("-")).map((line) => `${line.slice(0, 10)} ${/\.(\/.*)$/.exec(line)?.[1] ?? ""}`)).toEqual([
    "-rwxr-xr-x /usr/lib/vitrine/electron/libffmpeg.so", "-rw-r--r-- /usr/lib/vitrine/electron/resources/app.asar", "-rwxr-xr-x /usr/lib/vitrine/electron/vitrine-player",
  ]);
  const depends = spawnSync("dpkg-deb", ["--field", path, "Depends"], { encoding: "utf8" }).stdout;
  expect(depends).not.toContain("chromium");
  expect(depends).toContain("libnss3");
}, 120_000);

async function built(options: DebOptions): Promise<Deb> {
  const deb = await buildDeb(options);
  if (!deb.ok) throw new Error(deb.error.message);
  return deb.value;
}

/** One line a file, as of `ls -l`. */
function contents(path: string): string[] {
  return spawnSync("dpkg-deb", ["--contents", path], { encoding: "utf8" }).stdout.trim().split("\n");
}
