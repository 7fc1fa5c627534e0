import { describe, expect, test } from "vitest";
import { TimeZone } from "../../agent/core/schedule/time-zone.ts";
import { fail, ok } from "../ports/result.ts";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { machineFiles } from "./machine-files.ts";
import { readZoneTable } from "./zone-table.ts";

const HOUR_MS = 3_600_000;
/** Changes in summer and winter, by half an hour, below zero in winter, at odd quarters, over the date line, by no rule, and none at all. */
const ZONES = [
  "Europe/Madrid", "Europe/London", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe", "Australia/Sydney",
  "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tokyo", "Pacific/Apia", "Africa/Cairo", "Africa/Casablanca", "UTC", "Etc/GMT+5",
];
const files = machineFiles();

const present = files.has("usr/share/zoneinfo/Europe/Madrid");
if (!present) reportLeftOut("the machine's zone database", "this machine has no /usr/share/zoneinfo");

describe.skipIf(!present)("the machine's zone database", () => {
  test.each(ZONES)("says the same as the engine's for %s, from 1970 to 2025, the years that both know for certain", (name) => {
    const table = readZoneTable(files, name);
    const engine = TimeZone.open(name);
    if (table === undefined || !engine.ok) throw new Error(`${name} was not opened`);
    const wrong: string[] = [];
    // Every 53 hours, so that each hour of the day comes.
    for (let utcMs = 0; utcMs < Date.UTC(2026, 0, 1); utcMs += 53 * HOUR_MS) {
      const offsetMs = table.offsetMs(utcMs);
      if (offsetMs !== undefined && offsetMs !== engine.value.offsetMs(utcMs)) wrong.push(`${new Date(utcMs).toISOString()} ${offsetMs}`);
    }
    expect(wrong).toEqual([]);
  });

  test("the table ends where a rule goes on behind it, and not where there is none", () => {
    const farMs = Date.UTC(2200, 6, 1);
    expect(readZoneTable(files, "Europe/Madrid")?.offsetMs(farMs)).toBeUndefined();
    expect(readZoneTable(files, "Asia/Kolkata")?.offsetMs(farMs)).toBe(5.5 * HOUR_MS);
  });

  test("a change counts from its first millisecond", () => {
    const table = readZoneTable(files, "Europe/Madrid");
    const changeMs = Date.UTC(2026, 2, 29, 1);
    expect([table?.offsetMs(changeMs - 1), table?.offsetMs(changeMs)]).toEqual([HOUR_MS, 2 * HOUR_MS]);
  });

  test("a file that is cut off anywhere gives no table", () => {
    const whole = files.bytes("usr/share/zoneinfo/Europe/Madrid");
    if (!whole.ok) throw new Error(whole.error.message);
    for (let length = 0; length < whole.value.length; length += 1) {
      expect(readZoneTable({ bytes: () => ok(whole.value.slice(0, length)) }, "Europe/Madrid"), String(length)).toBeUndefined();
    }
  });
});

test.each(["Mars/Olympus", "../../etc/passwd", "posix/Europe/Madrid", "localtime", "Factory", ""])("%s is no zone", (name) => {
  expect(readZoneTable(files, name)).toBeUndefined();
});

test("without a database there is no table", () => {
  expect(readZoneTable({ bytes: () => fail("file.missing", "none") }, "Europe/Madrid")).toBeUndefined();
});
