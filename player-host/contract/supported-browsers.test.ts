import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { browserSupport, SUPPORTED_BROWSERS } from "./supported-browsers.ts";

test.each([
  ["chromium 156.0.8078.108", "tested"],
  ["chromium 150.0.1.1", "tested"],
  ["chromium 157.0.1.1", "untested"],
  ["chromium 149.0.7000.1", "too-old"],
  ["chromium 99.0", "too-old"],
  ["electron 45.4.1", "untested"],
  ["electron 30.0.0", "too-old"],
  ["chromium", "unknown"],
  ["panel 7", "unknown"],
])("%s is %s", (name, support) => {
  expect(browserSupport(name)).toMatchObject({ support });
});

test("the message for an old browser names the oldest supported version and the remedy", () => {
  const { sentence, todo } = browserSupport("chromium 120.0.1");
  expect(sentence).toBe("chromium 120.0.1 is older than 150, the oldest version that is supported");
  expect(todo).toContain("apt-get install chromium");
});

test("the oldest supported version is a tested one", () => {
  const withTests = SUPPORTED_BROWSERS.filter(({ tested }) => tested.length > 0);
  expect(withTests.map(({ tested }) => Math.min(...tested.map((version) => Number(version.split(".")[0]))))).toEqual(withTests.map(({ oldestMajor }) => oldestMajor));
});

test("the README names the tested and the oldest supported versions", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const { title, tested, oldestMajor } of SUPPORTED_BROWSERS) {
    expect(readme).toContain(`| ${title} | ${tested.length === 0 ? "none" : tested.join(", ")} | ${oldestMajor} |`);
  }
});
