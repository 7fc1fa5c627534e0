import { sameJson, type Json } from "../../../platform/runtime/json.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { Invariant } from "./invariant.ts";

const HOUR_MS = 3_600_000;
/**
 * Orders to one display in an hour that no command gave: a rule fires at most 30 times an hour, its schedule has few edges, and
 * drift is corrected at growing intervals.
 */
const ORDERS_PER_HOUR_MAX = 60;

/** What a schedule or a document wants of the display, without rules and hands, and until when. */
interface Base {
  readonly version: number;
  readonly wants: Json;
  readonly untilMs?: number;
}

/**
 * What a command switched stays switched: until the next document, the next edge of the schedule, `overrides.end` or another hand
 * nothing orders the display otherwise, whatever rules, schedule and drift want.
 */
export const handsAreKept: Invariant = {
  name: "hands-are-kept",
  watch({ sim, devices }, breach) {
    for (const device of devices) {
      const held: { begun?: Base; hand?: { readonly on: Json; readonly against: Base } } = {};
      sim.ledger.onCommand.add(({ device: id, name, params, state }) => {
        if (id !== device.id) return;
        if (name === "overrides.end") delete held.hand;
        if (name !== "display.power") return;
        const { begun } = held;
        if (state === "running") {
          const base = baseOf(device);
          if (base !== undefined) held.begun = base;
        } else if (state === "succeeded" && begun !== undefined) held.hand = { on: params["on"] ?? null, against: begun };
        else delete held.hand;
      });
      sim.ledger.onRemote.add((id) => {
        if (id === device.id) delete held.hand;
      });
      sim.ledger.onOrdered.add(({ device: id, name, params }) => {
        const { hand } = held;
        if (id !== device.id || name !== "display.power" || hand === undefined || sim.ledger.orders.isRunning(id, name)) return;
        if (isOver(device, hand.against)) delete held.hand;
        else if (params[0] !== hand.on) breach(`the display of ${id} was told ${JSON.stringify(params[0])}, while a command's ${JSON.stringify(hand.on)} holds`);
      });
    }
  },
};

/** Nothing oscillates: the orders to a display that no command gave are few. */
export const powerIsCalm: Invariant = {
  name: "power-is-calm",
  watch({ sim, devices }, breach) {
    for (const device of devices) {
      let orders: readonly number[] = [];
      sim.ledger.onOrdered.add(({ device: id, name }) => {
        if (id !== device.id || name !== "display.power" || sim.ledger.orders.isRunning(id, name)) return;
        const nowMs = sim.time.monotonicMs();
        orders = [...orders.filter((atMs) => nowMs - atMs < HOUR_MS), nowMs];
        if (orders.length > ORDERS_PER_HOUR_MAX) breach(`the display of ${id} was switched ${orders.length} times in an hour`);
      });
    }
  },
};

function baseOf({ agent }: SimulatedDevice): Base | undefined {
  if (agent === undefined) return undefined;
  const { desired, schedule } = agent.parts;
  const document = desired.document();
  const wish = document?.display?.power;
  const version = desired.version();
  if (wish !== "schedule" || document?.schedule === undefined) return { version, wants: wish ?? null };
  const says = schedule.says(document.schedule);
  return { version, wants: says.kind, ...("nextMs" in says && says.nextMs !== undefined && { untilMs: says.nextMs }) };
}

function isOver(device: SimulatedDevice, against: Base): boolean {
  const now = baseOf(device);
  if (now === undefined || now.version !== against.version || !sameJson(now.wants, against.wants)) return true;
  return against.untilMs !== undefined && device.clock.wallMs() >= against.untilMs;
}
