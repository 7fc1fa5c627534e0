import { describe, expect, test } from "vitest";
import { findElectron, TRY_AGAIN_AFTER_MS } from "./electron-binary.ts";
import { FakeMachine, type Facts } from "./testing/fake-machine.ts";

const ELECTRON = "/tree/node_modules/electron/dist/electron";
const files = { "/tree/node_modules/electron/package.json": '{"version":"45.4.1"}' };
const look = "look-at https://github.com/electron/electron/releases/download/v45.4.1/electron-v45.4.1-linux-x64.zip";
const fetchIt = "node /tree/node_modules/electron/install.js";
const answers = { code: 0, stdout: "118000000\n" };
const away = { code: 1, stdout: "github.com does not answer within 3 s\n" };

/** Its server answers, and its install script brings the binary. */
const hasNetwork: Facts["onRun"] = (line, machine) => {
  if (line.startsWith("look-at")) return answers;
  machine.programs.set(ELECTRON, "v45.4.1");
  return 0;
};

describe("Electron's binary", () => {
  test("is used if it exists, the one in ELECTRON_OVERRIDE_DIST_PATH before the one in node_modules", async () => {
    const env = { ELECTRON_OVERRIDE_DIST_PATH: "/opt/electron" };
    const machine = new FakeMachine({ env, programs: { [ELECTRON]: "v45.4.1", "/opt/electron/electron": "v46.0.0" } });
    expect(await findElectron("/tree", machine, "no")).toMatchObject({ ok: true, value: { path: "/opt/electron/electron", version: "46.0.0" } });
    const other = new FakeMachine({ programs: { [ELECTRON]: "v45.4.1" } });
    expect(await findElectron("/tree", other, "try")).toEqual({ ok: true, value: { kind: "electron", path: ELECTRON, version: "45.4.1", evidence: "node_modules/electron" } });
    expect(other.ran).toEqual([]);
  });

  test("is downloaded if its server answers, and its size is printed", async () => {
    const machine = new FakeMachine({ files, onRun: hasNetwork });
    expect(await findElectron("/tree", machine, "try")).toMatchObject({ ok: true, value: { version: "45.4.1", evidence: "fetched into node_modules/electron" } });
    expect(machine.ran).toEqual([look, fetchIt]);
    expect(machine.said).toEqual(["Fetching Electron 45.4.1 (118 MB), once …"]);
  });

  test("is looked for on the configured mirror", async () => {
    const machine = new FakeMachine({ files, env: { ELECTRON_MIRROR: "https://mirror.example/electron/", ELECTRON_CUSTOM_DIR: "{{ version }}" }, onRun: () => away });
    await findElectron("/tree", machine, "try");
    expect(machine.ran).toEqual(["look-at https://mirror.example/electron/45.4.1/electron-v45.4.1-linux-x64.zip"]);
  });

  test("is not downloaded unless requested", async () => {
    const machine = new FakeMachine({ files, onRun: hasNetwork });
    expect(await findElectron("/tree", machine, "no")).toMatchObject({ ok: false, error: { code: "browser.no-electron" } });
    expect(machine.ran).toEqual([]);
  });

  test("is not tried again for hours if its server does not answer, which is reported in one line with the time", async () => {
    const machine = new FakeMachine({ files, onRun: () => away });
    expect(await findElectron("/tree", machine, "try")).toMatchObject({ ok: false, error: { message: "Electron 45.4.1 could not be fetched: github.com does not answer within 3 s" } });
    machine.clockMs += TRY_AGAIN_AFTER_MS - 1;
    expect(await findElectron("/tree", machine, "try")).toMatchObject({ ok: false, error: { message: expect.stringMatching(/github.com does not answer within 3 s; it is tried again after \d\d:\d\d$/) as string } });
    expect(machine.ran).toEqual([look]);
    machine.clockMs += 2;
    await findElectron("/tree", machine, "try");
    expect(machine.ran).toEqual([look, look]);
  });

  test("is tried at once if it was named on the command line or its version has changed", async () => {
    const machine = new FakeMachine({ files, onRun: () => away });
    await findElectron("/tree", machine, "try");
    await findElectron("/tree", machine, "must");
    machine.files.set("/tree/node_modules/electron/package.json", '{"version":"46.0.0"}');
    await findElectron("/tree", machine, "try");
    expect(machine.ran).toHaveLength(3);
  });

  test.each([
    [{ code: undefined, stdout: "" }, "it was not there after 300 s"],
    [1, "its own message is above"],
    [0, "what came does not answer with a version"],
  ])("whose download ends with %j is a failure that says so", async (end, says) => {
    const machine = new FakeMachine({ files, onRun: (line) => (line.startsWith("look-at") ? answers : end) });
    expect(await findElectron("/tree", machine, "try")).toMatchObject({ ok: false, error: { message: `Electron 45.4.1 could not be fetched: ${says}` } });
    await findElectron("/tree", machine, "try");
    expect(machine.ran).toEqual([look, fetchIt]);
  });
});
