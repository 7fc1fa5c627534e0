import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";

const GENERATOR = join(import.meta.dirname, "vitrine-generator");
const hasAnalyze = existsSync("/usr/bin/systemd-analyze");
if (!hasAnalyze) reportLeftOut("the rating of the updater's unit", "this machine has no systemd-analyze");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-generator-"));
  mkdirSync(join(folder, "out"));
  mkdirSync(join(folder, "1.1.0/systemd"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function generate(): string[] {
  execFileSync(GENERATOR, [join(folder, "out"), join(folder, "early"), join(folder, "late")], { env: { ...process.env, VITRINE_RELEASES: folder } });
  return readdirSync(join(folder, "out"));
}

test("without a release that came over the air the package's units count", () => {
  expect(generate()).toEqual([]);
});

test("the units of the current release replace the package's, and no other unit is taken from it", () => {
  symlinkSync("1.1.0", join(folder, "current"));
  for (const unit of ["vitrine-agent.service", "vitrine-updater.service", "vitrine-units.service", "sshd.service"]) writeFileSync(join(folder, "1.1.0/systemd", unit), "[Service]\n");
  expect(generate()).toEqual(["vitrine-agent.service"]);
  // By its own name: a running service keeps its unit while the link moves on.
  expect(readlinkSync(join(folder, "out/vitrine-agent.service"))).toBe(join(folder, "1.1.0/systemd/vitrine-agent.service"));
});

test.skipIf(!hasAnalyze)("the updater's sandbox is rated at most 2.0", () => {
  const said = execFileSync("systemd-analyze", ["security", "--offline=true", join(import.meta.dirname, "vitrine-updater.service")], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  expect(Number(/exposure level for vitrine-updater\.service: ([\d.]+)/.exec(said)?.[1])).toBeLessThanOrEqual(2);
});

test("the updater's units name each other and the record that the updater keeps", () => {
  const unit = (name: string): string => readFileSync(join(import.meta.dirname, name), "utf8");
  expect(unit("vitrine-updater.path")).toContain("PathExists=/var/lib/vitrine-releases/trial.json\nUnit=vitrine-updater.service\n");
  expect(unit("vitrine-updater.service")).toContain("ReadWritePaths=/var/lib/vitrine-releases\n");
  expect(unit("vitrine-updater.socket")).toContain("SocketUser=vitrine-agent\nSocketMode=0600\n");
});
