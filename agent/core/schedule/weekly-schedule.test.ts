import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WEEKDAYS, type Schedule } from "../../protocol/schedule.ts";
import { TimeZone } from "./time-zone.ts";
import { WeeklySchedule } from "./weekly-schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function compile(schedule: Schedule): WeeklySchedule {
  const compiled = WeeklySchedule.compile(schedule);
  if (!compiled.ok) throw new Error(compiled.error.message);
  return compiled.value;
}

const everyDay = (timeZone: string, on: string, off: string): Schedule => ({ timeZone, weekly: [{ days: [...WEEKDAYS], on, off }] });
const at = (text: string): number => Date.parse(text);

/** On and off instants from `from` to `to`, by repeated calls of `nextEdge`. */
function edges(schedule: WeeklySchedule, from: string, to: string): string[] {
  const found: string[] = [];
  let atMs = at(from);
  for (;;) {
    const next = schedule.nextEdge(atMs);
    if (next === undefined || next > at(to)) return found;
    found.push(`${schedule.expectedAt(next)} ${new Date(next).toISOString().replace(":00.000Z", "Z")}`);
    atMs = next;
  }
}

describe("a weekly schedule", () => {
  test("windows may cross midnight and end at 24:00", () => {
    const shop = compile({ timeZone: "Etc/UTC", weekly: [{ days: ["mon", "fri"], on: "08:00", off: "20:00" }, { days: ["sun"], on: "22:00", off: "02:30" }, { days: ["wed"], on: "12:00", off: "24:00" }] });
    // 2026-01-05 is a Monday.
    expect(edges(shop, "2026-01-04T12:00Z", "2026-01-09T23:00Z")).toEqual([
      "on 2026-01-04T22:00Z",
      "off 2026-01-05T02:30Z",
      "on 2026-01-05T08:00Z",
      "off 2026-01-05T20:00Z",
      "on 2026-01-07T12:00Z",
      "off 2026-01-08T00:00Z",
      "on 2026-01-09T08:00Z",
      "off 2026-01-09T20:00Z",
    ]);
  });

  test("windows that overlap or touch are merged", () => {
    const union = compile({ timeZone: "Etc/UTC", weekly: [{ days: ["mon"], on: "08:00", off: "12:00" }, { days: ["mon"], on: "12:00", off: "14:00" }, { days: ["mon"], on: "09:00", off: "10:00" }] });
    expect(edges(union, "2026-01-04T12:00Z", "2026-01-06T00:00Z")).toEqual(["on 2026-01-05T08:00Z", "off 2026-01-05T14:00Z"]);
  });

  test("always on and never on have no edges", () => {
    expect(compile(everyDay("Etc/UTC", "00:00", "24:00")).nextEdge(0)).toBeUndefined();
    expect(compile(everyDay("Etc/UTC", "06:00", "06:00")).expectedAt(at("2026-01-05T03:00Z"))).toBe("on");
    const never = compile({ timeZone: "Etc/UTC", weekly: [] });
    expect([never.nextEdge(0), never.expectedAt(0)]).toEqual([undefined, "off"]);
  });

  test("Madrid, clocks forward from 02:00 to 03:00: a skipped time happens at the skip", () => {
    expect(edges(compile(everyDay("Europe/Madrid", "02:30", "04:00")), "2026-03-28T12:00Z", "2026-03-29T12:00Z")).toEqual(["on 2026-03-29T01:00Z", "off 2026-03-29T02:00Z"]);
    expect(edges(compile(everyDay("Europe/Madrid", "01:00", "02:30")), "2026-03-28T12:00Z", "2026-03-29T12:00Z")).toEqual(["on 2026-03-29T00:00Z", "off 2026-03-29T01:00Z"]);
    expect(edges(compile(everyDay("Europe/Madrid", "02:10", "02:50")), "2026-03-28T12:00Z", "2026-03-29T12:00Z")).toEqual([]);
  });

  test("Madrid, clocks back from 03:00 to 02:00: only the first of the repeated hour counts", () => {
    expect(edges(compile(everyDay("Europe/Madrid", "20:00", "02:30")), "2026-10-24T20:00Z", "2026-10-25T12:00Z")).toEqual(["off 2026-10-25T00:30Z"]);
    expect(edges(compile(everyDay("Europe/Madrid", "02:30", "06:00")), "2026-10-24T20:00Z", "2026-10-25T12:00Z")).toEqual(["on 2026-10-25T00:30Z", "off 2026-10-25T05:00Z"]);
    expect(edges(compile(everyDay("Europe/Madrid", "02:00", "03:00")), "2026-10-24T20:00Z", "2026-10-25T12:00Z")).toEqual(["on 2026-10-25T00:00Z", "off 2026-10-25T02:00Z"]);
  });

  test("Lord Howe changes by half an hour", () => {
    // Forward on 2026-10-04 at 02:00 to 02:30 (UTC+10:30 to +11), back on 2026-04-05 at 02:00 to 01:30.
    expect(edges(compile(everyDay("Australia/Lord_Howe", "02:15", "03:00")), "2026-10-03T00:00Z", "2026-10-03T23:00Z")).toEqual(["on 2026-10-03T15:30Z", "off 2026-10-03T16:00Z"]);
    expect(edges(compile(everyDay("Australia/Lord_Howe", "01:45", "03:00")), "2026-04-04T00:00Z", "2026-04-04T23:00Z")).toEqual(["on 2026-04-04T14:45Z", "off 2026-04-04T16:30Z"]);
  });

  test("a day skipped by the zone has no windows: Apia, 2011-12-30", () => {
    const friday = compile({ timeZone: "Pacific/Apia", weekly: [{ days: ["fri"], on: "08:00", off: "20:00" }] });
    expect(edges(friday, "2011-12-25T00:00Z", "2012-01-08T00:00Z")).toEqual(["on 2012-01-05T18:00Z", "off 2012-01-06T06:00Z"]);
  });

  test("an unknown time zone is refused", () => {
    expect(WeeklySchedule.compile(everyDay("Mars/Olympus", "08:00", "20:00"))).toMatchObject({ ok: false, error: { code: "schedule.unknown-time-zone" } });
  });

  test("any date has an answer, before the epoch and far in the future", () => {
    const schedule = compile(everyDay("America/New_York", "08:00", "20:00"));
    for (const wallMs of [0, -62_200_000_000_000, 253_402_300_799_999, at("1900-06-01T12:00Z")]) {
      expect(["on", "off"]).toContain(schedule.expectedAt(wallMs));
      expect(schedule.nextEdge(wallMs)).toBeGreaterThan(wallMs);
    }
  });
});

/** Zones with half and quarter hours, without changes, with changes of half an hour, and near the date line; around their changes. */
const SCENES: readonly (readonly [zone: string, aroundUtc: string])[] = [
  ["Europe/Madrid", "2026-03-29T01:00Z"],
  ["Europe/Madrid", "2026-10-25T01:00Z"],
  ["America/New_York", "2026-11-01T06:00Z"],
  ["America/St_Johns", "2026-03-08T05:30Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["Pacific/Kiritimati", "2026-06-01T00:00Z"],
  ["Pacific/Kiritimati", "1994-12-31T10:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Pacific/Kwajalein", "1993-08-21T12:00Z"],
  ["Asia/Kolkata", "2026-06-01T00:00Z"],
  ["Asia/Kathmandu", "2026-01-01T00:00Z"],
  ["Africa/Casablanca", "2026-02-15T02:00Z"],
  ["America/Santiago", "2026-09-06T04:00Z"],
  ["Atlantic/Azores", "2026-10-25T01:00Z"],
  ["Africa/Cairo", "2026-04-23T22:00Z"],
];

const time = fc.integer({ min: 0, max: 24 * 12 }).map((five) => `${String(Math.floor(five / 12)).padStart(2, "0")}:${String((five % 12) * 5).padStart(2, "0")}`);
const weekly = fc.array(fc.record({ days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1, maxLength: 7 }), on: time, off: time }), { minLength: 1, maxLength: 4 });

/**
 * Brute force, straight from the rule: walks the zone's clock minute by minute, and notes for every scheduled time the
 * first minute at which the clock shows it or a later time.
 */
function bruteForce(zone: TimeZone, schedule: Schedule, fromMs: number, minutes: number): ("on" | "off")[] {
  const leadIn = 3 * 24 * 60;
  const shown: number[] = [];
  for (let i = -leadIn; i < minutes; i++) shown.push(fromMs + i * MINUTE + zone.offsetMs(fromMs + i * MINUTE));
  const firstMinute = (localMs: number): number => {
    const found = shown.findIndex((local) => local >= localMs);
    return found < 0 ? Number.POSITIVE_INFINITY : found;
  };
  const windows: [number, number][] = [];
  for (let day = Math.floor((shown[0] ?? 0) / DAY) - 2; day * DAY < (shown.at(-1) ?? 0) + 2 * DAY; day++) {
    const name = WEEKDAYS[(((day + 3) % 7) + 7) % 7];
    for (const window of schedule.weekly) {
      if (name === undefined || !window.days.includes(name)) continue;
      const minute = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
      const onMs = day * DAY + minute(window.on) * MINUTE;
      const offMs = day * DAY + minute(window.off) * MINUTE + (minute(window.off) > minute(window.on) ? 0 : DAY);
      windows.push([firstMinute(onMs), firstMinute(offMs)]);
    }
  }
  return Array.from({ length: minutes }, (_, i) => (windows.some(([from, to]) => from <= i + leadIn && i + leadIn < to) ? "on" : "off"));
}

describe("the schedule agrees with brute force, minute by minute", () => {
  test.each(SCENES)("%s around %s", (name, around) => {
    const opened = TimeZone.open(name);
    if (!opened.ok) throw new Error(opened.error.message);
    const zone = opened.value;
    fc.assert(
      fc.property(weekly, fc.integer({ min: 0, max: 47 }), (windows, hoursBefore) => {
        const schedule: Schedule = { timeZone: name, weekly: windows };
        const compiled = compile(schedule);
        const fromMs = at(around) - hoursBefore * HOUR;
        const minutes = 2 * 24 * 60;
        const expected = bruteForce(zone, schedule, fromMs, minutes);
        // Every minute around each change of the answer, and a sample of the rest.
        for (let i = 0; i < minutes; i++) {
          if (i % 97 !== 0 && expected[i] === expected[i - 1] && expected[i] === expected[i + 1]) continue;
          expect([new Date(fromMs + i * MINUTE).toISOString(), compiled.expectedAt(fromMs + i * MINUTE)]).toEqual([new Date(fromMs + i * MINUTE).toISOString(), expected[i]]);
        }
        const found: number[] = [];
        for (let next = compiled.nextEdge(fromMs); next !== undefined && next < fromMs + minutes * MINUTE; next = compiled.nextEdge(next)) found.push((next - fromMs) / MINUTE);
        expect(found).toEqual(expected.flatMap((state, i) => (i > 0 && state !== expected[i - 1] ? [i] : [])));
      }),
      { numRuns: 4, seed: 20261122 },
    );
  });
});
