import { describe, expect, test } from "vitest";
import { findBrowser, findChromium, findElectron } from "./find-browser.ts";
import type { Machine, Ran } from "./machine.ts";

interface Facts {
  readonly platform?: NodeJS.Platform;
  readonly env?: Record<string, string>;
  readonly isRoot?: boolean;
  /** Path to what the program prints when asked for its version; `fails` for one that does not. */
  readonly programs?: Record<string, string>;
  /** Called for every other program; may add programs. */
  readonly onRun?: (line: string, programs: Map<string, string>) => number;
}

function machine(facts: Facts) {
  const programs = new Map(Object.entries(facts.programs ?? {}));
  const ran: string[] = [];
  const said: string[] = [];
  const run = (command: string, args: readonly string[]): Promise<Ran> => {
    const version = programs.get(command);
    if (args.at(-1) === "--version") return Promise.resolve(version === "fails" ? { code: 1, stdout: "" } : { code: 0, stdout: version ?? "" });
    const line = [command.replace(process.execPath, "node"), ...args].join(" ");
    ran.push(line);
    return Promise.resolve({ code: facts.onRun?.(line, programs) ?? 1, stdout: "" });
  };
  const fake: Machine = {
    platform: facts.platform ?? "linux",
    env: { PATH: "/usr/bin:/opt/bin", ...facts.env },
    isRoot: facts.isRoot ?? false,
    isExecutable: (path) => Promise.resolve(programs.has(path)),
    readText: () => Promise.resolve(undefined),
    run,
    say: (line) => said.push(line),
  };
  return { options: { root: "/tree", install: true, machine: fake }, ran, said };
}

const ELECTRON = "/tree/node_modules/electron/dist/electron";

describe("the browser is", () => {
  test("Electron where its binary is there, before any other", async () => {
    const { options } = machine({ programs: { [ELECTRON]: "v45.4.1", "/usr/bin/chromium": "Chromium 156.0.1.2" } });
    const value = { kind: "electron", path: ELECTRON, version: "45.4.1", evidence: "node_modules/electron" };
    expect(await findBrowser(options)).toEqual({ ok: true, value });
  });

  test("Electron from ELECTRON_OVERRIDE_DIST_PATH before the one in node_modules", async () => {
    const env = { ELECTRON_OVERRIDE_DIST_PATH: "/opt/electron" };
    const { options } = machine({ env, programs: { [ELECTRON]: "v45.4.1", "/opt/electron/electron": "v46.0.0" } });
    expect(await findBrowser(options)).toMatchObject({ ok: true, value: { path: "/opt/electron/electron", version: "46.0.0" } });
  });

  test("Electron fetched, when that was asked for", async () => {
    const onRun: Facts["onRun"] = (_line, programs) => Number(!programs.set(ELECTRON, "v45.4.1"));
    const { options, ran } = machine({ env: { VITRINE_ELECTRON: "download" }, onRun });
    expect(await findElectron(options)).toMatchObject({ ok: true, value: { version: "45.4.1" } });
    expect(ran).toEqual(["node /tree/node_modules/electron/install.js"]);
  });

  test("Chromium when Electron is not there; its download is not tried unasked", async () => {
    const { options, ran } = machine({ programs: { "/opt/bin/chromium": "Chromium 156.0.8078.79 built on Debian" } });
    const value = { kind: "chromium", path: "/opt/bin/chromium", version: "156.0.8078.79", evidence: "found on this machine" };
    expect(await findBrowser(options)).toEqual({ ok: true, value });
    expect(ran).toEqual([]);
  });

  test("Chromium when fetching Electron fails", async () => {
    const { options } = machine({ env: { VITRINE_ELECTRON: "download" }, programs: { "/usr/bin/chromium": "Chromium 156.0" } });
    expect(await findBrowser(options)).toMatchObject({ ok: true, value: { kind: "chromium" } });
  });

  test("the one that VITRINE_BROWSER names, and no other when that one does not work", async () => {
    const programs = { "/usr/bin/chromium": "Chromium 156.0", "/my/chrome": "Google Chrome 150.1.2.3" };
    const named = machine({ env: { VITRINE_BROWSER: "/my/chrome" }, programs });
    expect(await findChromium(named.options)).toMatchObject({ ok: true, value: { path: "/my/chrome", version: "150.1.2.3" } });
    const broken = machine({ env: { VITRINE_BROWSER: "/my/other" }, programs });
    expect(await findChromium(broken.options)).toMatchObject({ ok: false, error: { code: "browser.not-usable" } });
  });

  test("not a stub that cannot say its version", async () => {
    const { options } = machine({ programs: { "/usr/bin/chromium-browser": "fails", "/usr/bin/google-chrome": "Google Chrome 150.1" } });
    expect(await findChromium(options)).toMatchObject({ ok: true, value: { path: "/usr/bin/google-chrome" } });
  });

  test("an application on a Mac", async () => {
    const path = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    const { options } = machine({ platform: "darwin", programs: { [path]: "Google Chrome 150.1" } });
    expect(await findChromium(options)).toMatchObject({ ok: true, value: { path } });
  });
});

describe("Debian's package", () => {
  const programs = { "/usr/bin/apt-get": "apt 3.0" };
  const install = "/usr/bin/apt-get install -y -q chromium";
  const update = "/usr/bin/apt-get update -q";
  const installs: Facts["onRun"] = (_line, found) => Number(!found.set("/usr/bin/chromium", "Chromium 156.0"));

  test("is installed for root when there is no browser, with a word about it", async () => {
    const { options, ran, said } = machine({ isRoot: true, programs, onRun: installs });
    expect(await findChromium(options)).toMatchObject({ ok: true, value: { evidence: "found on this machine, installed just now" } });
    expect(ran).toEqual([install]);
    expect(said).toHaveLength(1);
  });

  test("is tried again after apt-get update", async () => {
    let updated = false;
    const onRun: Facts["onRun"] = (line, found) => {
      if (line === update) updated = true;
      return line === update || (updated && installs(line, found) === 0) ? 0 : 100;
    };
    const { options, ran } = machine({ isRoot: true, programs, onRun });
    expect(await findChromium(options)).toMatchObject({ ok: true });
    expect(ran).toEqual([install, update, install]);
  });

  test.each([
    ["another user", { isRoot: false, programs }, true],
    ["a system without apt-get", { isRoot: true }, true],
    ["a caller that does not want it", { isRoot: true, programs }, false],
    ["a Mac", { isRoot: true, programs, platform: "darwin" as const }, true],
  ])("is not installed for %s, who is told what to do", async (_who, facts, wanted) => {
    const { options, ran } = machine(facts);
    const found = await findChromium({ ...options, install: wanted });
    expect(found).toMatchObject({ ok: false, error: { code: "browser.missing" } });
    expect(found.ok ? "" : found.error.hint).toContain("VITRINE_BROWSER");
    expect(ran).toEqual([]);
  });

  test("that cannot be installed ends in what to do", async () => {
    const { options, ran } = machine({ isRoot: true, programs });
    expect(await findChromium(options)).toMatchObject({ ok: false, error: { code: "browser.missing" } });
    expect(ran).toEqual([install, update]);
  });
});
