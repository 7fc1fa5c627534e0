import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixtureFiles } from "../linux/testing/fixture-files.ts";
import { CALL_DEADLINE_MS } from "../linux/kernel/kernel-device.ts";
import type { Native } from "../linux/kernel/native.ts";
import { err, ok } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { firmwareState } from "./firmware.ts";

const SYSFS = "sys/bus/platform/drivers/raspberrypi-firmware/soc:firmware/get_throttled";
const time = new VirtualTime({ monotonicMs: 9 });

describe("the firmware's throttled state", () => {
  test.each([
    ["0\n", { undervoltage: false, frequencyCapped: false, throttled: false, hot: false }],
    ["50005\n", { undervoltage: true, frequencyCapped: false, throttled: true, hot: false }],
    // Only bits of the past, which the kernel's own driver clears every 2 s.
    ["f0000\n", { undervoltage: false, frequencyCapped: false, throttled: false, hot: false }],
    ["a\n", { undervoltage: false, frequencyCapped: true, throttled: false, hot: true }],
  ])("%j in sysfs is read", async (text, value) => {
    expect(await firmwareState({ files: fixtureFiles({ [SYSFS]: text }), clock: time, timers: time })()).toEqual({ kind: "ok", value, atMs: 9 });
  });

  test("an unreadable file is a failure, and a text in another form unknown", async () => {
    const unreadable = { "sys/bus/platform/drivers/raspberrypi-firmware/soc:firmware/get_throttled": "zz" };
    expect(await firmwareState({ files: fixtureFiles(unreadable), clock: time, timers: time })()).toMatchObject({ kind: "unknown" });
  });
});

describe("the firmware's mailbox device", () => {
  let folder: string;
  let mailboxPath: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-mailbox-"));
    mailboxPath = join(folder, "vcio");
    writeFileSync(mailboxPath, "");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const state = (ioctl: Native["ioctl"], path = mailboxPath) =>
    firmwareState({ files: fixtureFiles({}), clock: time, timers: time, mailboxPath: path, native: () => ok({ ioctl } as Native) });

  test("is asked for the throttled state without clearing what the firmware remembers", async () => {
    const asked: (readonly number[])[] = [];
    const answer = state((_fd, request, argument) => {
      const words = new Uint32Array(argument.buffer);
      asked.push([request, ...words]);
      words.set([28, 0x8000_0000, 0x0003_0046, 4, 0x8000_0004, 0x50005, 0]);
      return Promise.resolve(ok(0));
    });
    expect(await answer()).toMatchObject({ kind: "ok", value: { undervoltage: true, throttled: true } });
    expect(asked).toEqual([[0xc0086400, 28, 0, 0x0003_0046, 4, 4, 0, 0]]);
  });

  test("that is absent is unsupported, and one that refuses or hangs is a failure in bounded time", async () => {
    expect(await state(() => Promise.resolve(ok(0)), join(folder, "none"))()).toEqual({ kind: "unsupported" });
    expect(await state(() => Promise.resolve(err({ name: "EIO" })))()).toMatchObject({ kind: "failed", error: { code: "firmware.no-answer" } });
    expect(await state(() => Promise.resolve(ok(0)))()).toMatchObject({ kind: "unknown" });
    const hanging = state(() => new Promise(() => {}))();
    await expect.poll(() => time.pending().length).toBe(1);
    await time.advance(CALL_DEADLINE_MS);
    expect(await hanging).toMatchObject({ kind: "failed", error: { code: "firmware.no-answer", message: expect.stringContaining("EHANG") as string } });
  });
});
