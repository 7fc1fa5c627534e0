import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cec, CecMessage } from "./cec.ts";
import type { BenchMood } from "./display.conformance.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface CecBench {
  readonly cec: Cec;
  readonly time: BenchTime;
  readonly setMood?: (mood: BenchMood) => void;
  close(): Promise<void>;
}

const NO_OPERANDS = new Uint8Array();
const GIVE_POWER_STATUS: CecMessage = { destination: 0, opcode: 0x8f, operands: NO_OPERANDS };
const REPORT_POWER_STATUS = 0x90;

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

    if (options.moods) moods(() => bench);
    else reportSkipped(`Cec: ${name}: deaf, slow and unplugged televisions`, "real hardware has only its own mood");
  });
}

function moods(bench: () => CecBench): void {
  test("deaf: sending succeeds without an acknowledgement, because the bus works", async () => {
    bench().setMood?.("deaf");
    expect(await bench().time.settled(bench().cec.send(GIVE_POWER_STATUS, 1_000))).toEqual({ ok: true, value: { acknowledged: false } });
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
