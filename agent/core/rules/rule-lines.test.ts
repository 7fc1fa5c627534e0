import { beforeEach, describe, expect, test } from "vitest";
import type { Gpio, GpioLevel } from "../../../platform/ports/gpio.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { SimulatedGpio } from "../../../platform/simulated/simulated-gpio.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { RuleLines } from "./rule-lines.ts";

const HALF_AN_HOUR_MS = 30 * 60_000;
const LINE = "GPIO27";

let time: VirtualTime;
let world: SimulatedWorld;
let lines: RuleLines;
let commands: Gpio;
let isBusy: boolean;
/** Time that it takes to list the lines. */
let listingMs: number;
/** Time after which an order to a busy line fails. */
let failingMs: number;
let writes: string[];

beforeEach(() => {
  time = new VirtualTime();
  const random = new SeededRandom("rule lines");
  world = new SimulatedWorld({ clock: time, timers: time, random });
  const simulated = new SimulatedGpio({ world, clock: time, timers: time });
  [isBusy, listingMs, failingMs, writes] = [false, 0, 0, []];
  const gpio: Gpio = {
    lines: async () => {
      if (listingMs > 0) await sleep(time, "test.listing", listingMs, new AbortController().signal);
      return simulated.lines();
    },
    read: (line) => simulated.read(line),
    write: async (line, level) => {
      writes.push(`${line}=${level}`);
      if (!isBusy) return simulated.write(line, level);
      if (failingMs > 0) await sleep(time, "test.failing", failingMs, new AbortController().signal);
      return fail("gpio.busy", "held by somebody");
    },
    pulse: (...all) => (isBusy ? Promise.resolve(fail("gpio.busy", "held by somebody")) : simulated.pulse(...all)),
    watch: (line, options, edge) => simulated.watch(line, options, edge),
  };
  lines = new RuleLines({ gpio, clock: time, timers: time, random, log: silentLog });
  commands = lines.forCommands(gpio);
});

const level = () => world.levelOf(LINE);
const drive = (rule: string, to: GpioLevel, { line = LINE, pulseMs, signal = new AbortController().signal }: { readonly line?: string; readonly pulseMs?: number; readonly signal?: AbortSignal } = {}) =>
  lines.drive(rule, { kind: "line", line, level: to, ...(pulseMs !== undefined && { pulseMs }) }, signal);

describe("a pulse at a line with a level that lasts", () => {
  const pulses: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["of another rule", () => drive("bell", 1, { pulseMs: 20_000 })],
    ["of a command", () => commands.pulse(LINE, 1, 20_000)],
    ["of a command by the line's offset", () => commands.pulse(27, 1, 20_000)],
  ];

  test.each(pulses)("%s does not end a level that could not be driven", async (_whose, pulse) => {
    isBusy = true;
    await time.settled(drive("door", 1));
    isBusy = false;
    const pulsed = pulse();
    await time.advance(19_000);
    expect([writes.length, lines.issue()?.code]).toEqual([1, "rules.output-lost"]);
    await time.advance(HALF_AN_HOUR_MS);
    await pulsed;
    expect([level(), lines.issue()]).toEqual([1, undefined]);
  });

  test.each(pulses)("%s that fails leaves it wanted", async (_whose, pulse) => {
    isBusy = true;
    await time.settled(drive("door", 1));
    await time.settled(pulse());
    expect(lines.issue()?.code).toBe("rules.output-lost");
    isBusy = false;
    await time.advance(HALF_AN_HOUR_MS);
    expect([level(), lines.issue()]).toEqual([1, undefined]);
  });

  test.each(pulses)("%s ends at that level", async (_whose, pulse) => {
    await time.settled(drive("door", 1));
    const pulsed = pulse();
    await time.advance(20_000);
    await pulsed;
    expect([level(), writes]).toEqual([1, [`${LINE}=1`, `${LINE}=1`]]);
  });

  test("ends at a level that cannot be driven then, as soon as it can be", async () => {
    await time.settled(drive("door", 1));
    const pulsed = drive("bell", 1, { pulseMs: 20_000 });
    await time.advance(1_000);
    isBusy = true;
    await time.advance(60_000);
    await pulsed;
    expect([level(), lines.issue()?.code]).toEqual([0, "rules.output-lost"]);
    isBusy = false;
    await time.advance(HALF_AN_HOUR_MS);
    expect([level(), lines.issue()]).toEqual([1, undefined]);
  });

  test("ends at its own resting level when the rule wants nothing any more, or a command drove the line", async () => {
    const door = new AbortController();
    await time.settled(drive("door", 1, { signal: door.signal }));
    door.abort();
    let pulsed = drive("bell", 1, { pulseMs: 20_000 });
    await time.advance(HALF_AN_HOUR_MS);
    await pulsed;
    expect(level()).toBe(0);
    await time.settled(drive("door", 1));
    await time.settled(commands.write(LINE, 0));
    pulsed = drive("bell", 1, { pulseMs: 20_000 });
    await time.advance(HALF_AN_HOUR_MS);
    await pulsed;
    expect(level()).toBe(0);
  });
});

describe("orders reach a line in the order in which they were given", () => {
  /** Another line has a level that lasts, so that lines are listed, and loses it meanwhile. */
  async function duringListing(orders: () => readonly Promise<unknown>[]): Promise<void> {
    const door = new AbortController();
    isBusy = true;
    await time.settled(drive("door", 1, { line: "GPIO22", signal: door.signal }));
    [isBusy, listingMs, writes] = [false, 500, []];
    const given = orders();
    door.abort();
    await time.advance(HALF_AN_HOUR_MS);
    await Promise.all(given);
  }

  test("a rule that fires again while the lines are listed drives only the newer level", async () => {
    const first = new AbortController();
    let older: Promise<unknown> = Promise.resolve();
    await duringListing(() => {
      older = drive("lamp", 1, { signal: first.signal });
      first.abort();
      listingMs = 0;
      return [older, drive("lamp", 0)];
    });
    expect([level(), writes]).toEqual([0, [`${LINE}=0`]]);
    expect(await older).toMatchObject({ state: "failed", error: { code: "rules.overridden" } });
  });

  test.each<[string, () => Promise<unknown>]>([["two rules", () => drive("bell", 0)], ["a rule and a command", () => commands.write(LINE, 0)]])("%s", async (_who, newer) => {
    await duringListing(() => {
      const older = drive("lamp", 1);
      // The newer order comes when nothing lasts any more, so that no line need be listed.
      const later = sleep(time, "test.later", 100, new AbortController().signal).then(newer);
      return [older, later];
    });
    expect([level(), writes]).toEqual([0, [`${LINE}=1`, `${LINE}=0`]]);
  });

  test("a level that could not be driven is not tried again when another rule has driven the line meanwhile", async () => {
    failingMs = 500;
    isBusy = true;
    const older = drive("door", 1);
    await time.advance(100);
    isBusy = false;
    const newer = drive("bell", 0);
    await time.advance(HALF_AN_HOUR_MS);
    await Promise.all([older, newer]);
    expect([level(), writes, lines.issue()]).toEqual([0, [`${LINE}=1`, `${LINE}=0`], undefined]);
  });
});
