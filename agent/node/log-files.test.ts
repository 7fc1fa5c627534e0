import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { logSource, readLogTail } from "./log-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("reads the newest complete lines across the rotated file", async () => {
  writeFileSync(join(folder, "agent.log.1"), "one\ntwo\nthree\n");
  writeFileSync(join(folder, "agent.log"), "four\nfive\n");
  expect(await readLogTail([folder], 1000)).toEqual({ ok: true, value: [{ name: "agent.log", text: "one\ntwo\nthree\nfour\nfive\n" }] });
  expect(await readLogTail([folder], 18)).toEqual({ ok: true, value: [{ name: "agent.log", text: "three\nfour\nfive\n" }] });
  expect(await readLogTail([folder], 7)).toEqual({ ok: true, value: [{ name: "agent.log", text: "five\n" }] });
});

test("collects all logs, each with its name, into one compressed text, buffered lines included", async () => {
  const path = join(folder, "agent.log");
  const collected = await logSource([folder], () => writeFileSync(path, "flushed\n")).collect(1000, new AbortController().signal);
  if (!collected.ok) throw new Error(collected.error.message);
  expect(gunzipSync(collected.value.bytes).toString()).toBe("==> agent.log <==\nflushed\n");
});

test("a missing folder is an error value", async () => {
  expect(await readLogTail([join(folder, "missing")], 10)).toMatchObject({ ok: false, error: { code: "logs.unreadable" } });
});

test("includes the player's folder, and reports it when it cannot be read", async () => {
  writeFileSync(join(folder, "agent.log"), "ours\n");
  const players = mkdtempSync(join(folder, "player-"));
  writeFileSync(join(players, "player.log"), "theirs\n");
  expect(await readLogTail([folder, players], 100)).toEqual({ ok: true, value: [{ name: "agent.log", text: "ours\n" }, { name: "player.log", text: "theirs\n" }] });
  const gone = await readLogTail([folder, join(folder, "gone")], 100);
  expect(gone.ok && gone.value[1]?.text).toContain("cannot be read");
});

test("does not follow a link in place of a log, which could point to the device's key", async () => {
  writeFileSync(join(folder, "device.key"), "secret\n");
  symlinkSync(join(folder, "device.key"), join(folder, "player.log"));
  const read = await readLogTail([folder], 1000);
  expect(JSON.stringify(read)).not.toContain("secret");
  expect(read).toMatchObject({ ok: true, value: [{ name: "player.log", text: expect.stringContaining("is a link") as string }] });
});
