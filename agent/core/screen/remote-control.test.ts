import { beforeEach, expect, test } from "vitest";
import type { Cec, HeardMessage } from "../../../platform/ports/cec.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail } from "../../../platform/ports/result.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { FakeSink } from "../state/testing/fakes.ts";
import { TvWatch } from "./tv-watch.ts";
import { ECHO_MS, watchRemoteControl } from "./remote-control.ts";

/** A bus on which a test says what is heard. */
class HeardBus implements Cec {
  readonly listeners = new Set<(message: HeardMessage) => void>();

  send() {
    return Promise.resolve(fail("cec.bus", "nothing is sent here"));
  }

  onMessage(heard: (message: HeardMessage) => void): () => void {
    this.listeners.add(heard);
    return () => this.listeners.delete(heard);
  }

  say(source: number, destination: number, opcode: number, ...operands: number[]): void {
    for (const heard of this.listeners) heard({ source, destination, opcode, operands: Uint8Array.from(operands) });
  }
}

let time: VirtualTime;
let bus: HeardBus;
let tv: TvWatch;
let orderedMs: number | undefined;
let chosen: unknown[][];

const watch = (holdMs = 1_000, driver = "cec"): (() => void) =>
  watchRemoteControl({
    tv, displays: [{ path: "display", driver, lastPowerOrderMs: () => orderedMs }], holdMs,
    chosen: (...choice) => chosen.push(choice), clock: time, log: silentLog,
  });

beforeEach(() => {
  time = new VirtualTime();
  bus = new HeardBus();
  tv = new TvWatch({ buses: [{ cec: bus }], displays: [], events: new FakeSink(), clock: time, timers: time, log: silentLog });
  tv.start();
  orderedMs = undefined;
  chosen = [];
});

test("a TV that announces standby, or that it is on, was switched by somebody", () => {
  watch();
  bus.say(0, 15, 0x36);
  bus.say(0, 4, 0x36);
  bus.say(0, 15, 0x90, 0);
  bus.say(0, 15, 0x90, 1);
  expect(chosen).toEqual([["display.power", "standby", 1_000], ["display.power", "standby", 1_000], ["display.power", "on", 1_000], ["display.power", "standby", 1_000]]);
});

test("another device's standby, an answer to our question and a status in between say nothing of a person", () => {
  watch();
  bus.say(4, 15, 0x36);
  bus.say(0, 4, 0x90, 0);
  bus.say(0, 15, 0x90, 2);
  bus.say(0, 15, 0x90);
  expect(chosen).toEqual([]);
});

test("what a TV announces soon after our own order is its echo", async () => {
  watch();
  orderedMs = time.monotonicMs();
  await time.advance(ECHO_MS - 1);
  bus.say(0, 15, 0x36);
  expect(chosen).toEqual([]);
  await time.advance(1);
  bus.say(0, 15, 0x36);
  expect(chosen).toHaveLength(1);
});

test("with a hold of 0 nothing is chosen, nor for a display on another wire, nor after the end", () => {
  watch(0);
  watch(1_000, "pjlink");
  watch()();
  bus.say(0, 15, 0x36);
  expect(chosen).toEqual([]);
});
