import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { err, ok, type Issue, type Result } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { KernelDevice } from "../kernel/kernel-device.ts";
import type { Native, SystemError } from "../kernel/native.ts";
import { GPIO_CALL } from "./gpio-abi.ts";
import { LinuxGpio } from "./linux-gpio.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";

/** Where the kernel puts the descriptor of a granted line (`grantedFd`). */
const FD_AT = 588;

if (process.platform !== "linux") reportLeftOut("GPIO lines of a chip whose driver is simulated", `they need Linux, and this machine runs ${process.platform}`);
describe.runIf(process.platform === "linux")("lines of a chip whose driver is simulated", () => {
  let folder: string;
  let time: VirtualTime;
  let gpio: LinuxGpio;
  /** Levels the line was driven to. */
  let driven: number[];
  let wake: () => void;
  /** How often a line was requested and turned round, and what the kernel says to the latter. */
  let [requested, turned]: [number, number] = [0, 0];
  let turning: Result<number, SystemError> = ok(0);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "gpio-"));
    const line = join(folder, "line");
    execFileSync("mkfifo", [line]);
    time = new VirtualTime();
    driven = [];
    [requested, turned, turning] = [0, 0, ok(0)];
    const native: Native = {
      ioctl: () => Promise.reject(new Error("the chip never blocks")),
      ioctlNow: (_fd, request, argument) => {
        const bytes = Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
        if (request === GPIO_CALL.setConfig) {
          turned += 1;
          return turning;
        }
        if (request === GPIO_CALL.requestLine) {
          requested += 1;
          bytes.writeInt32LE(openSync(line, constants.O_RDWR | constants.O_NONBLOCK), FD_AT);
          driven.push(Number(bytes.readBigUInt64LE(328)));
        }
        if (request === GPIO_CALL.setValues) driven.push(Number(bytes.readBigUInt64LE(0)));
        return ok(0);
      },
      address: () => 0n,
      poll: (_fd, _readiness, ready) => {
        wake = ready;
        return ok(() => {});
      },
    };
    gpio = new LinuxGpio({
      chip: await open("/dev/null"), chipName: "gpiochip0", device: new KernelDevice(native, time, { name: "gpio", neverBlocks: true }),
      lines: [{ name: "GPIO17", aliases: [], offset: 17 }], clock: time, timers: time,
    });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("closing ends the pulse under way and one that waits for the line at once, both at their resting level", async () => {
    const pulses = [gpio.pulse("GPIO17", 1, 10_000), gpio.pulse("GPIO17", 1, 10_000)];
    await time.advance(100);
    const closed = gpio.close();
    await time.advance(0);
    await closed;
    expect((await Promise.all(pulses)).map((pulse) => pulse.ok)).toEqual([true, true]);
    expect(driven).toEqual([1, 0, 1, 0]);
  });

  test("an output that is to be watched is turned round without letting go of it", async () => {
    await gpio.write("GPIO17", 1);
    const watching = await gpio.watch("GPIO17", { debounceMs: 5 }, () => {});
    expect([watching.ok, requested, turned]).toEqual([true, 1, 1]);
    if (watching.ok) watching.value();
    await gpio.close();
  });

  test("an output stays driven if it cannot be watched", async () => {
    await gpio.write("GPIO17", 1);
    turning = err({ name: "ENXIO" });
    expect(await gpio.watch("GPIO17", { debounceMs: 0 }, () => {})).toMatchObject({ error: { code: "gpio.io" } });
    expect(await gpio.write("GPIO17", 0)).toMatchObject({ ok: true });
    expect([requested, driven]).toEqual([1, [1, 0]]);
    await gpio.close();
  });

  test("being woken without an edge ends no watch", async () => {
    const ended: Issue[] = [];
    const watching = await gpio.watch("GPIO17", { debounceMs: 0 }, () => {}, (why) => ended.push(why));
    wake();
    expect(ended).toEqual([]);
    expect(await gpio.write("GPIO17", 1)).toMatchObject({ error: { code: "gpio.not-an-output" } });
    if (watching.ok) watching.value();
    await gpio.close();
  });
});
