import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { PageSpool, type SpooledMessage } from "./page-spool.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-spool-"));
  path = join(folder, "player", "spool.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const play = (n: number): SpooledMessage => ({ t: "page-play", id: `p${n}`, play: { item: "a", n } });

/** A spool with these in it, as a host that was killed leaves it. */
async function left(count: number): Promise<void> {
  const spool = new PageSpool(path, silentLog);
  await spool.open();
  for (let n = 1; n <= count; n += 1) expect(await spool.append(play(n))).toMatchObject({ ok: true });
  await spool.close();
}

async function opened(): Promise<{ readonly dropped: number; readonly kept: number }> {
  const spool = new PageSpool(path, silentLog);
  const { dropped } = await spool.open();
  const kept = spool.waiting().length;
  await spool.close();
  return { dropped, kept };
}

test("what is whole is no loss, however often it is opened and emptied", async () => {
  await left(5);
  expect(await opened()).toEqual({ dropped: 0, kept: 5 });
  expect(await opened()).toEqual({ dropped: 0, kept: 5 });
  const spool = new PageSpool(path, silentLog);
  await spool.open();
  for (let n = 1; n <= 5; n += 1) spool.remove(`p${n}`);
  await spool.append(play(6));
  await spool.close();
  expect(await opened()).toMatchObject({ dropped: 0 });
});

test("cut off at any byte, every message that is gone is counted, once", async () => {
  await left(8);
  const whole = readFileSync(path);
  const mark = readFileSync(`${path}.mark`);
  for (let bytes = 0; bytes <= whole.length; bytes += 5) {
    writeFileSync(path, whole);
    writeFileSync(`${path}.mark`, mark);
    truncateSync(path, bytes);
    const { dropped, kept } = await opened();
    expect(dropped + kept, `cut at ${bytes}`).toBe(8);
    expect(await opened(), `the second start after a cut at ${bytes}`).toEqual({ dropped: 0, kept });
  }
});

test("a bit flipped anywhere costs its line, is counted, and brings no message that was never written", async () => {
  await left(4);
  const whole = readFileSync(path);
  const mark = readFileSync(`${path}.mark`);
  const written = new Set([1, 2, 3, 4].map((n) => JSON.stringify(play(n))));
  for (let bit = 0; bit < whole.length * 8; bit += 3) {
    const flipped = Buffer.from(whole);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(path, flipped);
    writeFileSync(`${path}.mark`, mark);
    const spool = new PageSpool(path, silentLog);
    const { dropped } = await spool.open();
    const kept = spool.waiting();
    await spool.close();
    expect(kept.every((message) => written.has(JSON.stringify(message))), `bit ${bit}`).toBe(true);
    expect(dropped, `bit ${bit}`).toBe(4 - kept.length);
    expect(kept.length, `bit ${bit}`).toBeLessThan(4);
  }
});

test("lines of before there were checksums are taken", async () => {
  mkdirSync(join(folder, "player"));
  writeFileSync(path, `${JSON.stringify(play(1))}\n${JSON.stringify(play(2))}\n`);
  expect(await opened()).toEqual({ dropped: 0, kept: 2 });
  expect(await opened()).toEqual({ dropped: 0, kept: 2 });
});

test("deleted, or something else in its place: all of it is counted", async () => {
  await left(3);
  rmSync(path);
  expect(await opened()).toEqual({ dropped: 3, kept: 0 });
  await left(4);
  rmSync(path);
  mkdirSync(path);
  expect(await opened()).toEqual({ dropped: 4, kept: 0 });
});

test("a mark that is gone or damaged costs nothing but itself", async () => {
  await left(3);
  for (const text of [undefined, "", "0000000009 0000000003\n", "nonsense"]) {
    rmSync(`${path}.mark`, { recursive: true, force: true });
    if (text !== undefined) writeFileSync(`${path}.mark`, text);
    expect(await opened(), String(text)).toEqual({ dropped: 0, kept: 3 });
  }
  rmSync(`${path}.mark`);
  mkdirSync(`${path}.mark`);
  expect(await opened()).toEqual({ dropped: 0, kept: 3 });
});
