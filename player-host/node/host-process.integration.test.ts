import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { hostLog, RotatingFile } from "./host-log.ts";
import { parseHostOptions } from "./host-options.ts";
import { takeInstanceLock } from "./instance-lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vitrine-process-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the instance lock", () => {
  test("is held by one process, and free again afterwards", async () => {
    const path = join(folder, "player", "host.lock");
    const first = await takeInstanceLock(path);
    if (!first.ok) throw new Error(first.error.message);
    expect(await takeInstanceLock(path)).toMatchObject({ ok: false, error: { code: "host.already-running" } });
    await first.value.release();
    expect((await takeInstanceLock(path)).ok).toBe(true);
  });

  test("is taken over if it is damaged, or left by a dead process or by one whose process id is reused", async () => {
    const path = join(folder, "host.lock");
    const child = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => child.once("exit", resolve));
    for (const text of [JSON.stringify({ pid: child.pid, started: "12345" }), JSON.stringify({ pid: process.pid, started: "1" }), "", "nonsense", "99999999999 1"]) {
      await writeFile(path, text);
      const taken = await takeInstanceLock(path);
      expect(taken, JSON.stringify(text)).toMatchObject({ ok: true });
      if (taken.ok) await taken.value.release();
    }
  });
});

describe("the log", () => {
  test("has JSON lines in both places, at most twice its limit, without secrets", async () => {
    const path = join(folder, "logs", "player.log");
    const also: string[] = [];
    const file = new RotatingFile(path, { bytesMax: 2_000, bufferBytesMax: 0 });
    const log = hostLog(file, { write: (line) => also.push(line) }, "info", new VirtualTime()).child({ part: "test" });
    log.debug({}, "not this");
    for (let n = 0; n < 100; n++) log.info({ n, token: "hunter2", request: { password: "hunter2" } }, `line ${n}`);
    file.close();
    expect(also).toHaveLength(100);
    expect(JSON.parse(also[0] ?? "")).toMatchObject({ part: "test", n: 0, msg: "line 0", token: "[secret]" });
    expect(also.join("")).not.toContain("hunter2");
    expect((await stat(`${path}.1`)).size).toBeLessThan(2_300);
    await expect(stat(`${path}.2`)).rejects.toMatchObject({ code: "ENOENT" });
    const kept = (await readFile(`${path}.1`, "utf8")) + (await readFile(path, "utf8").catch(() => ""));
    expect(kept.trim().split("\n").at(-1)).toBe(also.at(-1)?.trim());
  });
});

test.each([
  [["--browser", "/b"], "--data is missing."],
  [["--data", "d", "--window-size", "huge"], "--window-size huge is not WIDTHxHEIGHT."],
  [["--data", "d", "--log-level", "loud"], "--log-level loud is none of debug, info, warn, error."],
  [["--data", "d", "--passed-over", '[{"name":1}]'], "--passed-over is not a JSON list of { name, why }."],
  [["--data", "d", "--passed-over", "no"], "--passed-over is not a JSON list of { name, why }."],
  [["--data", "d", "--colour"], "Unknown option '--colour'"],
])("%j is refused with a sentence", (argv, message) => {
  const parsed = parseHostOptions(argv, "/here");
  expect(parsed.ok ? "" : parsed.error.message).toContain(message);
});

test("options are parsed, and the data folder becomes absolute", () => {
  expect(parseHostOptions(["--data", "d/../e", "--browser", "/b", "--headless", "--window-size", "640x360"], "/here")).toEqual({
    ok: true,
    value: { dataDir: "/here/e", logsDir: "/here/e/logs", browser: "/b", headless: true, window: { width: 640, height: 360 }, logLevel: "info", browserWhy: "/b, named on the command line", passedOver: [], trial: false },
  });
  const chosen = ["--data", "d", "--browser-why", "found", "--trial", "--passed-over", '[{"name":"electron 45","why":"no picture within 30 s"}]'];
  expect(parseHostOptions(chosen, "/here")).toMatchObject({ ok: true, value: { browserWhy: "found", trial: true, passedOver: [{ name: "electron 45", why: "no picture within 30 s" }] } });
});
