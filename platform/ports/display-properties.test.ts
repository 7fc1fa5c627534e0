import { expect, test } from "vitest";
import { compareDisplayValue } from "./display-properties.ts";

test.each([
  ["power", "on", "on", "same"],
  ["power", "on", "turning-on", "settling"],
  ["power", "on", "turning-off", "leaving"],
  ["power", "standby", "turning-off", "settling"],
  ["power", "on", "standby", "different"],
  ["power", "on", "__proto__", "different"],
  ["input", "hdmi-1", "turning-on", "different"],
  ["brightness", 40, 42, "near"],
  ["brightness", 40, 43, "different"],
  ["volume", 0, 1, "different"],
  ["volume", 1, 0, "near"],
  ["mute", true, false, "different"],
  ["orientation", 90, 91, "different"],
  ["mode", "1920x1080@60", "1920x1080@60", "same"],
  ["mode", "1920x1080@60.000", "1920x1080@60", "same"],
  ["mode", "1920x1080@60", "1920x1080@59.94", "near"],
  ["mode", "1920x1080@60", "1920x1080@59.001", "near"],
  ["mode", "1920x1080@60", "1920x1080@59", "different"],
  ["mode", "1920x1080@60", "1280x720@60", "different"],
  ["mode", "1920x1080", "1920x1080@50", "same"],
  ["mode", "1920x1080@60", "1920x1080", "near"],
  ["mode", "1920x1080", "1280x720@50", "different"],
  ["mode", "1920x1080@60", "on", "different"],
] as const)("%s: wanted %s, observed %s, is %s", (property, wanted, observed, comparison) => {
  expect(compareDisplayValue(property, wanted, observed)).toBe(comparison);
});
