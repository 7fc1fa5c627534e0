import type { Clock, Timers } from "../ports/clock.ts";
import type { DisplayDriver, Order, OrderJudgement, Question, Told } from "../ports/display-driver.ts";
import {
  compareDisplayValue, DISPLAY_PROPERTY_NAMES, propertyRow, statusOf,
  type DisplayProperty, type DisplayStatus, type DisplayValue, type SettableValue,
} from "../ports/display-properties.ts";
import { refusalOf, type Display, type DisplayCapabilities, type DisplayChoices, type DisplayMemory, type SettableProperties } from "../ports/display.ts";
import { failed, unknown, UNSUPPORTED, type Effect, type Reading } from "../ports/reading.ts";
import type { Issue } from "../ports/result.ts";
import { OneAtATime } from "../runtime/one-at-a-time.ts";

/** Time between two observations of a display that has not yet carried out an order. */
const POLL_MS = 400;
const CANNOT: Issue = { code: "display.unsupported", message: "this display cannot do that" };

/**
 * A display on top of a driver: sends an order, waits and observes the result, one exchange at a time. `acknowledged` comes from
 * the driver; `observed` is what the display answers when queried afterwards. The two differ on real displays, so neither
 * replaces the other.
 */
export class ObservedDisplay implements Display {
  readonly capabilities: DisplayCapabilities;
  readonly memory?: DisplayMemory;
  readonly choices?: () => DisplayChoices;
  readonly #driver: DisplayDriver;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #bus = new OneAtATime();

  constructor(driver: DisplayDriver, time: { readonly clock: Clock; readonly timers: Timers }) {
    this.#driver = driver;
    this.#clock = time.clock;
    this.#timers = time.timers;
    const { questions, orders, powerObservedBy, ownInput, memory } = driver;
    if (memory !== undefined) this.memory = memory;
    if (driver.choices !== undefined) this.choices = () => driver.choices?.() ?? {};
    const settable = Object.entries(orders).map(([name, { choices }]) => [name, choices === undefined ? {} : { choices }]);
    this.capabilities = {
      settable: Object.fromEntries(settable) as SettableProperties,
      readable: DISPLAY_PROPERTY_NAMES.filter((name) => questions.some(({ answers }) => answers.includes(name))),
      powerObservedBy,
      ...(ownInput !== undefined && { ownInput }),
    };
  }

  worstCaseMs(property?: DisplayProperty): number {
    if (property !== undefined) return this.#setWorstMs(property);
    const sets = DISPLAY_PROPERTY_NAMES.map((name) => this.#setWorstMs(name));
    return Math.max(this.#askWorstMs(DISPLAY_PROPERTY_NAMES), ...sets);
  }

  status(): Promise<DisplayStatus> {
    return this.#bus.run(() => this.#ask(DISPLAY_PROPERTY_NAMES));
  }

  set<P extends DisplayProperty>(property: P, value: SettableValue<P>): Promise<Effect<DisplayValue<P>>> {
    const order = this.#driver.orders[property];
    if (order === undefined) return Promise.resolve({ attempted: false, observed: UNSUPPORTED, error: CANNOT });
    const error = refusalOf(property, value, order.choices);
    if (error !== undefined) return Promise.resolve({ attempted: false, observed: unknown("nothing was tried"), error });
    return this.#bus.run(() => this.#tell(property, order, value));
  }

  /** Gives the order, and again in another way if the driver has one and the display did not obey. */
  async #tell<P extends DisplayProperty>(property: P, order: Order<P>, value: SettableValue<P>): Promise<Effect<DisplayValue<P>>> {
    const { otherWays } = order;
    let first: Effect<DisplayValue<P>> | undefined;
    for (let tries = 1; ; tries += 1) {
      const effect = await this.#give(property, order, value);
      const again = otherWays?.judge(judgementOf(property, value, effect)) === true;
      // After one way has failed, another has worked only if that was seen.
      if (effect.error === undefined && (first === undefined || effect.observed.kind === "ok")) return effect;
      // If no way works, the first one says most: the others are often refused because the display does not know them.
      first ??= effect;
      if (!again || tries >= otherWays.triesMax) return { ...first, observed: effect.observed };
    }
  }

  async #give<P extends DisplayProperty>(property: P, order: Order<P>, value: SettableValue<P>): Promise<Effect<DisplayValue<P>>> {
    let told: Told;
    if (order.kind === "set") told = await order.say(value);
    else {
      const now = await this.#askOne(property);
      // Steps can only be counted from a known value.
      if (now.kind !== "ok") return { attempted: false, observed: now, error: issueOf(now) };
      told = await order.step(now.value, value);
    }
    const { attempted, acknowledged, error } = told;
    const effect = { attempted, ...(acknowledged !== undefined && { acknowledged }) };
    // A display that answers no still shows what it has, which may be what is wanted.
    if (error?.code === "display.refused") return concluded(property, value, { ...effect, observed: await this.#askOne(property) }, error);
    const wasHeard = error === undefined || acknowledged === true || told.heardInPart === true;
    if (!wasHeard) return { ...effect, observed: acknowledged === undefined ? failed(error) : unknown(error.message), error };
    return concluded(property, value, { ...effect, observed: await this.#observe(property, order, value) }, error);
  }

  /** Polls until the display has the wanted value, its time is up, or it no longer answers. */
  async #observe<P extends DisplayProperty>(property: P, order: Order<P>, wanted: SettableValue<P>): Promise<Reading<DisplayValue<P>>> {
    const { changeMs } = propertyRow(property);
    const reactMs = reactMsOf(property, order);
    const startedMs = this.#clock.monotonicMs();
    for (;;) {
      const reading = await this.#askOne(property);
      if (reading.kind !== "ok") return reading;
      const comparison = compareDisplayValue(property, wanted, reading.value);
      const patienceMs = comparison === "settling" ? changeMs : reactMs;
      if (comparison === "same" || this.#clock.monotonicMs() - startedMs >= patienceMs) return reading;
      await new Promise<void>((resolve) => this.#timers.after("display.poll", POLL_MS, resolve));
    }
  }

  async #askOne<P extends DisplayProperty>(property: P): Promise<DisplayStatus[P]> {
    return (await this.#ask([property]))[property];
  }

  async #ask(properties: readonly DisplayProperty[]): Promise<DisplayStatus> {
    const status = statusOf(() => UNSUPPORTED);
    for (const question of this.#questionsFor(properties)) Object.assign(status, await question.ask());
    return status;
  }

  #questionsFor(properties: readonly DisplayProperty[]): readonly Question[] {
    return this.#driver.questions.filter(({ answers }) => answers.some((name) => properties.includes(name)));
  }

  #askWorstMs(properties: readonly DisplayProperty[]): number {
    return Math.ceil(this.#questionsFor(properties).reduce((sum, { worstCaseMs }) => sum + worstCaseMs, 0));
  }

  #setWorstMs(property: DisplayProperty): number {
    const order = this.#driver.orders[property];
    if (order === undefined) return 0;
    const waitMs = Math.max(reactMsOf(property, order), propertyRow(property).changeMs);
    // One query before the first step, one begun just before the deadline, and one after the last wait.
    return Math.ceil((order.otherWays?.triesMax ?? 1) * (order.worstCaseMs + waitMs + POLL_MS + 3 * this.#askWorstMs([property])));
  }
}

function reactMsOf(property: DisplayProperty, { reactMs }: Pick<Order, "reactMs">): number {
  return reactMs ?? propertyRow(property).reactMs;
}

function judgementOf<P extends DisplayProperty>(property: P, wanted: SettableValue<P>, { attempted, acknowledged, observed, error }: Effect<DisplayValue<P>>): OrderJudgement {
  if (error?.code === "display.refused") return "refused";
  const isTrouble = error !== undefined && error.code !== "display.not-obeyed";
  if (!attempted || isTrouble || acknowledged === false || observed.kind !== "ok") return "unclear";
  const comparison = compareDisplayValue(property, wanted, observed.value);
  return comparison === "leaving" || comparison === "different" ? "ignored" : "obeyed";
}

/** The effect of an order that was heard, in whole or in part. */
function concluded<P extends DisplayProperty>(property: P, wanted: SettableValue<P>, effect: Effect<DisplayValue<P>>, error: Issue | undefined): Effect<DisplayValue<P>> {
  const { observed } = effect;
  if (observed.kind === "unsupported") return error === undefined ? effect : { ...effect, error };
  if (observed.kind !== "ok") return { ...effect, error: error ?? issueOf(observed) };
  switch (compareDisplayValue(property, wanted, observed.value)) {
    case "same":
    case "settling":
      return effect;
    case "near":
      return error === undefined ? effect : { ...effect, error };
    case "leaving":
    case "different":
      return { ...effect, error: error ?? { code: "display.not-obeyed", message: "the display took the message and did something else" } };
  }
}

function issueOf(reading: Exclude<Reading<unknown>, { kind: "ok" }>): Issue {
  if (reading.kind === "failed") return reading.error;
  if (reading.kind === "unsupported") return CANNOT;
  return { code: "display.no-answer", message: reading.why };
}
