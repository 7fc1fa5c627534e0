import { expect, test } from "vitest";
import { ok, type Result } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { CALL_DEADLINE_MS, HANGS, ioctlNumber, KernelDevice } from "./kernel-device.ts";
import type { Native, SystemError } from "./native.ts";

test("a driver that hangs occupies one thread, and every other call fails until it comes back", async () => {
  const time = new VirtualTime();
  const pending: ((result: Result<number, SystemError>) => void)[] = [];
  const native: Native = {
    ioctl: () => new Promise((resolve) => pending.push(resolve)),
    ioctlNow: () => ok(0),
    address: () => 0n,
    poll: () => ok(() => {}),
  };
  const device = new KernelDevice(native, time, { name: "test" });
  const hangs = { ok: false, error: { name: HANGS } };

  const first = device.ioctl(3, 1, new Uint8Array(4));
  await time.advance(CALL_DEADLINE_MS);
  expect(await first).toEqual(hangs);
  expect(await device.ioctl(3, 1, new Uint8Array(4))).toEqual(hangs);
  expect(pending).toHaveLength(1);

  pending[0]?.(ok(0));
  await time.advance(0);
  const after = device.ioctl(3, 1, new Uint8Array(4));
  await time.advance(0);
  pending[1]?.(ok(7));
  expect(await after).toEqual({ ok: true, value: 7 });
});

test("calls made while the first one hangs do not take threads of their own", async () => {
  const time = new VirtualTime();
  let threads = 0;
  const native: Native = {
    ioctl: () => {
      threads += 1;
      return new Promise(() => {});
    },
    ioctlNow: () => ok(0),
    address: () => 0n,
    poll: () => ok(() => {}),
  };
  const device = new KernelDevice(native, time, { name: "test" });
  const results = Promise.all([1, 2, 3].map((fd) => device.ioctl(fd, 1, new Uint8Array(4))));
  await time.advance(CALL_DEADLINE_MS);
  expect(await results).toEqual(Array.from({ length: 3 }, () => ({ ok: false, error: { name: HANGS } })));
  expect(threads).toBe(1);
});

test("call numbers are those of the kernel's macros", () => {
  // VIDIOC_QUERYCAP is _IOR('V', 0, 104 bytes), TCGETS2 is _IOR('T', 0x2a, 44 bytes), BLKROTATIONAL-like _IO(0x12, 126).
  expect([ioctlNumber("read", 0x56, 0, 104), ioctlNumber("read", 0x54, 0x2a, 44), ioctlNumber("none", 0x12, 126, 0)]).toEqual([0x80685600, 0x802c542a, 0x127e]);
});
