import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mountSmallDisk } from "../../agent/node/sqlite/testing/small-disk.ts";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { RotatingFile } from "./rotating-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (level: number, n: number): string => `{"level":${level},"n":${n}}\n`;

test("the log buffers information in memory; a warning writes it at once", () => {
  const path = join(folder, "a.log");
  const file = new RotatingFile(path);
  file.write(line(30, 1));
  expect(() => statSync(path)).toThrow("ENOENT");
  file.write(line(40, 2));
  expect(readFileSync(path, "utf8")).toBe(line(30, 1) + line(40, 2));
});

test("the log takes at most twice its limit and has the newest lines", () => {
  const path = join(folder, "a.log");
  const file = new RotatingFile(path, { bytesMax: 10_000 });
  for (let n = 0; n < 5_000; n += 1) file.write(line(30, n));
  file.flush();
  const size = statSync(`${path}.1`).size + (readFileSync(path, { flag: "a+" }).length);
  expect(size).toBeLessThan(2 * (10_000 + 8 * 1024 + 100));
  expect(readFileSync(`${path}.1`, "utf8") + readFileSync(path, "utf8")).toContain(line(30, 4_999));
});

test("the log counts lines that the disk refused, and writes the count when it works again", () => {
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

test("the log counts everything it loses when the disk fills up within a line, reports that while it lasts, and starts the next line afresh", ({ skip }) => {
  const disk = mountSmallDisk(256 * 1024);
  if ("why" in disk) {
    reportLeftOut("a log on a full disk", disk.why);
    return skip();
  }
  try {
    const path = join(disk.folder, "a.log");
    const file = new RotatingFile(path);
    file.write(line(40, 0));
    disk.fill();
    // Fill the rest of the file's last block, until nothing more fits.
    for (let n = 1; n <= 2_000; n += 1) file.write(line(40, n));
    const trouble = file.trouble();
    expect(trouble).toMatchObject({ code: "log.not-written", message: expect.stringContaining("its lines are lost: ENOSPC") as unknown });
    file.write(line(40, 2_001));
    // The state is reported at each look, but only changes cost traffic.
    expect(file.trouble()).toEqual(trouble);
    disk.empty();
    expect(file.trouble()).toBeUndefined();
    file.write(line(40, 2_002));
    const lines = readFileSync(path, "utf8").split("\n").filter((each) => each !== "");
    const whole = lines.filter((each) => /^\{"level":40,"n":\d+\}$/.test(each)).length;
    const lost = lines.flatMap((each) => Number(/"lostLines":(\d+)/.exec(each)?.[1] ?? 0)).reduce((sum, count) => sum + count, 0);
    expect([whole + lost, lines.at(-1)]).toEqual([2_003, line(40, 2_002).trim()]);
  } finally {
    disk.dispose();
  }
});

test("a log that cannot be rotated stays within its limit, keeps its newest lines, and reports that until it can", () => {
  const path = join(folder, "a.log");
  // Root ignores permissions, but nobody can rename a file over a folder.
  mkdirSync(join(folder, "a.log.1", "something"), { recursive: true });
  const file = new RotatingFile(path, { bytesMax: 10_000, bufferBytesMax: 0 });
  let largest = 0;
  for (let n = 0; n < 3_000; n += 1) {
    file.write(line(30, n));
    largest = Math.max(largest, statSync(path).size);
  }
  const lines = readFileSync(path, "utf8").trim().split("\n");
  expect(largest).toBeLessThan(10_000 + 100);
  expect(lines.every((each) => each.startsWith('{"level":'))).toBe(true);
  expect(lines.at(-1)).toBe(line(30, 2_999).trim());
  expect(lines[0]).toMatch(/^\{"level":40,"droppedBytes":\d+,"why":"E.*","msg":"the log could not be set aside, and its older half was dropped"\}$/);
  expect(lines.join("")).not.toContain("lostLines");
  expect(file.trouble()).toMatchObject({ code: "log.not-set-aside", message: expect.stringContaining(`${path} cannot be renamed to .1`) as string });
  rmSync(join(folder, "a.log.1"), { recursive: true });
  expect(file.trouble()).toBeUndefined();
  file.write(line(30, 3_000));
  expect(readFileSync(path, "utf8")).toBe(line(30, 3_000));
  expect(readFileSync(`${path}.1`, "utf8")).toContain(line(30, 2_999));
});

test("without a buffer every line is written at once, readable for the group; it works after closing too", () => {
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
