import { open } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { err, ok } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { CALL_DEADLINE_MS, KernelDevice } from "../kernel/kernel-device.ts";
import type { Native } from "../kernel/native.ts";
import { fixtureFiles, type Fixture } from "../testing/fixture-files.ts";
import { I2C_TRANSFER } from "./i2c-abi.ts";
import { LinuxDdc } from "./linux-ddc.ts";
import { findBus } from "./open-ddc.ts";

const AT = 0x7f00_0000_1000n;

async function bus(ioctl: Native["ioctl"], isPlugged: () => boolean | undefined = () => undefined) {
  const time = new VirtualTime();
  const native: Native = { ioctl, ioctlNow: () => ok(0), address: () => AT, poll: () => ok(() => {}) };
  const handle = await open("/dev/null");
  return { time, ddc: new LinuxDdc({ bus: handle, path: "/dev/i2c-2", device: new KernelDevice(native, time, { name: "i2c" }), isPlugged }) };
}

test("one message is one transaction: the list, the message and its bytes in one argument", async () => {
  const calls: { request: number; bytes: Buffer }[] = [];
  const { ddc } = await bus((_fd, request, argument) => {
    calls.push({ request, bytes: Buffer.from(argument) });
    if (argument.length === 35) argument.set([7, 8, 9], 32);
    return Promise.resolve(ok(1));
  });
  expect(await ddc.write(0x37, Uint8Array.of(1, 2))).toEqual({ ok: true, value: undefined });
  expect(await ddc.read(0x50, 3)).toEqual({ ok: true, value: Uint8Array.of(7, 8, 9) });
  const [write, read] = calls.map(({ bytes }) => bytes);
  if (write === undefined || read === undefined) throw new Error("no call");
  expect(calls.map(({ request }) => request)).toEqual([I2C_TRANSFER, I2C_TRANSFER]);
  // struct i2c_rdwr_ioctl_data, then struct i2c_msg.
  expect([write.readBigUInt64LE(0), write.readUInt32LE(8), write.readUInt16LE(16), write.readUInt16LE(18), write.readUInt16LE(20), write.readBigUInt64LE(24), ...write.subarray(32)]).toEqual([AT + 16n, 1, 0x37, 0, 2, AT + 32n, 1, 2]);
  expect([read.readUInt16LE(16), read.readUInt16LE(18), read.readUInt16LE(20)]).toEqual([0x50, 1, 3]);
  await ddc.close();
});

test.each([
  ["ENXIO", undefined, "ddc.no-answer"],
  ["EREMOTEIO", true, "ddc.no-answer"],
  ["EIO", undefined, "ddc.no-answer"],
  ["ETIMEDOUT", true, "ddc.bus"],
  ["EOPNOTSUPP", undefined, "ddc.bus"],
  ["ENXIO", false, "display.unplugged"],
  ["ETIMEDOUT", false, "display.unplugged"],
])("the kernel's %s with a cable that is plugged: %s is %s", async (name, plugged, code) => {
  const { ddc } = await bus(() => Promise.resolve(err({ name })), () => plugged);
  expect(await ddc.write(0x37, Uint8Array.of(1))).toMatchObject({ ok: false, error: { code } });
  await ddc.close();
});

test("a bus that hangs takes one thread, and its calls fail until it comes back", async () => {
  let threads = 0;
  const { time, ddc } = await bus(() => {
    threads += 1;
    return new Promise(() => {});
  });
  const first = ddc.write(0x37, Uint8Array.of(1));
  await time.advance(CALL_DEADLINE_MS);
  expect([await first, await ddc.read(0x37, 11), threads]).toMatchObject([{ error: { code: "ddc.bus" } }, { error: { code: "ddc.bus", message: expect.stringContaining("not answered an earlier call") as string } }, 1]);
});

describe("the bus of an output", () => {
  const PI: Fixture = {
    "sys/class/drm/card1-HDMI-A-1/status": "connected\n",
    "sys/class/drm/card1-HDMI-A-1/ddc": "-> ../../../../../soc/fef04500.i2c/i2c-20",
    "sys/class/drm/card1-HDMI-A-2/status": "disconnected\n",
    "sys/class/drm/card1-HDMI-A-2/ddc": "-> ../../../../../soc/fef09500.i2c/i2c-21",
    "sys/class/drm/card1-DP-1/i2c-7/name": "AUX",
    "sys/class/drm/card1-Writeback-1/status": "unknown\n",
  };
  const of = (output?: string, fixture = PI) => findBus(fixtureFiles(fixture), output);

  test.each([
    ["HDMI-A-1", "/dev/i2c-20"],
    ["HDMI-A-2", "/dev/i2c-21"],
    ["DP-1", "/dev/i2c-7"],
    [undefined, "/dev/i2c-20"],
  ])("%s: %s", (output, path) => {
    expect(of(output)).toMatchObject({ ok: true, value: { path } });
  });

  test("that has none, does not exist, or is one of several says so", () => {
    expect([of("Writeback-1"), of("DP-9"), of(undefined, {}), of(undefined, { ...PI, "sys/class/drm/card1-HDMI-A-2/status": "connected\n" })]).toMatchObject([
      { error: { code: "ddc.no-channel" } }, { error: { code: "ddc.no-channel" } }, { error: { code: "ddc.no-channel" } },
      { error: { code: "ddc.no-channel", message: expect.stringContaining("several") as string } },
    ]);
  });
});
