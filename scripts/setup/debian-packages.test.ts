import { describe, expect, test } from "vitest";
import { installPackages } from "./debian-packages.ts";
import { FakeMachine, type Facts } from "./testing/fake-machine.ts";

const HOUR_MS = 3_600_000;
const LISTS = "/var/lib/apt/lists";
const install = "/usr/bin/apt-get install -y -q chromium";
const update = "/usr/bin/apt-get update -q";
const names = ["lock", "partial", "archive.example_debian_dists_bookworm_main_binary-amd64_Packages.lz4"];

/** `asked`: time since the last refresh; apt gives list files the server's times. */
function machineWithLists(askedMs: number, facts: Facts = {}): FakeMachine {
  const agesMs = { [LISTS]: 9_000 * HOUR_MS, [`${LISTS}/partial`]: askedMs, [`${LISTS}/${names[2] ?? ""}`]: 9_000 * HOUR_MS };
  return new FakeMachine({ isRoot: true, folders: { [LISTS]: names }, agesMs, onRun: () => 0, ...facts });
}

describe("package lists", () => {
  test("that were refreshed today are used as they are", async () => {
    const machine = machineWithLists(23 * HOUR_MS);
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect([machine.ran, machine.said]).toEqual([[install], []]);
  });

  test("older than a day are refreshed before an installation, because they may name an old browser that still exists", async () => {
    const machine = machineWithLists(50 * HOUR_MS);
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect(machine.ran).toEqual([update, install]);
    expect(machine.said).toEqual(["The package lists are 2 days old: refreshing them …"]);
  });

  test("are refreshed by one installation at a time: apt waits for no other apt that does", async () => {
    const machine = machineWithLists(50 * HOUR_MS);
    await Promise.all([installPackages(machine, ["chromium"]), installPackages(machine, ["chromium"])]);
    expect(machine.ran).toEqual([update, install, update, install]);
  });

  test("that are missing, as in a fresh image, are fetched", async () => {
    const machine = machineWithLists(1_000, { folders: { [LISTS]: ["lock", "partial"] } });
    await installPackages(machine, ["chromium"]);
    expect(machine.ran).toEqual([update, install]);
  });

  test("that name missing files are refreshed, whatever their age, and the installation is retried", async () => {
    let updated = false;
    const onRun: Facts["onRun"] = (line) => {
      if (line === update) updated = true;
      return updated ? 0 : 100;
    };
    const machine = machineWithLists(HOUR_MS, { onRun });
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect(machine.ran).toEqual([install, update, install]);
  });

  test("that cannot be refreshed are used as they are, which is reported in one line", async () => {
    const machine = machineWithLists(50 * HOUR_MS, { onRun: (line) => (line === update ? 100 : 0) });
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: true });
    expect(machine.ran).toEqual([update, install]);
    expect(machine.said.at(-1)).toBe("Not all package lists could be refreshed (no network?): continuing with the existing ones.");
  });

  test("are refreshed only once, even if the installation fails", async () => {
    const machine = machineWithLists(50 * HOUR_MS, { onRun: (line) => (line === update ? 0 : 100) });
    expect(await installPackages(machine, ["chromium"])).toMatchObject({ ok: false, error: { code: "setup.packages", message: expect.stringContaining("chromium could not be installed") as string } });
    expect(machine.ran).toEqual([update, install]);
  });
});
