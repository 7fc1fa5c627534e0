import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { systemTree } from "../package/tree.ts";
import { declaredPaths, isCovered, PER_SLOT, pathsOfTmpfiles, pathsOfUnit } from "./slot-shared.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SYSTEMD = resolve(import.meta.dirname, "../systemd");
const read = (name: string): string => readFileSync(join(SYSTEMD, name), "utf8");
const declared = declaredPaths(read("slot-shared.conf"));
const units = readdirSync(SYSTEMD).filter((name) => /\.(?:service|socket)$/.test(name));

const written = [...units.flatMap((name) => pathsOfUnit(read(name)).map((path) => `${path} (${name})`)), ...pathsOfTmpfiles(read("tmpfiles.conf")).map((path) => `${path} (tmpfiles.conf)`)];
const notIn = (folders: readonly string[]): readonly string[] => written.filter((each) => !isCovered(each.split(" ")[0] ?? "", folders));

describe("the state partition of a read-only image", () => {
  const rows = readFileSync(join(import.meta.dirname, "read-only.fstab"), "utf8").trim().split("\n").map((row) => row.split(/\s+/));
  const made = /^MakeDirectories=(.*)$/m.exec(readFileSync(join(import.meta.dirname, "read-only/usr/lib/repart.d/20-state.conf"), "utf8"))?.[1]?.split(" ");

  test("has every lasting path that a unit may write, or that tmpfiles.conf makes, but the operator's configuration", () => {
    expect(notIn([...rows.map(([, place = ""]) => place), "/etc/vitrine"])).toEqual([]);
  });

  test("is made with every folder that is mounted from it", () => {
    expect(rows.slice(1).map(([from = ""]) => from.replace("/var/lib/vitrine-state", "")).sort()).toEqual([...(made ?? [])].sort());
  });
});

describe("the folders that A/B slots share", () => {
  test("every lasting path that a unit may write, or that tmpfiles.conf makes, is shared or has a reason not to be", () => {
    expect(written.length).toBeGreaterThan(4);
    expect(notIn([...declared, ...Object.keys(PER_SLOT)])).toEqual([]);
  });

  test("every shared folder is used by a unit, but the operator's configuration", () => {
    const used = [...units.flatMap((name) => pathsOfUnit(read(name))), ...pathsOfTmpfiles(read("tmpfiles.conf"))];
    expect(declared.filter((folder) => !used.some((path) => isCovered(path, [folder])))).toEqual(used.some((path) => isCovered(path, ["/etc/vitrine"])) ? [] : ["/etc/vitrine"]);
  });

  test("a folder is not shared and kept apart at once, and none is within another", () => {
    expect(declared.filter((path) => isCovered(path, Object.keys(PER_SLOT)))).toEqual([]);
    expect(declared.filter((path) => isCovered(path, declared.filter((other) => other !== path)))).toEqual([]);
  });

  test("a state, log or environment folder that nobody declared is found", () => {
    const unit = "[Service]\nStateDirectory=vitrine other:alias\nLogsDirectory=vitrine-agent\nReadWritePaths=-/var/lib/third /sys/devices\nEnvironment=A=/run/x B=/etc/fourth/file\n";
    expect(pathsOfUnit(unit)).toEqual(["/var/lib/vitrine", "/var/lib/other", "/var/log/vitrine-agent", "/var/lib/third", "/etc/fourth/file"]);
    expect(pathsOfTmpfiles("d /var/lib/fifth 0755 root root -\nd /run/sixth 0755 - - -\n")).toEqual(["/var/lib/fifth"]);
  });

  test("the package puts nothing into a shared folder: what lies there in a slot replaces the device's own at each boot", () => {
    expect(systemTree(ROOT).map(({ path }) => path).filter((path) => isCovered(path, declared))).toEqual([]);
    expect(systemTree(ROOT)).toContainEqual(expect.objectContaining({ path: "/etc/rpi-image-gen/slot-shared.d/vitrine.conf" }));
  });

  test.each(["Version=2\nPath=/var/lib/vitrine\n", "Path=/var/lib/vitrine\n", "Version=1\nPath=var/lib\n", "Version=1\nPath=/var/lib/vitrine/\n", "Version=1\npath=/x\n"])("a declaration that the image's generator would skip is refused: %j", (text) => {
    expect(() => declaredPaths(text)).toThrow(/declaration/);
  });
});
