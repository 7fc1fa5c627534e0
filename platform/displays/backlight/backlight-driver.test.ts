import { describe, expect, test } from "vitest";
import type { Backlight, BacklightState } from "../../ports/backlight.ts";
import { displayConformance } from "../../ports/display.conformance.ts";
import { fail, ok, type Result } from "../../ports/result.ts";
import { virtualBenchTime } from "../../ports/testing/bench.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { ObservedDisplay } from "../observed-display.ts";
import { openBacklight } from "./open-backlight.ts";

/** Takes the place of the kernel's backlight class: the level is zero in the hardware while the power is off. */
class BacklightStandIn implements Backlight {
  level = 128;
  isOn = true;
  isIgnored = false;
  refusal: Result<never> | undefined;
  readonly max: number;

  constructor(max = 255) {
    this.max = max;
  }

  look(): Promise<Result<BacklightState>> {
    return Promise.resolve(this.refusal ?? ok({ level: this.level, actual: this.isOn ? this.level : 0, max: this.max, isOn: this.isOn }));
  }

  setLevel(level: number): Promise<Result<void>> {
    if (this.refusal === undefined && !this.isIgnored) this.level = level;
    return Promise.resolve(this.refusal ?? ok(undefined));
  }

  setPower(on: boolean): Promise<Result<void>> {
    if (this.refusal === undefined && !this.isIgnored) this.isOn = on;
    return Promise.resolve(this.refusal ?? ok(undefined));
  }
}

async function open(backlight: Backlight = new BacklightStandIn()) {
  const time = new VirtualTime();
  const opened = await openBacklight({ name: "panel", driver: "backlight" }, { clock: time, timers: time, openBacklight: () => Promise.resolve(ok(backlight)) });
  if (!opened.ok) throw new Error(opened.error.message);
  return { time, display: new ObservedDisplay(opened.value.driver, { clock: time, timers: time }) };
}

for (const max of [255, 31, 1]) {
  displayConformance(`a backlight of ${max + 1} levels, a stand-in`, async () => {
    const { time, display } = await open(new BacklightStandIn(max));
    return { display, time: virtualBenchTime(time), close: () => Promise.resolve() };
  }, { moods: false, obedient: true });
}

describe("a panel with a backlight", () => {
  test("that takes a level and does nothing is told from one that obeys", async () => {
    const backlight = new BacklightStandIn();
    const { time, display } = await open(backlight);
    backlight.isIgnored = true;
    expect(await time.settled(display.set("brightness", 10))).toMatchObject({ acknowledged: true, observed: { value: 50 }, error: { code: "display.not-obeyed" } });
  });

  test("reports the level that it will have again while it is dark", async () => {
    const { time, display } = await open();
    await time.settled(display.set("brightness", 80));
    await time.settled(display.set("power", "standby"));
    expect(await time.settled(display.status())).toMatchObject({ power: { value: "standby" }, brightness: { value: 80 } });
  });

  test("without a switch has a brightness only", async () => {
    const dim: Backlight = { look: () => Promise.resolve(ok({ level: 3, max: 7 })), setLevel: () => Promise.resolve(ok(undefined)), setPower: () => Promise.resolve(ok(undefined)) };
    const { display } = await open(dim);
    expect([Object.keys(display.capabilities.settable), await display.status()]).toMatchObject([["brightness"], { power: { kind: "unsupported" }, brightness: { value: 43 } }]);
  });

  test.each([
    ["backlight.no-access", false],
    ["display.unplugged", false],
    ["backlight.failed", true],
  ] as const)("that answers %s is reported so", async (code, attempted) => {
    const backlight = new BacklightStandIn();
    const { time, display } = await open(backlight);
    backlight.refusal = fail(code, "test");
    expect(await time.settled(display.set("power", "standby"))).toMatchObject({ attempted, observed: { kind: "failed" }, error: { code } });
    expect(await time.settled(display.set("brightness", 5))).toMatchObject({ attempted: false, error: { code } });
    expect(await display.status()).toMatchObject({ power: { kind: "failed", error: { code } }, brightness: { kind: "failed", error: { code } } });
  });

  test("on a machine that has none says so", async () => {
    const time = new VirtualTime();
    expect(await openBacklight({ name: "panel", driver: "backlight" }, { clock: time, timers: time })).toMatchObject({ ok: false, error: { code: "display.driver-unavailable" } });
  });
});
