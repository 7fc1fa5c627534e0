import { describe, expect, test } from "vitest";
import { installPackages } from "./debian-packages.ts";
import { FakeMachine, type Facts } from "./testing/fake-machine.ts";

const HOUR_MS = 3_600_000;
const LISTS = "/var/lib/apt/lists";
const install = "/usr/bin/apt-get install -y -q chromium";
const update = "/usr/bin/apt-get update -q";
const names = ["lock", "partial", "archive.example_debian_dists_bookworm_main_binary-amd64_Packages.lz4"];

/** `asked`: how long ago somebody refreshed the lists; apt leaves the lists' own times as the server says them. */
function machineWithLists(askedMs: number, facts: Facts = {}): FakeMachine {
  const agesMs = { [LISTS]: 9_000 * HOUR_MS, [`${LISTS}/partial`]: askedMs, [`${LISTS}/${names[2] ?? ""}`]: 9_000 * HOUR_MS };
  return new FakeMachine({ isRoot: true, folders: { [LISTS]: names }, agesMs, onRun: () => 0, ...facts });
}

describe("package lists", () => {
  test("that were refreshed today are taken as they are", async () => {
    const machine = machineWithLists(23 * HOUR_MS);
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect([machine.ran, machine.said]).toEqual([[install], []]);
  });

  test("that are older than a day are refreshed before anything is installed: they name an old browser that is still there", async () => {
    const machine = machineWithLists(50 * HOUR_MS);
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect(machine.ran).toEqual([update, install]);
    expect(machine.said).toEqual(["The package lists are 2 days old: refreshing them …"]);
  });

  test("that are not there, as in a fresh image, are fetched", async () => {
    const machine = machineWithLists(1_000, { folders: { [LISTS]: ["lock", "partial"] } });
    await installPackages(machine, ["chromium"]);
    expect(machine.ran).toEqual([update, install]);
  });

  test("that name files which are gone are refreshed, however young, and the installation is tried again", async () => {
    let updated = false;
    const onRun: Facts["onRun"] = (line) => {
      if (line === update) updated = true;
      return updated ? 0 : 100;
    };
    const machine = machineWithLists(HOUR_MS, { onRun });
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect(machine.ran).toEqual([install, update, install]);
  });

  test("that cannot be refreshed are used as they are, which is said in one line", async () => {
    const machine = machineWithLists(50 * HOUR_MS, { onRun: (line) => (line === update ? 100 : 0) });
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect(machine.ran).toEqual([update, install]);
    expect(machine.said.at(-1)).toBe("Not all package lists could be refreshed (no network?): going on with those that are here.");
  });

  test("are refreshed once, not again because the installation failed", async () => {
    const machine = machineWithLists(50 * HOUR_MS, { onRun: (line) => (line === update ? 0 : 100) });
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: false, error: { code: "setup.packages", message: expect.stringContaining("chromium could not be installed") as string } });
    expect(machine.ran).toEqual([update, install]);
  });
});
