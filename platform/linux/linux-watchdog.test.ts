import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { err, ok, type Result } from "../ports/result.ts";
import type { Native, SystemError } from "./kernel/native.ts";
import { LinuxWatchdog, watchdogCanDisarm } from "./linux-watchdog.ts";
import { fixtureFiles } from "./testing/fixture-files.ts";

describe("the timeout of the hardware watchdog", () => {
  let folder: string;
  let device: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-watchdog-"));
    device = join(folder, "watchdog");
    writeFileSync(device, "");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A kernel that answers WDIOC_SETTIMEOUT with `sets` seconds, or refuses. */
  const withKernel = (hasMs: number, sets: number | undefined) => {
    const asked: (readonly number[])[] = [];
    const ioctlNow = (_fd: number, request: number, argument: Uint8Array): Result<number, SystemError> => {
      const seconds = new Int32Array(argument.buffer);
      asked.push([request, seconds[0] ?? 0]);
      if (sets === undefined) return err({ name: "EINVAL" });
      seconds[0] = sets;
      return ok(0);
    };
    return { asked, watchdog: new LinuxWatchdog(device, hasMs, () => ok({ ioctlNow } as unknown as Native)) };
  };

  test("of a device that is missing is never fed, and no file is made in its place", async () => {
    rmSync(device);
    const { watchdog } = withKernel(60_000, 60);
    expect(await watchdog.feed()).toMatchObject({ ok: false, error: { code: "watchdog.unavailable", hint: expect.stringContaining("no hardware watchdog") as string } });
    expect(existsSync(device)).toBe(false);
  });

  test("is made a minute where the kernel can (Raspberry Pi: from Linux 6.8)", async () => {
    const { asked, watchdog } = withKernel(15_000, 60);
    expect(await watchdog.feed()).toEqual(ok(undefined));
    expect([watchdog.timeoutMs, asked]).toEqual([60_000, [[0xc0045706, 60]]]);
    await watchdog.close();
    expect(readFileSync(device, "utf8")).toBe("1V");
  });

  test("that cannot be longer than half a minute is given back disarmed, since a busy card would reset a healthy machine", async () => {
    const { watchdog } = withKernel(15_000, undefined);
    for (let i = 0; i < 2; i++) expect(await watchdog.feed()).toMatchObject({ ok: false, error: { code: "watchdog.too-short", hint: expect.stringContaining("RuntimeWatchdogSec") as string } });
    expect(readFileSync(device, "utf8").replaceAll("V", "")).toBe("");
    expect(readFileSync(device, "utf8")).not.toBe("");
  });

  test.each([["1\n", false], ["0\n", true], [undefined, true]])("that is short, of a device with nowayout %j: it is opened: %j, since nothing could disarm it", async (nowayout, isOpened) => {
    const canDisarm = watchdogCanDisarm(fixtureFiles(nowayout === undefined ? {} : { "sys/class/watchdog/watchdog0/nowayout": nowayout }));
    const watchdog = new LinuxWatchdog(device, 15_000, () => ok({ ioctlNow: () => err({ name: "EINVAL" }) } as unknown as Native), canDisarm);
    expect(await watchdog.feed()).toMatchObject({ ok: false, error: { code: "watchdog.too-short" } });
    expect(readFileSync(device, "utf8")).toBe(isOpened ? "V" : "");
  });

  test("that is long enough is left as it is", async () => {
    const { asked, watchdog } = withKernel(120_000, 60);
    await watchdog.feed();
    expect([watchdog.timeoutMs, asked]).toEqual([120_000, []]);
    await watchdog.close();
  });
});
