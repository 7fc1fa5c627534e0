import { describe, expect, test } from "vitest";
import type { Cec, CecMessage, CecReply, HeardMessage } from "../../ports/cec.ts";
import { ok } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { ObservedDisplay } from "../observed-display.ts";
import { CecDriver } from "./cec-driver.ts";
import { OPCODE } from "./opcodes.ts";

type Answer = "nothing" | "refuses" | readonly number[];

/**
 * A TV that shows its old power state for 8 s after an order, as real ones do, obeys only the messages in `obeys`, and
 * refuses those in `refuses`. With an audio system, volume and mute are there.
 */
function open({ obeys, refuses = [], hasAudioSystem = false, edid }: { obeys: readonly string[]; refuses?: readonly string[]; hasAudioSystem?: boolean; edid?: string }) {
  const time = new VirtualTime();
  const state = { power: 0, volume: 20, mute: false, input: 0x1000, systemAudio: hasAudioSystem };
  const sent: string[] = [];
  const listeners = new Set<(message: HeardMessage) => void>();
  const hear = (message: HeardMessage): void => {
    for (const listener of listeners) listener(message);
  };
  const nameOf = ({ destination, opcode, operands: [first] }: CecMessage): string =>
    opcode === OPCODE.userControlPressed ? `${destination}:key-${(first ?? 0).toString(16)}` : `${destination}:${(opcode ?? 0).toString(16)}`;
  const speaker = hasAudioSystem ? 5 : 0;
  const act = (name: string, operands: Uint8Array): void => {
    const later = (change: () => void): void => void time.after("tv", 8_000, change);
    const acts: Readonly<Record<string, () => void>> = {
      "0:4": () => later(() => (state.power = 0)), "0:d": () => later(() => (state.power = 0)), "0:key-6d": () => later(() => (state.power = 0)),
      "0:36": () => later(() => (state.power = 1)), "0:key-6c": () => later(() => (state.power = 1)),
      "15:82": () => (state.input = ((operands[0] ?? 0) << 8) | (operands[1] ?? 0)), "15:86": () => (state.input = ((operands[0] ?? 0) << 8) | (operands[1] ?? 0)),
      [`${speaker}:73`]: () => (state.volume = operands[0] ?? 0),
      [`${speaker}:key-41`]: () => (state.volume += 1), [`${speaker}:key-42`]: () => (state.volume -= 1),
      [`${speaker}:key-43`]: () => (state.mute = !state.mute), [`${speaker}:key-65`]: () => (state.mute = true), [`${speaker}:key-66`]: () => (state.mute = false),
    };
    acts[name]?.();
  };
  const hasPowerStatus = !refuses.includes("0:8f");
  const answerTo = ({ destination, opcode }: CecMessage, name: string): Answer => {
    if (opcode === OPCODE.giveDevicePowerStatus && hasPowerStatus) return [OPCODE.reportPowerStatus, state.power];
    if (opcode === OPCODE.giveAudioStatus && destination === speaker) return [OPCODE.reportAudioStatus, state.volume | (state.mute ? 0x80 : 0)];
    if (opcode === OPCODE.giveSystemAudioModeStatus) return [OPCODE.systemAudioModeStatus, state.systemAudio ? 1 : 0];
    if (opcode === OPCODE.requestActiveSource) return state.input === 0x1000 ? "nothing" : [OPCODE.activeSource, state.input >> 8, state.input & 0xff];
    if (opcode === OPCODE.giveDeviceVendorId) return [OPCODE.deviceVendorId, 0x00, 0x00, 0xf0];
    return refuses.includes(name) ? "refuses" : "nothing";
  };
  const cec: Cec = {
    send: (message, waitMs) => {
      const name = nameOf(message);
      const isQuestion = [OPCODE.giveDevicePowerStatus, OPCODE.giveAudioStatus, OPCODE.giveSystemAudioModeStatus, OPCODE.requestActiveSource, OPCODE.giveDeviceVendorId, OPCODE.userControlReleased].includes(message.opcode as 0x8f);
      if (!isQuestion) sent.push(name);
      if (message.destination === 5 && !hasAudioSystem) return Promise.resolve(ok({ acknowledged: false }));
      const answer = answerTo(message, name);
      if (answer === "refuses") {
        const refusal = { opcode: OPCODE.featureAbort, operands: Uint8Array.of(message.opcode ?? 0, 4) };
        if (waitMs === 0) hear({ source: message.destination, destination: 4, ...refusal });
        return Promise.resolve(ok(waitMs === 0 ? { acknowledged: true } : { acknowledged: true, reply: refusal }));
      }
      if (obeys.includes(name)) act(name, message.operands);
      const [opcode, ...operands] = answer === "nothing" ? [] : answer;
      const reply: CecReply = { acknowledged: true, ...(opcode !== undefined && { reply: { opcode, operands: Uint8Array.from(operands) } }) };
      return Promise.resolve(ok(reply));
    },
    onMessage: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const driver = new CecDriver({ cec, clock: time, inputs: new Map([["hdmi-1", 0x1000], ["hdmi-2", 0x2000], ["hdmi-3", 0x3000]]), ownInput: "hdmi-1", edid: () => Promise.resolve(edid) });
  const display = new ObservedDisplay(driver, { clock: time, timers: time });
  const set: typeof display.set = (property, value) => time.settled(display.set(property, value));
  return { time, state, sent, display, set, driver, listeners, hear: (opcode: number, ...operands: number[]) => hear({ source: 0, destination: 15, opcode, operands: Uint8Array.from(operands) }) };
}

describe("a method of switching a TV", () => {
  test("that works is kept, and the old state in the first 8 s is no refusal", async () => {
    const tv = open({ obeys: ["0:4", "0:36"] });
    expect(await tv.set("power", "standby")).toMatchObject({ observed: { value: "standby" } });
    expect(await tv.set("power", "on")).toMatchObject({ observed: { value: "on" } });
    expect([tv.sent, tv.driver.memory.known()]).toEqual([["0:36", "0:4"], { "power-off": "standby", "power-on": "image-view-on" }]);
  });

  test("that is ignored for the full time is followed by the next one, which is used at once from then on", async () => {
    const tv = open({ obeys: ["0:d", "0:key-6c"] });
    tv.state.power = 1;
    const effect = await tv.set("power", "on");
    expect(effect).toMatchObject({ observed: { value: "on" } });
    expect(effect.error).toBeUndefined();
    await tv.set("power", "standby");
    expect(tv.sent).toEqual(["0:4", "0:d", "0:36", "0:key-6c"]);
    tv.sent.length = 0;
    await tv.set("power", "on");
    await tv.set("power", "standby");
    expect([tv.sent, tv.driver.memory.known()]).toEqual([["0:d", "0:key-6c"], { "power-on": "text-view-on", "power-off": "power-off-key" }]);
  });

  test("that is refused is followed at once by the next one", async () => {
    const tv = open({ obeys: ["0:d"], refuses: ["0:4"] });
    tv.state.power = 1;
    const startedMs = tv.time.monotonicMs();
    expect(await tv.set("power", "on")).toMatchObject({ acknowledged: true, observed: { value: "on" } });
    expect(tv.time.monotonicMs() - startedMs).toBeLessThan(9_000);
  });

  test("that is refused stays refused when the next one has no effect that can be seen", async () => {
    const tv = open({ obeys: ["0:key-6c"], refuses: ["0:36", "0:8f"] });
    expect(await tv.set("power", "standby")).toMatchObject({ acknowledged: false, observed: { kind: "unsupported" }, error: { code: "display.refused" } });
    expect([tv.sent, tv.driver.memory.known()]).toEqual([["0:36", "0:key-6c"], {}]);
  });

  test("that is not reached in one call is tried by the next one", async () => {
    const tv = open({ obeys: ["0:key-6d"] });
    tv.state.power = 1;
    const first = await tv.set("power", "on");
    expect(first).toMatchObject({ acknowledged: true, observed: { value: "standby" }, error: { code: "display.not-obeyed" } });
    expect(await tv.set("power", "on")).toMatchObject({ observed: { value: "on" } });
    expect(tv.driver.memory.known()).toEqual({ "power-on": "power-on-key" });
  });

  test("is not believed to work when the TV had the state already", async () => {
    const tv = open({ obeys: [] });
    expect((await tv.set("power", "on")).error).toBeUndefined();
    expect(tv.driver.memory.known()).toEqual({});
  });

  test("is kept apart for TVs of another make, by the EDID or else the vendor's number on the bus", async () => {
    const byEdid = open({ obeys: ["0:36"], edid: "SAM-1" });
    await byEdid.set("power", "standby");
    const byVendor = open({ obeys: ["0:36"] });
    await byVendor.set("power", "standby");
    const tvs = (driver: CecDriver): string[] => {
      const documents: object[] = [];
      driver.memory.onChange((document) => documents.push(document["tvs"] as object));
      driver.memory.judge("input", "stream-path", "obeyed");
      return documents.flatMap((each) => Object.keys(each));
    };
    expect([tvs(byEdid.driver), tvs(byVendor.driver)]).toEqual([["SAM-1"], ["vendor 0000f0"]]);
  });
});

describe("volume and mute", () => {
  test("go to the audio system while the TV's sound comes from it, and to the TV when that ends", async () => {
    const tv = open({ obeys: ["5:key-41", "5:key-65"], hasAudioSystem: true });
    expect((await tv.set("volume", 22)).observed).toMatchObject({ value: 22 });
    expect((await tv.set("mute", true)).observed).toMatchObject({ value: true });
    expect(tv.sent).toEqual(["5:key-41", "5:key-41", "5:key-65"]);
    tv.state.systemAudio = false;
    tv.hear(OPCODE.setSystemAudioMode, 0);
    expect((await tv.time.settled(tv.display.status())).volume.kind).toBe("unknown");
  });

  test("are set by a level where keys have no effect, and muted by the plain key where the others have none", async () => {
    const tv = open({ obeys: ["0:73", "0:key-43"] });
    expect(await tv.set("volume", 24)).toMatchObject({ observed: { value: 24 } });
    expect(await tv.set("mute", true)).toMatchObject({ observed: { value: true } });
    tv.sent.length = 0;
    await tv.set("volume", 30);
    await tv.set("mute", false);
    expect([tv.sent, tv.state]).toMatchObject([["0:73", "0:key-43"], { volume: 30, mute: false }]);
  });

  test("a key that is refused is not pressed again and again", async () => {
    const tv = open({ obeys: [], refuses: ["0:key-41", "0:73"] });
    expect(await tv.set("volume", 40)).toMatchObject({ acknowledged: false, observed: { value: 20 }, error: { code: "display.refused" } });
    expect(tv.sent).toEqual(["0:key-41", "0:73"]);
  });
});

describe("the input", () => {
  test("is ours when nobody else answers and we were the last to say so", async () => {
    const tv = open({ obeys: ["15:82"] });
    expect((await tv.time.settled(tv.display.status())).input.kind).toBe("unknown");
    expect(await tv.set("input", "hdmi-1")).toMatchObject({ observed: { value: "hdmi-1" } });
    tv.hear(OPCODE.routingChange, 0x10, 0x00, 0x20, 0x00);
    expect((await tv.time.settled(tv.display.status())).input.kind).toBe("unknown");
  });

  test("is chosen by a stream path where Active Source has no effect", async () => {
    const tv = open({ obeys: ["15:86"] });
    tv.state.input = 0x3000;
    expect(await tv.set("input", "hdmi-2")).toMatchObject({ observed: { value: "hdmi-2" } });
    expect([tv.sent, tv.driver.memory.known()]).toEqual([["15:82", "15:86"], { input: "stream-path" }]);
  });
});

test("a closed driver no longer listens", () => {
  const tv = open({ obeys: [] });
  expect(tv.listeners.size).toBeGreaterThan(0);
  tv.driver.close();
  expect(tv.listeners.size).toBe(0);
});
