import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { ok } from "../ports/result.ts";
import { CallThreads, HANGS, KernelCalls, NO_THREAD } from "./kernel/kernel-calls.ts";
import { LinuxStorageTrial, TRIAL_DEADLINE_MS } from "./storage-trial.ts";

const isLinux = process.platform === "linux";
if (!isLinux) reportLeftOut("the trial of the storage", "it needs Linux");

describe.runIf(isLinux)("the trial of the storage", () => {
  let folder: string;
  let path: string;
  const time = new VirtualTime();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-trial-"));
    path = join(folder, "trial.bin");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const trial = (openFile?: typeof open) => new LinuxStorageTrial({ clock: time, timers: time, path, ...(openFile !== undefined && { openFile }) });

  test("overwrites one block of its own file, which only its user may read", async () => {
    const ours = trial();
    for (let i = 0; i < 3; i++) expect(await ours.run()).toMatchObject({ kind: "ok" });
    expect([statSync(path).size, statSync(path).mode & 0o777]).toEqual([4_096, 0o600]);
  });

  test("where the file system has no direct access, it says that the block came from memory", async () => {
    expect(await new LinuxStorageTrial({ clock: time, timers: time, path: `/dev/shm/vitrine-trial-${process.pid}` }).run()).toMatchObject({ kind: "ok" });
    rmSync(`/dev/shm/vitrine-trial-${process.pid}`);
    const refusing = ((at: string, flags: number, mode: number) => {
      if ((flags & 0o40000) !== 0) throw Object.assign(new Error("EINVAL: invalid argument"), { code: "EINVAL" });
      return open(at, flags, mode);
    }) as typeof open;
    expect(await trial(refusing).run()).toMatchObject({ kind: "ok", value: { fromDisk: false } });
  });

  test("a disk that hangs is a finding in bounded time, and is not asked again before it came back", async () => {
    let answer = (): void => {};
    let opened = 0;
    const hanging = (async (...args: Parameters<typeof open>) => {
      opened += 1;
      if (opened === 1) await new Promise<void>((resolve) => (answer = resolve));
      return open(...args);
    }) as typeof open;
    const ours = trial(hanging);
    const first = ours.run();
    await time.advance(TRIAL_DEADLINE_MS);
    expect(await first).toMatchObject({ kind: "failed", error: { code: "disk.hangs" } });
    expect(await ours.run()).toMatchObject({ kind: "failed", error: { code: "disk.hangs" } });
    expect(opened).toBe(1);
    answer();
    await expect.poll(async () => (await ours.run()).kind).toBe("ok");
  });

  test("a disk that hangs counts among the drivers that hang: other calls leave a thread to files, and it is not tried while they hang", async () => {
    const threads = new CallThreads();
    const hanging = (() => new Promise(() => {})) as unknown as typeof open;
    const trialOf = (openFile: typeof open) => new LinuxStorageTrial({ clock: time, timers: time, path, openFile, threads });
    const [driver, other] = ["driver", "other"].map((name) => new KernelCalls(time, name, { threads }));
    const first = trialOf(hanging).run();
    const second = driver?.run(() => new Promise(() => {}));
    await time.advance(TRIAL_DEADLINE_MS);
    expect([await first, await second]).toMatchObject([{ kind: "failed", error: { code: "disk.hangs" } }, { error: { name: HANGS } }]);
    expect(await other?.run(() => Promise.resolve(ok(1)))).toMatchObject({ error: { name: NO_THREAD } });
    let opened = 0;
    const counting = ((...args: Parameters<typeof open>) => {
      opened += 1;
      return open(...args);
    }) as typeof open;
    expect([await trialOf(counting).run(), opened]).toMatchObject([{ kind: "unknown" }, 0]);
  });

  test("a disk that returns other data, or less, is told apart from one that takes no writes", async () => {
    const forging = (async (...args: Parameters<typeof open>) => {
      const file = await open(...args);
      const readAs = file.read.bind(file) as (...given: unknown[]) => Promise<{ bytesRead: number; buffer: Uint8Array }>;
      (file as { read: unknown }).read = async (...given: unknown[]) => {
        const result = await readAs(...given);
        result.buffer[17] = (result.buffer[17] ?? 0) ^ 1;
        return result;
      };
      return file;
    }) as typeof open;
    expect(await trial(forging).run()).toMatchObject({ kind: "failed", error: { code: "disk.wrong-data" } });
    const refused = (() => Promise.reject(Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" }))) as unknown as typeof open;
    expect(await trial(refused).run()).toMatchObject({ kind: "failed", error: { code: "disk.unwritable" } });
    const full = (() => Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }))) as unknown as typeof open;
    expect(await trial(full).run()).toMatchObject({ kind: "unknown" });
  });

  test("follows no symbolic link", async () => {
    const { symlinkSync, readFileSync } = await import("node:fs");
    writeFileSync(join(folder, "key"), "secret");
    symlinkSync(join(folder, "key"), path);
    expect(await trial().run()).toMatchObject({ kind: "failed", error: { code: "disk.unwritable" } });
    expect(readFileSync(join(folder, "key"), "utf8")).toBe("secret");
  });
});
