import { describe, expect, test } from "vitest";
import type { Cec, CecMessage, CecReply } from "../../ports/cec.ts";
import type { Result } from "../../ports/result.ts";
import { fail, ok } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { ObservedDisplay } from "../observed-display.ts";
import { CecDriver } from "./cec-driver.ts";
import { frameMs, OPCODE, USER_CONTROL } from "./opcodes.ts";
import type { Code } from "../../ports/codes.ts";

/** A display on a scripted bus, without a wire for brightness or orientation, like most televisions. */
function open(answer: (message: CecMessage) => Result<CecReply>) {
  const time = new VirtualTime();
  const sent: CecMessage[] = [];
  const cec: Cec = { send: (message) => (sent.push(message), Promise.resolve(answer(message))) };
  const display = new ObservedDisplay(new CecDriver({ cec, clock: time, inputs: new Map([["hdmi-1", 0x1000]]) }), { clock: time, timers: time });
  return { time, sent, display };
}

function heard(opcode: number, ...operands: number[]): Result<CecReply> {
  return ok({ acknowledged: true, reply: { opcode, operands: Uint8Array.from(operands) } });
}

describe("a display over HDMI-CEC", () => {
  test("does not support what CEC has no message for, and sends nothing then", async () => {
    const { display, sent } = open(() => ok({ acknowledged: true }));
    expect(display.capabilities).toMatchObject({ readable: ["power", "input", "volume", "mute"] });
    for (const effect of [await display.set("brightness", 50), await display.set("orientation", 90)]) {
      expect(effect).toMatchObject({ attempted: false, observed: { kind: "unsupported" }, error: { code: "display.unsupported" } });
    }
    expect(sent).toEqual([]);
  });

  test("does not support a question that the TV aborts", async () => {
    const { display } = open(({ opcode = 0 }) => heard(OPCODE.featureAbort, opcode, 0));
    const status = await display.status();
    expect([status.power, status.input, status.volume, status.mute]).toEqual(Array.from({ length: 4 }, () => ({ kind: "unsupported" })));
    const effect = await display.set("volume", 20);
    expect(effect).toMatchObject({ attempted: false, observed: { kind: "unsupported" }, error: { code: "display.unsupported" } });
  });

  test.each<[string, Result<CecReply>]>([
    ["an answer to something else", heard(0x46, 1, 2, 3)],
    ["a power state there is not", heard(OPCODE.reportPowerStatus, 9)],
    ["an empty answer", heard(OPCODE.reportPowerStatus)],
    ["no answer", ok({ acknowledged: true })],
  ])("reports %s as unknown instead of guessing", async (_what, reply) => {
    expect((await open(() => reply).display.status()).power.kind).toBe("unknown");
  });

  test("reports a volume of 0x7f, which means unknown, not as 127 percent", async () => {
    const { display } = open(() => heard(OPCODE.reportAudioStatus, 0x7f));
    expect((await display.status()).volume).toMatchObject({ kind: "unknown" });
  });

  test("reports an active source that is not one of our inputs as unknown", async () => {
    const { display } = open(() => heard(OPCODE.activeSource, 0x31, 0x00));
    expect((await display.status()).input).toMatchObject({ kind: "unknown" });
  });

  test("may have heard a frame with a line error; without an adapter nothing was sent", async () => {
    const turnOn = (code: Code) => open(() => fail(code, "test")).display.set("power", "on");
    expect(await turnOn("cec.bus")).toMatchObject({ attempted: true, error: { code: "cec.bus" } });
    expect(await turnOn("cec.unplugged")).toMatchObject({ attempted: false, error: { code: "cec.unplugged" } });
  });

  describe("an order of several frames that is partly heard", () => {
    /** A TV at volume 20 whose keys work. The bus gives `trouble` for the chosen frame. */
    function withTrouble(trouble: (message: CecMessage, keys: number) => Result<CecReply> | undefined) {
      let [volume, muted, keys] = [20, false, 0];
      return open((message) => {
        if (message.opcode === OPCODE.userControlPressed) keys += 1;
        const wrong = trouble(message, keys);
        if (wrong !== undefined) return wrong;
        if (message.opcode === OPCODE.giveAudioStatus) return heard(OPCODE.reportAudioStatus, volume | (muted ? 0x80 : 0));
        if (message.opcode === OPCODE.userControlPressed) {
          if (message.operands[0] === USER_CONTROL.volumeUp) volume += 1;
          muted ||= message.operands[0] === USER_CONTROL.muteFunction;
        }
        return ok({ acknowledged: true });
      });
    }
    const failing = (code: Code) => fail(code, "test");
    const unheard = ok({ acknowledged: false });

    test.each([
      ["a line error", failing("cec.bus")],
      ["no adapter", failing("cec.unplugged")],
      ["no acknowledgement", unheard],
    ] as const)("a key that was heard was attempted and acknowledged, although its release met %s", async (_what, wrong) => {
      const { display, time } = withTrouble(({ opcode }) => (opcode === OPCODE.userControlReleased ? wrong : undefined));
      expect(await time.settled(display.set("mute", true))).toEqual({ attempted: true, acknowledged: true, observed: expect.objectContaining({ kind: "ok", value: true }) as unknown });
      const volume = await time.settled(display.set("volume", 23));
      expect(volume).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "ok", value: 21 } });
      expect(volume.error?.message).toMatch(/^1 of 3 keys were heard: the key was heard, and its release was not/);
    });

    test.each([
      ["a line error", failing("cec.bus"), undefined],
      ["no adapter", failing("cec.unplugged"), undefined],
      ["no acknowledgement", unheard, false],
    ] as const)("keys before the one that met %s count, and what came of them is observed", async (_what, wrong, acknowledged) => {
      const { display, time } = withTrouble(({ opcode }, keys) => (opcode === OPCODE.userControlPressed && keys === 3 ? wrong : undefined));
      const effect = await time.settled(display.set("volume", 25));
      expect(effect).toMatchObject({ attempted: true, observed: { kind: "ok", value: 22 } });
      expect([effect.acknowledged, effect.error?.message]).toEqual([acknowledged, expect.stringMatching(/^2 of 5 keys were heard: /) as unknown]);
    });

    test("was not attempted if the first key was not sent, but may have been heard after a line error", async () => {
      const first = (code: Code) => withTrouble(({ opcode }) => (opcode === OPCODE.userControlPressed ? failing(code) : undefined)).display.set("volume", 23);
      expect(await first("cec.unplugged")).toMatchObject({ attempted: false, error: { code: "cec.unplugged" } });
      expect(await first("cec.bus")).toMatchObject({ attempted: true, error: { code: "cec.bus" } });
    });

    test("was not acknowledged if no key was needed", async () => {
      const effect = await withTrouble(() => undefined).display.set("volume", 20);
      expect(effect).toEqual({ attempted: true, observed: expect.objectContaining({ value: 20 }) as unknown });
    });
  });

  test("mute sends the wanted state instead of toggling", async () => {
    const muted = heard(OPCODE.reportAudioStatus, 0x80 | 20);
    const { display, sent } = open(({ opcode }) => (opcode === OPCODE.giveAudioStatus ? muted : ok({ acknowledged: true })));
    expect(await display.set("mute", true)).toMatchObject({ acknowledged: true, observed: { kind: "ok", value: true } });
    expect(sent.find((message) => message.opcode === OPCODE.userControlPressed)?.operands).toEqual(Uint8Array.of(0x65));
  });

  test("a frame takes its time on the wire: a start bit and 10 bits of 2.4 ms per byte", () => {
    expect([frameMs(0), frameMs(1), frameMs(2)]).toEqual([28.5, 52.5, 76.5]);
  });
});
