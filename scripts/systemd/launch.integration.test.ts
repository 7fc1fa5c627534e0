import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-launch-"));
  release("packaged");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A release whose Node only says what it is given. */
function release(path: string): void {
  mkdirSync(join(root, path, "bin"), { recursive: true });
  copyFileSync(join(import.meta.dirname, "launch"), join(root, path, "bin/launch"));
  writeFileSync(join(root, path, "bin/node"), '#!/bin/sh\nfor last; do :; done\nfor word; do case $word in *.js) echo "$word";; esac; done\n');
  for (const name of ["launch", "node"]) chmodSync(join(root, path, "bin", name), 0o755);
}

/** The program that a role starts, below the root. */
function started(role: string): string {
  const said = execFileSync(join(root, "packaged/bin/launch"), [role], { env: { PATH: process.env["PATH"], VITRINE_RELEASES: join(root, "releases") }, encoding: "utf8" });
  return said.trim().replace(`${root}/`, "");
}

test("without a release that came over the air the package's runs", () => {
  expect(["agent", "cli", "updater"].map(started)).toEqual(["packaged/dist/agent/main.js", "packaged/dist/cli/main.js", "packaged/dist/updater/main.js"]);
});

test("the current release runs, and the updater from the confirmed one", () => {
  release("releases/1.1.0");
  release("releases/1.2.0");
  symlinkSync("1.2.0", join(root, "releases/current"));
  expect([started("agent"), started("updater")]).toEqual(["releases/1.2.0/dist/agent/main.js", "packaged/dist/updater/main.js"]);
  symlinkSync("1.1.0", join(root, "releases/confirmed"));
  expect(started("updater")).toBe("releases/1.1.0/dist/updater/main.js");
});

test("the step that takes the provisioning file is the current release's, and so is the program that it runs", () => {
  for (const path of ["packaged", "releases/1.2.0"]) {
    release(path);
    writeFileSync(join(root, path, "bin/vitrine-provision"), '#!/bin/sh\necho "$0" "$@"\n', { mode: 0o755 });
  }
  symlinkSync("1.2.0", join(root, "releases/current"));
  const said = execFileSync(join(root, "packaged/bin/launch"), ["provision", "/data", "/store", "user", "/boot/a.json"], { env: { PATH: process.env["PATH"], VITRINE_RELEASES: join(root, "releases") }, encoding: "utf8" });
  const now = join(root, "releases/1.2.0");
  expect(said.trim().split(" ")).toEqual([join(now, "bin/vitrine-provision"), "/data", "/store", "user", "/boot/a.json", "--", join(now, "bin/node"), join(now, "dist/provision/main.js"), join(now, "dist/certificate/take.js")]);
  const unit = readFileSync(join(import.meta.dirname, "vitrine-provision.service"), "utf8");
  expect(unit).toMatch(/^ExecStart=\/usr\/lib\/vitrine\/bin\/launch provision \/var\/lib\/vitrine \/var\/lib\/vitrine-certificates vitrine-agent (?:\/\S+\.json(?:\.txt)? ?)+$/m);
});

test("every unit starts our programs through the launcher, in a role that it knows; only the forced reset depends on nothing else", () => {
  const units = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".service"));
  const starts = units.flatMap((unit) => [...readFileSync(join(import.meta.dirname, unit), "utf8").matchAll(/^ExecStart=(.*\/usr\/lib\/vitrine\/.*)$/gm)].map(([, line = ""]) => [unit, line] as const));
  const roles = readFileSync(join(import.meta.dirname, "launch"), "utf8");
  for (const [unit, line] of starts.filter(([name]) => name !== "vitrine-reset@.service")) {
    const role = /^\/usr\/lib\/vitrine\/bin\/launch ([a-z-]+)/.exec(line)?.[1];
    expect(roles, `${unit}: ${line}`).toMatch(new RegExp(`^${role ?? "none"}\\)$`, "m"));
  }
  expect(starts.length).toBeGreaterThan(5);
});

test.each([
  ["leads nowhere", () => symlinkSync("9.9.9", join(root, "releases/current"))],
  ["leads to a release without its programs", () => { mkdirSync(join(root, "releases/1.1.0")); symlinkSync("1.1.0", join(root, "releases/current")); }],
  ["is a circle", () => symlinkSync("current", join(root, "releases/current"))],
])("where the link %s, the package's runs", (_how, damage) => {
  mkdirSync(join(root, "releases"));
  damage();
  expect(started("agent")).toBe("packaged/dist/agent/main.js");
});

test("the player's launcher notes the release that it starts from, for the updater", () => {
  const text = readFileSync(join(import.meta.dirname, "launch"), "utf8");
  const note = /^ *(ln -sfn .*)$/m.exec(text)?.[1] ?? "exit 9";
  execFileSync("sh", ["-euc", note], { env: { PATH: process.env["PATH"], release: "/var/lib/vitrine-releases/1.2.0", XDG_RUNTIME_DIR: root } });
  expect(readlinkSync(join(root, "release"))).toBe("/var/lib/vitrine-releases/1.2.0");
  // Where it cannot be noted, the player starts all the same.
  const refused = spawnSync("sh", ["-euc", note], { env: { PATH: process.env["PATH"], release: "/x", XDG_RUNTIME_DIR: join(root, "missing") }, encoding: "utf8" });
  expect([refused.status, refused.stderr]).toEqual([0, expect.stringContaining("does not know")]);
});
