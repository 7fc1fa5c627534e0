import type { Backlight, BacklightState } from "../../ports/backlight.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DisplayDriver, Order, Orders, Question, Told } from "../../ports/display-driver.ts";
import { failed, seen, unknown, UNSUPPORTED } from "../../ports/reading.ts";
import type { Result } from "../../ports/result.ts";
import { LevelScale } from "../level-scale.ts";

export interface BacklightDriverDeps {
  readonly backlight: Backlight;
  readonly clock: Clock;
  readonly switchesPower: boolean;
}

/** Longest time the kernel gives one file; a look reads four. */
const FILE_MAX_MS = 2_000;
const LOOK_MAX_MS = 4 * FILE_MAX_MS;

/** A panel whose backlight is this machine's. */
export class BacklightDriver implements DisplayDriver {
  /** The kernel says what it told the hardware, not whether there is light. */
  readonly powerObservedBy = "output";
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly #deps: BacklightDriverDeps;
  readonly #scale = new LevelScale();

  constructor(deps: BacklightDriverDeps) {
    this.#deps = deps;
    const { backlight, switchesPower } = deps;
    const power: Order<"power"> = { kind: "set", worstCaseMs: FILE_MAX_MS, say: async (wanted) => told(await backlight.setPower(wanted === "on")) };
    this.questions = [{ answers: switchesPower ? ["power", "brightness"] : ["brightness"], worstCaseMs: LOOK_MAX_MS, ask: () => this.#ask() }];
    this.orders = {
      ...(switchesPower && { power }),
      brightness: { kind: "set", worstCaseMs: LOOK_MAX_MS + FILE_MAX_MS, say: (percent) => this.#setBrightness(percent) },
    };
  }

  async #ask(): ReturnType<Question["ask"]> {
    const { backlight, clock, switchesPower } = this.#deps;
    const looked = await backlight.look();
    if (!looked.ok) return { ...(switchesPower && { power: failed(looked.error) }), brightness: failed(looked.error) };
    const { isOn, max } = looked.value;
    const percent = this.#scale.percentOf(levelOf(looked.value), max);
    const nowMs = clock.monotonicMs();
    return {
      ...(switchesPower && { power: isOn === undefined ? UNSUPPORTED : seen(isOn ? "on" : "standby", nowMs) }),
      brightness: percent === undefined ? unknown(`the kernel's level is not within its scale, 0 to ${max}`) : seen(percent, nowMs),
    };
  }

  async #setBrightness(percent: number): Promise<Told> {
    const { backlight } = this.#deps;
    const looked = await backlight.look();
    if (!looked.ok) return { attempted: false, error: looked.error };
    return told(await backlight.setLevel(this.#scale.rawOf(percent, looked.value.max)));
  }
}

/**
 * What the hardware has; the setting where it cannot be asked, and while the panel is dark: then 0 is no brightness that anybody
 * chose, and comes to an end with the dark.
 */
function levelOf({ level, actual, isOn }: BacklightState): number {
  return actual === undefined || actual === 0 || isOn === false ? level : actual;
}

function told(set: Result<void>): Told {
  return set.ok ? { attempted: true, acknowledged: true } : { attempted: set.error.code === "backlight.failed", error: set.error };
}
