import { describe, expect, test } from "vitest";
import type { Cec, CecMessage, CecReply } from "../../ports/cec.ts";
import type { Result } from "../../ports/result.ts";
import { fail, ok } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { CecDisplay } from "./cec-display.ts";
import { frameMs, OPCODE } from "./opcodes.ts";

/** A display on a bus that answers as told; no wire for brightness or orientation, as on most televisions. */
function open(answer: (message: CecMessage) => Result<CecReply>) {
  const time = new VirtualTime();
  const sent: CecMessage[] = [];
  const cec: Cec = { send: (message) => (sent.push(message), Promise.resolve(answer(message))) };
  const display = new CecDisplay({ cec, clock: time, timers: time, inputs: new Map([["hdmi-1", 0x1000]]) });
  return { time, sent, display };
}

function heard(opcode: number, ...operands: number[]): Result<CecReply> {
  return ok({ acknowledged: true, reply: { opcode, operands: Uint8Array.from(operands) } });
}

describe("CEC display", () => {
  test("what CEC has no message for is unsupported and sends nothing", async () => {
    const { display, sent } = open(() => ok({ acknowledged: true }));
    expect(display.capabilities).toMatchObject({ brightness: false, orientations: [] });
    for (const effect of [await display.setBrightness(50), await display.setOrientation(90)]) {
      expect(effect).toMatchObject({ attempted: false, observed: { kind: "unsupported" }, error: { code: "display.unsupported" } });
    }
    expect(sent).toEqual([]);
  });

  test("a TV that aborts a question does not know it: unsupported, not unknown", async () => {
    const { display } = open(({ opcode = 0 }) => heard(OPCODE.featureAbort, opcode, 0));
    const status = await display.status();
    expect([status.power, status.input, status.volume, status.mute]).toEqual(Array.from({ length: 4 }, () => ({ kind: "unsupported" })));
    const effect = await display.setVolume(20);
    expect(effect).toMatchObject({ attempted: false, observed: { kind: "unsupported" }, error: { code: "display.unsupported" } });
  });

  test.each<[string, Result<CecReply>]>([
    ["an answer to something else", heard(0x46, 1, 2, 3)],
    ["a power state there is not", heard(OPCODE.reportPowerStatus, 9)],
    ["an empty answer", heard(OPCODE.reportPowerStatus)],
    ["no answer", ok({ acknowledged: true })],
  ])("%s is unknown, never a guess", async (_what, reply) => {
    expect((await open(() => reply).display.status()).power.kind).toBe("unknown");
  });

  test("a TV that does not know its own volume says 0x7f, which is not 127 percent", async () => {
    const { display } = open(() => heard(OPCODE.reportAudioStatus, 0x7f));
    expect((await display.status()).volume).toMatchObject({ kind: "unknown" });
  });

  test("an active source that is none of our inputs is unknown", async () => {
    const { display } = open(() => heard(OPCODE.activeSource, 0x31, 0x00));
    expect((await display.status()).input).toMatchObject({ kind: "unknown" });
  });

  test("after a line error the frame may have been heard; with no adapter nothing left us", async () => {
    const turnOn = (code: string) => open(() => fail(code, "test")).display.setPower(true);
    expect(await turnOn("cec.bus")).toMatchObject({ attempted: true, error: { code: "cec.bus" } });
    expect(await turnOn("cec.no-adapter")).toMatchObject({ attempted: false, error: { code: "cec.no-adapter" } });
  });

  test("mute says what it means instead of toggling", async () => {
    const muted = heard(OPCODE.reportAudioStatus, 0x80 | 20);
    const { display, sent } = open(({ opcode }) => (opcode === OPCODE.giveAudioStatus ? muted : ok({ acknowledged: true })));
    expect(await display.setMute(true)).toMatchObject({ acknowledged: true, observed: { kind: "ok", value: true } });
    expect(sent.find((message) => message.opcode === OPCODE.userControlPressed)?.operands).toEqual(Uint8Array.of(0x65));
  });

  test("a frame takes the wire's time: 10 bits of 2.4 ms a byte after the start bit", () => {
    expect([frameMs(0), frameMs(1), frameMs(2)]).toEqual([28.5, 52.5, 76.5]);
  });
});
