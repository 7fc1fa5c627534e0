import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RotatingFile } from "./rotating-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (level: number, n: number): string => `{"level":${level},"n":${n}}\n`;

test("information waits in memory, a warning takes it to the file at once", () => {
  const path = join(folder, "a.log");
  const file = new RotatingFile(path);
  file.write(line(30, 1));
  expect(() => statSync(path)).toThrow("ENOENT");
  file.write(line(40, 2));
  expect(readFileSync(path, "utf8")).toBe(line(30, 1) + line(40, 2));
});

test("the log never takes more than twice its limit, and the newest lines are there", () => {
  const path = join(folder, "a.log");
  const file = new RotatingFile(path, { bytesMax: 10_000 });
  for (let n = 0; n < 5_000; n += 1) file.write(line(30, n));
  file.flush();
  const size = statSync(`${path}.1`).size + (readFileSync(path, { flag: "a+" }).length);
  expect(size).toBeLessThan(2 * (10_000 + 8 * 1024 + 100));
  expect(readFileSync(`${path}.1`, "utf8") + readFileSync(path, "utf8")).toContain(line(30, 4_999));
});

test("lines the disk refused are counted and the count is written when it works again", () => {
  writeFileSync(join(folder, "missing"), "a file where the folder should be");
  const path = join(folder, "missing", "a.log");
  const file = new RotatingFile(path);
  file.write(line(40, 1));
  file.write(line(40, 2));
  rmSync(join(folder, "missing"));
  file.write(line(40, 3));
  const text = readFileSync(path, "utf8");
  expect(text).toContain('"lostLines":2');
  expect(text).toContain(line(40, 3));
});

test("without a buffer every line is there at once, for the group to read; closing is no end", () => {
  const path = join(folder, "player.log");
  const file = new RotatingFile(path, { bufferBytesMax: 0 });
  file.write(line(30, 1));
  expect(readFileSync(path, "utf8")).toBe(line(30, 1));
  expect(statSync(path).mode & 0o777 & ~0o640).toBe(0);
  file.close();
  file.write(line(30, 2));
  file.close();
  expect(readFileSync(path, "utf8")).toBe(line(30, 1) + line(30, 2));
});
