import { expect, test } from "vitest";
import { age, brief, bytes, duration, metricTitle, titled, unitOf } from "./format.ts";
import { changedKeys, lineOfPath, pathInMessage } from "./json-place.ts";
import { hashOf, parseRoute } from "./route.ts";

test("times, ages and sizes are formatted briefly", () => {
  expect([0, 950, 4_200, 61_000, 3_725_000, 90_000_000].map(duration)).toEqual(["0 ms", "950 ms", "4.2 s", "1 min 1 s", "1 h 2 min", "1 d 1 h"]);
  expect([200, 4_000, 180_000, 7_200_000, 200_000_000].map(age)).toEqual(["just now", "4 s ago", "3 min ago", "2 h ago", "2 d ago"]);
  expect([0, 1023, 1536, 21_474_836_480].map(bytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "20 GiB"]);
});

test("a metric's unit comes from its name and leaves its title", () => {
  expect([metricTitle("memory.used-bytes"), metricTitle("cpu.percent"), metricTitle("load.1")]).toEqual(["Memory used", "CPU", "Load 1"]);
  expect([unitOf("memory.used-bytes").format(2048), unitOf("cpu.percent").format(3.25), unitOf("load.1").format(0.5)]).toEqual(["2 KiB", "3.25 %", "0.5"]);
  expect(unitOf("uptime.s").axis(7_200)).toEqual({ divisor: 3_600, name: "h" });
  expect(titled("hdmi-cec gpioLine")).toBe("HDMI CEC GPIO line");
});

test("any value is shown as readable text, however it is nested", () => {
  expect(brief({ width: 1920, refreshHz: 60, edid: { name: "TV", known: true } })).toBe("Width 1920, Refresh Hz 60, EDID Name TV, Known yes");
  expect([brief([1, "two", null]), brief([]), brief({}), brief("x".repeat(9), 4)]).toEqual(["1, two, none", "nothing", "nothing", "xxx…"]);
});

test("our own routes are parsed back; anything else is the fleet", () => {
  const route = { page: "device", id: "0a1b", tab: "commands" } as const;
  expect(parseRoute(hashOf(route))).toEqual(route);
  expect(parseRoute("#/device/0a1b/nonsense")).toEqual({ page: "device", id: "0a1b", tab: "overview" });
  for (const hash of ["", "#/", "#/device/", "#/device/<script>", "#/other"]) expect(parseRoute(hash)).toEqual({ page: "fleet" });
});

test("finds the line of an invalid key, and the keys that differ", () => {
  const text = JSON.stringify({ audio: { volume: 1 }, display: { power: "on", volume: 400 } }, undefined, 2);
  expect(pathInMessage("the document, at display.volume: too large")).toBe("display.volume");
  expect(lineOfPath(text, "display.volume")).toBe(7);
  expect(lineOfPath(text, "nothing")).toBeUndefined();
  expect(changedKeys({ a: 1, d: { x: 1, y: 2 } }, { d: { x: 1, y: 3 }, b: 2 })).toEqual(["a", "d.y", "b"]);
});
