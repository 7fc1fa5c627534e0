import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { MARK_FILE_BYTES, MarkFile, readMark } from "./mark-file.ts";
import { damageFile } from "./testing/damage-files.ts";

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-mark-"));
  path = join(root, "a.marks");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("reads the last value written, even after reopening", () => {
  for (let life = 0; life < 3; life += 1) {
    const file = new MarkFile(path);
    for (let n = 0; n < 5; n += 1) {
      expect(file.write({ life, n }, n === 2)).toBe(true);
      expect(readMark(path)).toEqual({ kind: "found", mark: { life, n } });
    }
    file.close();
  }
  expect(statSync(path).size).toBe(MARK_FILE_BYTES);
});

test("keeps the previous value when one slot is damaged", () => {
  const file = new MarkFile(path);
  for (let n = 1; n <= 8; n += 1) file.write({ n });
  file.close();
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 7) {
    const torn = Buffer.from(whole);
    torn[at] = (torn[at] ?? 0) ^ 0x55;
    writeFileSync(path, torn);
    expect([7, 8].map((n) => JSON.stringify({ kind: "found", mark: { n } }))).toContain(JSON.stringify(readMark(path)));
  }
});

test("no damage produces a value that was never written", () => {
  const random = new SeededRandom("marks");
  for (let n = 0; n < 300; n += 1) {
    rmSync(path, { force: true });
    const file = new MarkFile(path);
    for (let value = 1; value <= 4; value += 1) file.write({ value, text: "x".repeat(random.integer(0, 400)) });
    file.close();
    damageFile(path, random);
    damageFile(path, random);
    const reading = readMark(path);
    expect([undefined, 3, 4]).toContain(reading.kind === "found" ? reading.mark["value"] : undefined);
    const again = new MarkFile(path);
    expect(again.write({ value: 5 })).toBe(true);
    again.close();
    expect(readMark(path)).toEqual({ kind: "found", mark: { value: 5 } });
  }
});

test("handles a missing file, something else in its place, and a value that is too long", () => {
  expect(readMark(path)).toEqual({ kind: "absent" });
  mkdirSync(path);
  expect(readMark(path)).toEqual({ kind: "unreadable" });
  const file = new MarkFile(path);
  expect(file.write({ n: 1 })).toBe(true);
  expect(() => file.write({ text: "x".repeat(2_000) })).toThrow(RangeError);
  file.close();
  expect(file.write({ n: 2 })).toBe(false);
  truncateSync(path, 0);
  expect(readMark(path)).toEqual({ kind: "unreadable" });
});
