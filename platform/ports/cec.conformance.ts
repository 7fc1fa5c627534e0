import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cec, CecMessage, HeardMessage } from "./cec.ts";
import type { BenchMood } from "./display.conformance.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface CecBench {
  readonly cec: Cec;
  readonly time: BenchTime;
  readonly setMood?: (mood: BenchMood) => void;
  /** The TV says something, to us or to everybody. */
  readonly tvSays: (message: { readonly toAll: boolean; readonly opcode: number; readonly operands: readonly number[] }) => Promise<void>;
  close(): Promise<void>;
}

const NO_OPERANDS = new Uint8Array();
const GIVE_POWER_STATUS: CecMessage = { destination: 0, opcode: 0x8f, operands: NO_OPERANDS };
const REPORT_POWER_STATUS = 0x90;
const USER_CONTROL_PRESSED = 0x44;
const STANDBY = 0x36;
/** Time in which a message of the TV has been heard. */
const HEARD_MS = 500;

/** The suite for every CEC bus with a television. */
export function cecConformance(name: string, open: () => Promise<CecBench>, options: { readonly moods: boolean }): void {
  describe(`Cec: ${name}`, () => {
    let bench: CecBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    test("returns the answer to a query", async () => {
      const sent = await bench.time.settled(bench.cec.send(GIVE_POWER_STATUS, 1_000));
      expect(sent).toMatchObject({ ok: true, value: { acknowledged: true, reply: { opcode: REPORT_POWER_STATUS } } });
      expect(sent.ok && [...(sent.value.reply?.operands ?? [])]).toEqual([0]);
    });

    test("can send a query without waiting for the answer", async () => {
      expect(await bench.time.settled(bench.cec.send(GIVE_POWER_STATUS, 0))).toEqual({ ok: true, value: { acknowledged: true } });
    });

    test("a polling message is acknowledged only by a device at that address", async () => {
      expect(await bench.time.settled(bench.cec.send({ destination: 0, operands: NO_OPERANDS }, 0))).toMatchObject({
        value: { acknowledged: true },
      });
      expect(await bench.time.settled(bench.cec.send({ destination: 13, operands: NO_OPERANDS }, 0))).toMatchObject({
        value: { acknowledged: false },
      });
    });

    test.each<[string, CecMessage, number]>([
      ["a destination beyond 15", { destination: 16, opcode: 0x36, operands: NO_OPERANDS }, 0],
      ["a destination that is no number", { destination: Number.NaN, opcode: 0x36, operands: NO_OPERANDS }, 0],
      ["an opcode beyond a byte", { destination: 0, opcode: 256, operands: NO_OPERANDS }, 0],
      ["too many operands", { destination: 0, opcode: 0x00, operands: new Uint8Array(15) }, 0],
      ["a time-out below zero", { destination: 0, opcode: 0x36, operands: NO_OPERANDS }, -1],
    ])("refuses %s", async (_what, message, replyTimeoutMs) => {
      expect(await bench.time.settled(bench.cec.send(message, replyTimeoutMs))).toMatchObject({
        ok: false,
        error: { code: "cec.bad-message" },
      });
    });

    test("sends concurrent messages one after another and returns each its own answer", async () => {
      const sent = await bench.time.settled(Promise.all(Array.from({ length: 5 }, () => bench.cec.send(GIVE_POWER_STATUS, 1_000))));
      expect(sent.map((result) => result.ok && result.value.reply?.opcode)).toEqual(Array.from({ length: 5 }, () => REPORT_POWER_STATUS));
    });

    test("hears what the TV says to us and to everybody, until it stops listening", async () => {
      const { cec, time, tvSays } = bench;
      const heard: HeardMessage[] = [];
      const stop = cec.onMessage?.((message) => heard.push(message));
      await time.settled(tvSays({ toAll: false, opcode: USER_CONTROL_PRESSED, operands: [0x01] }));
      await time.settled(tvSays({ toAll: true, opcode: STANDBY, operands: [] }));
      await time.pass(HEARD_MS);
      expect(heard.map(({ source, destination, opcode, operands }) => [source, destination === 15, opcode, ...operands])).toEqual([
        [0, false, USER_CONTROL_PRESSED, 0x01],
        [0, true, STANDBY],
      ]);
      stop?.();
      await time.settled(tvSays({ toAll: true, opcode: STANDBY, operands: [] }));
      await time.pass(HEARD_MS);
      expect(heard).toHaveLength(2);
    });

    if (options.moods) moods(() => bench);
    else reportSkipped(`Cec: ${name}: deaf, slow, refusing and unplugged televisions`, "real hardware has only its own mood");
  });
}

function moods(bench: () => CecBench): void {
  test("deaf: sending succeeds without an acknowledgement, because the bus works", async () => {
    bench().setMood?.("deaf");
    expect(await bench().time.settled(bench().cec.send(GIVE_POWER_STATUS, 1_000))).toEqual({ ok: true, value: { acknowledged: false } });
  });

  test("refusing: an order is refused after it was acknowledged; a question is answered", async () => {
    bench().setMood?.("refusing");
    const order = await bench().time.settled(bench().cec.send({ destination: 0, opcode: STANDBY, operands: NO_OPERANDS }, 1_000));
    expect(order).toMatchObject({ ok: true, value: { acknowledged: true, reply: { opcode: 0x00 } } });
    expect(order.ok && order.value.reply?.operands[0]).toBe(STANDBY);
    expect(await bench().time.settled(bench().cec.send(GIVE_POWER_STATUS, 1_000))).toMatchObject({ value: { reply: { opcode: REPORT_POWER_STATUS } } });
  });

  test("refusing: a refusal that nobody waits for is heard as a message", async () => {
    bench().setMood?.("refusing");
    const heard: HeardMessage[] = [];
    bench().cec.onMessage?.((message) => heard.push(message));
    expect(await bench().time.settled(bench().cec.send({ destination: 0, opcode: STANDBY, operands: NO_OPERANDS }, 0))).toEqual({ ok: true, value: { acknowledged: true } });
    await bench().time.pass(HEARD_MS);
    expect(heard).toMatchObject([{ source: 0, opcode: 0x00 }]);
    expect(heard[0]?.operands[0]).toBe(STANDBY);
  });

  test("unplugged: there is no physical address", async () => {
    bench().setMood?.("unplugged");
    expect(await bench().time.settled(bench().cec.send(GIVE_POWER_STATUS, 1_000))).toMatchObject({
      ok: false,
      error: { code: "cec.unplugged" },
    });
  });

  test("slow: an answer after the timeout counts as none, and the timeout is not exceeded", async () => {
    bench().setMood?.("slow");
    const startedMs = bench().time.clock.monotonicMs();
    const sent = await bench().time.settled(bench().cec.send(GIVE_POWER_STATUS, 100));
    expect(sent).toEqual({ ok: true, value: { acknowledged: true } });
    // The frame itself takes tens of milliseconds on the wire.
    expect(bench().time.clock.monotonicMs() - startedMs).toBeLessThan(250);
  });
}
