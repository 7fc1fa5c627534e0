import type { Clock } from "../../ports/clock.ts";
import type { DisplayDriver, Order, Orders, Question, Told } from "../../ports/display-driver.ts";
import type { DisplayValue } from "../../ports/display-properties.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../../ports/reading.ts";
import type { Issue, Result } from "../../ports/result.ts";
import type { FeatureReply } from "./codec.ts";
import { LevelScale } from "../level-scale.ts";
import { EXCHANGE_MAX_MS, type DdcCiLink } from "./ddc-ci-link.ts";
import { FEATURE, inputName, MUTE, POWER, POWER_ON, STANDBY_MODES, USUAL_INPUTS } from "./features.ts";

export interface DdcCiDriverDeps {
  readonly link: DdcCiLink;
  readonly clock: Clock;
  /** What the display lists that it can do; absent if it could not be asked. */
  readonly listed?: ReadonlyMap<number, readonly number[]>;
  /** Whether its power may be switched. */
  readonly switchesPower: boolean;
}

type FeatureProperty = keyof typeof FEATURE;
interface Level {
  readonly value: number;
  readonly max: number;
}

/** Longest time of an order that asks before it sets. */
const ORDER_MAX_MS = 2 * EXCHANGE_MAX_MS;

/**
 * A monitor on DDC/CI. What it can do shows when it is asked, because the lists that displays give are not to be trusted: what
 * it says it does not have is `unsupported`.
 */
export class DdcCiDriver implements DisplayDriver {
  readonly powerObservedBy = "panel";
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly #deps: DdcCiDriverDeps;
  readonly #scales = { brightness: new LevelScale(), volume: new LevelScale() };

  constructor(deps: DdcCiDriverDeps) {
    this.#deps = deps;
    const { listed, switchesPower } = deps;
    const inputs = inputsOf(listed?.get(FEATURE.input) ?? []);
    const standby = STANDBY_MODES.find((mode) => listed?.get(FEATURE.power)?.includes(mode)) ?? STANDBY_MODES[0];
    this.questions = [
      this.#question("power", ({ value }) => POWER[value & 0xff]),
      this.#question("input", ({ value }) => ((value & 0xff) === 0 ? undefined : inputName(value & 0xff))),
      // Displays that lie about having a level give it no end.
      this.#question("brightness", ({ value, max }) => this.#scales.brightness.percentOf(value, max)),
      this.#question("volume", ({ value, max }) => this.#scales.volume.percentOf(value, max)),
      this.#question("mute", ({ value }) => (value === MUTE.on ? true : value === MUTE.off ? false : undefined)),
    ];
    // Without asking first: a display in standby may hear and not answer.
    const power: Order<"power"> = { kind: "set", worstCaseMs: EXCHANGE_MAX_MS, say: async (wanted) => told(await deps.link.set(FEATURE.power, wanted === "on" ? POWER_ON : standby)) };
    this.orders = {
      ...(switchesPower && { power }),
      input: { kind: "set", worstCaseMs: ORDER_MAX_MS, choices: [...inputs.keys()], say: (name) => this.#set("input", () => inputs.get(name) ?? 0) },
      brightness: { kind: "set", worstCaseMs: ORDER_MAX_MS, say: (percent) => this.#set("brightness", ({ max }) => this.#scales.brightness.rawOf(percent, max)) },
      volume: { kind: "set", worstCaseMs: ORDER_MAX_MS, say: (percent) => this.#set("volume", ({ max }) => this.#scales.volume.rawOf(percent, max)) },
      mute: { kind: "set", worstCaseMs: ORDER_MAX_MS, say: (mute) => this.#set("mute", () => (mute ? MUTE.on : MUTE.off)) },
    };
  }

  /** `decode` returns `undefined` for a value that the standard does not define. */
  #question<P extends FeatureProperty>(property: P, decode: (level: Level) => DisplayValue<P> | undefined): Question {
    return { answers: [property], worstCaseMs: EXCHANGE_MAX_MS, ask: async () => ({ [property]: this.#reading(await this.#deps.link.get(FEATURE[property]), decode) }) };
  }

  #reading<T>(asked: Result<FeatureReply>, decode: (level: Level) => T | undefined): Reading<T> {
    if (!asked.ok) return asked.error.code === "display.no-answer" ? unknown(asked.error.message) : failed(asked.error);
    if (asked.value.kind === "unsupported") return UNSUPPORTED;
    const value = decode(asked.value);
    return value === undefined ? unknown("the display's answer makes no sense") : seen(value, this.#deps.clock.monotonicMs());
  }

  /** Asks first: a display acknowledges orders for what it does not have, and only it knows the end of its scale. */
  async #set(property: FeatureProperty, rawValue: (now: Level) => number): Promise<Told> {
    const { link } = this.#deps;
    const asked = await link.get(FEATURE[property]);
    if (!asked.ok) return told(asked, false);
    if (asked.value.kind === "unsupported") return { attempted: false, error: { code: "display.unsupported", message: `the display says that it has no ${property}` } };
    return told(await link.set(FEATURE[property], rawValue(asked.value)));
  }
}

/** Delivery of an order; `attempted`: whether one that nobody acknowledged was sent. */
function told(sent: Result<unknown>, attempted = true): Told {
  if (sent.ok) return { attempted: true, acknowledged: true };
  const { error } = sent;
  if (error.code === "display.no-answer") return { attempted, acknowledged: false, error };
  return { attempted: attempted && mayHaveBeenHeard(error), error };
}

function mayHaveBeenHeard({ code }: Issue): boolean {
  return code === "ddc.bus";
}

function inputsOf(listed: readonly number[]): ReadonlyMap<string, number> {
  const values = listed.filter((value) => value !== 0);
  return new Map((values.length === 0 ? USUAL_INPUTS : values).map((value) => [inputName(value), value]));
}
