import type { FileHandle } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { err, ok, type Result } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { CALL_DEADLINE_MS, KernelDevice } from "../kernel/kernel-device.ts";
import type { Native, SystemError } from "../kernel/native.ts";
import { CEC_CALL } from "./cec-abi.ts";
import { LinuxCec, LOOK_EVERY_MS } from "./linux-cec.ts";

type Condition = "there" | "gone" | "hanging";

/**
 * The calls of a CEC adapter at address 4 and 1.0.0.0, whose messages are all acknowledged; a message with opcode 0x8f is never
 * answered by the driver. Files are numbered from 10.
 */
function open() {
  const time = new VirtualTime();
  const world = { condition: "there" as Condition, opened: 10, closed: [] as number[], sent: [] as number[][], inbox: [] as Buffer[], ready: undefined as (() => void) | undefined, refuses: undefined as number | undefined, claims: 0, isClaimed: true };
  const file = (fd: number): FileHandle => ({ fd, close: () => Promise.resolve(void world.closed.push(fd)) }) as unknown as FileHandle;
  const received = (bytes: readonly number[], sequence: number, status: number): Buffer => {
    const frame = Buffer.alloc(56);
    frame.writeUInt32LE(bytes.length, 16);
    frame.writeUInt32LE(sequence, 24);
    frame.set(bytes, 32);
    frame.writeUInt8(status, 50);
    return frame;
  };
  const says = (...bytes: number[]): void => {
    world.inbox.push(received(bytes, 0, 0));
    world.ready?.();
  };
  let sequence = 0;
  const call = (request: number, argument: Buffer): Result<number, SystemError> => {
    if (world.condition === "gone") return err({ name: "ENODEV" });
    if (request === world.refuses) return err({ name: "EBUSY" });
    if (request === CEC_CALL.claim) [world.claims, world.isClaimed] = [world.claims + 1, true];
    if (request === CEC_CALL.logicalAddresses) argument.set([4, 0, 0, 0, 0, 6, 0, world.isClaimed ? 1 : 0]);
    if (request === CEC_CALL.physicalAddress) argument.writeUInt16LE(0x1000);
    if (request === CEC_CALL.event) return err({ name: "EAGAIN" });
    if (request === CEC_CALL.receive) {
      const next = world.inbox.shift();
      if (next === undefined) return err({ name: "EAGAIN" });
      argument.set(next);
    }
    if (request === CEC_CALL.transmit) {
      const frame = [...argument.subarray(32, 32 + argument.readUInt32LE(16))];
      world.sent.push(frame);
      argument.writeUInt32LE(++sequence, 24);
      const number = sequence;
      if (frame[1] !== 0x8f) time.after("driver", 1, () => {
        world.inbox.push(received(frame, number, 0x01));
        world.ready?.();
      });
    }
    return ok(0);
  };
  const native: Native = {
    ioctl: (_fd, request, argument) => (world.condition === "hanging" ? new Promise(() => {}) : Promise.resolve(call(request, argument as Buffer))),
    ioctlNow: (_fd, request, argument) => call(request, argument as Buffer),
    address: () => 0n,
    poll: (_fd, _readiness, ready) => {
      world.ready = ready;
      return ok(() => (world.ready = undefined));
    },
  };
  const cec = new LinuxCec({
    adapter: file(10),
    reopen: () => Promise.resolve(world.condition === "gone" ? err({ name: "ENOENT" }) : ok(file(++world.opened))),
    device: new KernelDevice(native, time, { name: "cec" }),
    timers: time,
    osdName: "Vitrine",
  });
  const send = (opcode: number, ...operands: number[]) => time.settled(cec.send({ destination: 0, opcode, operands: Uint8Array.from(operands) }, 0));
  return { time, world, cec, send, says };
}

const STANDBY = 0x36;
const sent = { ok: true, value: { acknowledged: true } };

describe("an adapter that goes away", () => {
  test("in the middle of a message fails it at once with a code, and is used again when it is back", async () => {
    const { time, world, cec, send, says } = open();
    await cec.start();
    expect(await send(STANDBY)).toEqual(sent);
    const unanswered = cec.send({ destination: 0, opcode: 0x8f, operands: new Uint8Array() }, 0);
    await time.advance(10);
    world.condition = "gone";
    world.ready?.();
    expect(await unanswered).toMatchObject({ ok: false, error: { code: "cec.bus" } });
    expect(await send(STANDBY)).toMatchObject({ ok: false, error: { code: "cec.bus", message: "the HDMI-CEC adapter is gone" } });
    // Else the kernel would not give its number to the one that comes back.
    expect(world.closed).toEqual([10]);

    world.condition = "there";
    await time.advance(LOOK_EVERY_MS);
    expect(await send(STANDBY)).toEqual(sent);
    const heard: number[] = [];
    cec.onMessage(({ opcode }) => heard.push(opcode));
    says(0x04, 0x44, 0x01);
    expect(heard).toEqual([0x44]);
    await cec.close();
  });

  test("is noticed by a call even without an event, and looked for until it is back", async () => {
    const { time, world, cec, send } = open();
    await cec.start();
    world.condition = "gone";
    expect(await send(STANDBY)).toMatchObject({ error: { code: "cec.bus" } });
    await time.advance(10 * LOOK_EVERY_MS);
    world.condition = "there";
    await time.advance(LOOK_EVERY_MS);
    expect(await send(STANDBY)).toEqual(sent);
    await cec.close();
    expect(world.closed).toEqual([10, 11]);
  });

  test("is no longer looked for once the bus is closed", async () => {
    const { time, world, cec, send } = open();
    await cec.start();
    world.condition = "gone";
    await send(STANDBY);
    await cec.close();
    world.condition = "there";
    await time.advance(3 * LOOK_EVERY_MS);
    expect([world.opened, time.pending()]).toEqual([10, []]);
    expect(await send(STANDBY)).toMatchObject({ error: { code: "cec.bus" } });
  });
});

test.each([["listen", CEC_CALL.setMode], ["claim an address", CEC_CALL.claim]])("an adapter that does not %s at first, nor when it is back, is asked again until it does", async (_what, request) => {
  const { time, world, cec, send, says } = open();
  const heard: (number | undefined)[] = [];
  cec.onMessage(({ opcode }) => heard.push(opcode));
  world.isClaimed = false;
  world.refuses = request;
  expect(await cec.start()).toMatchObject({ ok: false, error: { code: "cec.bus" } });
  world.refuses = undefined;
  await time.advance(LOOK_EVERY_MS);
  expect(world.claims).toBe(1);
  world.refuses = request;
  world.isClaimed = false;
  world.condition = "gone";
  expect(await send(STANDBY)).toMatchObject({ ok: false });
  world.condition = "there";
  await time.advance(3 * LOOK_EVERY_MS);
  expect(world.claims).toBe(1);
  world.refuses = undefined;
  await time.advance(LOOK_EVERY_MS);
  expect(world.claims).toBe(2);
  says(0x04, 0x44, 0x01);
  expect(heard).toEqual([0x44]);
  await cec.close();
  expect(time.pending()).toEqual([]);
});

test("the bus tells why it cannot be used for as long as that is so", async () => {
  const { time, world, cec, send } = open();
  world.refuses = CEC_CALL.setMode;
  await cec.start();
  expect(cec.issue).toMatchObject({ code: "cec.bus", message: expect.stringContaining("another program") as string });
  world.refuses = undefined;
  await time.advance(LOOK_EVERY_MS);
  expect(cec.issue).toBeUndefined();
  world.condition = "gone";
  await send(STANDBY);
  await time.advance(LOOK_EVERY_MS);
  expect(cec.issue).toMatchObject({ code: "cec.bus", message: "the HDMI-CEC adapter is gone" });
  world.condition = "there";
  await time.advance(LOOK_EVERY_MS);
  expect(cec.issue).toBeUndefined();
  await cec.close();
});

test("a driver that hangs fails messages within a bounded time, and closing does not wait for it", async () => {
  const { time, world, cec, send } = open();
  await cec.start();
  world.condition = "hanging";
  const startedMs = time.monotonicMs();
  expect(await send(STANDBY)).toMatchObject({ error: { code: "cec.bus", message: /has not answered an earlier call/ } });
  expect(await send(STANDBY)).toMatchObject({ error: { code: "cec.bus" } });
  expect(time.monotonicMs() - startedMs).toBeLessThanOrEqual(CALL_DEADLINE_MS);
  await time.settled(cec.close());
});

describe("the active source", () => {
  const ACTIVE = [0x4f, 0x82, 0x10, 0x00];

  test("is us when the TV asks for our address, and we say so then and whenever somebody asks", async () => {
    const { time, world, cec, says } = open();
    await cec.start();
    says(0x0f, 0x85);
    says(0x0f, 0x86, 0x20, 0x00);
    await time.advance(50);
    expect(world.sent).toEqual([]);
    says(0x0f, 0x86, 0x10, 0x00);
    await time.advance(50);
    expect(world.sent).toEqual([ACTIVE]);
    says(0x0f, 0x85);
    await time.advance(50);
    expect(world.sent).toEqual([ACTIVE, ACTIVE]);
    await cec.close();
  });

  test("is no longer us when another source takes over", async () => {
    const { time, world, cec, says } = open();
    await cec.start();
    await time.settled(cec.send({ destination: 15, opcode: 0x82, operands: Uint8Array.of(0x10, 0x00) }, 0));
    says(0x8f, 0x82, 0x20, 0x00);
    says(0x0f, 0x85);
    await time.advance(50);
    expect(world.sent).toEqual([ACTIVE]);
    await cec.close();
  });
});
