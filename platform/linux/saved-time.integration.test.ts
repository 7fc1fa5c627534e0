import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fail, ok } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import type { CommandRunner } from "./command-runner.ts";
import { BUILT_AT_MS, LinuxClockControl } from "./linux-clock-control.ts";
import { SavedTime } from "./saved-time.ts";
import { fixtureFiles, type Fixture } from "./testing/fixture-files.ts";

const DAY_MS = 86_400_000;
const NOW_MS = BUILT_AT_MS + 100 * DAY_MS;
const SYNCED: Fixture = { "run/systemd/timesync/synchronized": "" };
const nothing: CommandRunner = (program) => Promise.resolve(fail("program.missing", `there is no program ${program}`));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-time-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The clock control after a start of the agent. */
const started = (wallMs: number, fixture: Fixture = {}, run = nothing): LinuxClockControl => new LinuxClockControl(fixtureFiles(fixture), run, new VirtualTime({ wallMs }), new SavedTime(folder));

test("a clock before the last confirmed time is unset after a boot without a network, and right again once it is past it or confirmed", async () => {
  expect(await started(NOW_MS).quality()).toBe("local");
  expect(await started(NOW_MS, SYNCED).quality()).toBe("synced");
  expect(await started(NOW_MS - DAY_MS).quality()).toBe("unset");
  expect(await started(NOW_MS + 1).quality()).toBe("local");
  expect(await started(NOW_MS - DAY_MS, SYNCED).quality()).toBe("synced");
});

test("a saved time that was in the future is corrected by the next confirmed one", async () => {
  await started(NOW_MS + 1_000 * DAY_MS, SYNCED).quality();
  expect(await started(NOW_MS).quality()).toBe("unset");
  await started(NOW_MS, SYNCED).quality();
  expect(await started(NOW_MS + 1).quality()).toBe("local");
});

test("an unconfirmed time is never saved, and a confirmed one once an hour", async () => {
  await started(NOW_MS).quality();
  expect(statSync(join(folder, "last-time"), { throwIfNoEntry: false })).toBeUndefined();
  const time = new VirtualTime({ wallMs: NOW_MS });
  const clock = new LinuxClockControl(fixtureFiles(SYNCED), nothing, time, new SavedTime(folder));
  const saved = (): number => statSync(join(folder, "last-time")).mtimeMs;
  await clock.quality();
  await time.advance(3_599_000);
  await clock.quality();
  expect(saved()).toBe(NOW_MS);
  await time.advance(1_000);
  await clock.quality();
  expect(saved()).toBe(NOW_MS + 3_600_000);
});

test("a disk that cannot be written leaves the clock's quality as it is", async () => {
  rmSync(folder, { recursive: true });
  expect(await started(NOW_MS, SYNCED).quality()).toBe("synced");
});

test("the time zone is set through timedated, read back, and refused when the machine does not know it or does not allow it", async () => {
  const ran: string[] = [];
  const zones: Fixture = { "usr/share/zoneinfo/Europe/Madrid": "TZif2", "etc/timezone": "Europe/Madrid" };
  const allowed: CommandRunner = (program, args) => {
    ran.push([program, ...args].join(" "));
    return Promise.resolve(ok(""));
  };
  expect(await started(NOW_MS, zones, allowed).setTimeZone("Europe/Madrid")).toMatchObject({ attempted: true, acknowledged: true, observed: { value: "Europe/Madrid" } });
  expect(ran).toEqual(["timedatectl --no-ask-password set-timezone Europe/Madrid"]);
  expect(await started(NOW_MS, zones, allowed).setTimeZone("Nowhere/Land")).toMatchObject({ attempted: false, error: { code: "clock.no-such-zone" } });
  expect(await started(NOW_MS, zones, allowed).setTimeZone("--help")).toMatchObject({ attempted: false });
  expect(ran).toHaveLength(1);
  const refuses: CommandRunner = () => Promise.resolve(fail("program.failed", "Failed to set time zone: Interactive authentication required."));
  expect(await started(NOW_MS, zones, refuses).setTimeZone("Europe/Madrid")).toMatchObject({ attempted: true, acknowledged: false, error: { code: "clock.zone-refused", message: expect.stringContaining("authentication") as string } });
});
