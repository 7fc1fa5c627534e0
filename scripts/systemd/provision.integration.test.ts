import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";
import { AGENT, whyNoOtherUsers } from "./testing/other-users.ts";

const cannot = whyNoOtherUsers();
if (cannot !== undefined) reportLeftOut("the step that takes the provisioning file from the boot partition", cannot);

const STEP = join(import.meta.dirname, "vitrine-provision");
const PROGRAM = resolve(import.meta.dirname, "../../agent/node/take-provisioning-main.ts");
const NAME = "vitrine.json";
/** In the order in which the step writes it. */
const CONTENT = JSON.stringify({ claimToken: "shop-12", deviceName: "x".repeat(600), network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "very secret" } } });

let built: string;
let program: string;
beforeAll(() => {
  // Bundled, as on a device: it starts in a tenth of the time.
  built = mkdtempSync(join(tmpdir(), "vitrine-take-"));
  chmodSync(built, 0o755);
  program = join(built, "take.mjs");
  buildSync({ entryPoints: [PROGRAM], outfile: program, bundle: true, platform: "node", format: "esm" });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

let root: string;
const at = (...names: readonly string[]): string => join(root, ...names);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-provision-"));
  chmodSync(root, 0o755);
  mkdirSync(at("boot"));
  mkdirSync(at("data"), { mode: 0o700 });
  chownSync(at("data"), AGENT, AGENT);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function step(path = process.env["PATH"] ?? ""): { readonly code: number | null; readonly said: string } {
  const args = [STEP, at("data"), String(AGENT), at("boot", NAME), at("boot", `${NAME}.txt`), "--", process.execPath, program];
  // In a process group of its own, which the shims below kill.
  const { status, stdout, stderr } = spawnSync("setsid", ["--wait", "bash", ...args], { encoding: "utf8", env: { PATH: path } });
  return { code: status, said: stdout + stderr };
}
const put = (content: string, name = NAME): void => writeFileSync(at("boot", name), content);
const taken = (): string | undefined => (existsSync(at("data", "vitrine-provision.json")) ? readFileSync(at("data", "vitrine-provision.json"), "utf8") : undefined);

/** Programs of the same names that end the whole step, as a power cut would, before the `cut`-th of them runs. */
function shims(cut: number): string {
  rmSync(at("shims"), { recursive: true, force: true });
  mkdirSync(at("shims"));
  rmSync(at("count"), { force: true });
  for (const name of ["setpriv", "dd", "rm", "sync", "mv", "stat", "head", "tr", "sed"]) {
    const real = spawnSync("which", [name], { encoding: "utf8" }).stdout.trim();
    writeFileSync(at("shims", name), `#!/bin/bash\n(flock 9; echo x >&9) 9>>${at("count")}\n[[ $(wc -l < ${at("count")}) -ge ${cut} ]] && kill -9 0\nexec ${real} "$@"\n`, { mode: 0o755 });
  }
  return `${at("shims")}:${process.env["PATH"] ?? ""}`;
}

test.skipIf(cannot !== undefined)("takes the file as the agent's user and leaves none of its text on the boot partition", () => {
  put(CONTENT);
  linkSync(at("boot", NAME), at("same-blocks"));
  expect(step()).toMatchObject({ code: 0 });
  expect(JSON.parse(taken() ?? "")).toEqual(JSON.parse(CONTENT));
  const stats = statSync(at("data", "vitrine-provision.json"));
  expect([stats.uid, stats.mode & 0o777]).toEqual([AGENT, 0o600]);
  expect([readdirSync(at("boot")), readdirSync(at("data"))]).toEqual([[], ["vitrine-provision.json"]]);
  expect(readFileSync(at("same-blocks")).every((byte) => byte === 0)).toBe(true);
});

test.skipIf(cannot !== undefined)("takes a second file later, also the same one, and one whose name Windows made longer", () => {
  for (const name of [NAME, NAME, `${NAME}.txt`]) {
    put(CONTENT, name);
    expect(step()).toMatchObject({ code: 0 });
    expect(JSON.parse(taken() ?? "")).toEqual(JSON.parse(CONTENT));
    expect(readdirSync(at("boot"))).toEqual([]);
    writeFileSync(at("data", "vitrine-provision.json"), "{}");
  }
  expect(step()).toEqual({ code: 0, said: "" });
});

test.skipIf(cannot !== undefined)("a power cut at any point loses nothing, and the next boot completes the step", () => {
  let cuts = 0;
  for (let cut = 1; ; cut += 1) {
    put(CONTENT);
    rmSync(at("data", "vitrine-provision.json"), { force: true });
    rmSync(at("data", "vitrine-provision.taken"), { force: true });
    const { code } = step(shims(cut));
    if (code === 0) break;
    cuts += 1;
    const places = [existsSync(at("boot", NAME)) ? readFileSync(at("boot", NAME), "utf8") : "", JSON.stringify(JSON.parse(taken() ?? "null"))];
    expect(places, `after cut ${cut}`).toContain(CONTENT);
    expect(step(), `after cut ${cut}`).toMatchObject({ code: 0 });
    expect(JSON.parse(taken() ?? "null"), `after cut ${cut}`).toEqual(JSON.parse(CONTENT));
    expect(readdirSync(at("boot")), `after cut ${cut}`).toEqual([]);
    expect(readdirSync(at("data")), `after cut ${cut}`).toEqual(["vitrine-provision.json"]);
  }
  // More than the programs that the step calls itself: the count would show that the shims were not used.
  expect(cuts).toBeGreaterThan(8);
}, 120_000);

test.skipIf(cannot !== undefined)("a file with a mistake stays, with the reason next to it in Windows line ends, until it is mended", () => {
  put('{\r\n  "deviceName": "Window",\r\n}\r\n');
  for (let boot = 0; boot < 2; boot += 1) {
    expect(step()).toMatchObject({ code: 1, said: expect.stringContaining("line 2, column 25") as string });
    expect(readdirSync(at("boot")).sort()).toEqual(["vitrine-problem.txt", NAME]);
    expect(readFileSync(at("boot", "vitrine-problem.txt"), "utf8")).toMatch(/line 2, column 25: there is a comma after the last entry\r\nWhat to do: remove this comma\.\r\n/);
  }
  expect(readdirSync(at("data"))).toEqual(["vitrine-provision.refused"]);
  put('{"deviceName": "Window"}');
  expect(step()).toMatchObject({ code: 0 });
  expect([readdirSync(at("boot")), readdirSync(at("data"))]).toEqual([[], ["vitrine-provision.json"]]);
});

test.skipIf(cannot !== undefined)("a data folder that takes no writes leaves the file where it is", () => {
  put(CONTENT);
  chownSync(at("data"), 0, 0);
  expect(step()).toMatchObject({ code: 1, said: expect.stringContaining("provisioning.not-taken") as string });
  expect(readFileSync(at("boot", NAME), "utf8")).toBe(CONTENT);
  expect(readdirSync(at("boot"))).toEqual([NAME]);
});
