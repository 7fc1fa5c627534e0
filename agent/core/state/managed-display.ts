import type { Clock } from "../../../platform/ports/clock.ts";
import type { AttachedDisplay, Display } from "../../../platform/ports/display.ts";
import { statusOf, type DisplayStatus } from "../../../platform/ports/display-properties.ts";
import { failed } from "../../../platform/ports/reading.ts";
import { SharedReading, type SharedReadingDeps } from "./shared-reading.ts";

/** A display of this device, shared by all parts of the agent. */
export interface ManagedDisplay {
  readonly name: string;
  /** `display` for the first, `displays.<name>` for the others: its path in the documents, and its lane for commands and desired keys. */
  readonly path: string;
  /** Name of its driver, such as `cec`. */
  readonly driver: string;
  /** Every attempt to change it invalidates `status`. */
  readonly display: Display;
  readonly status: SharedReading<DisplayStatus>;
  /** When this device last switched its power, monotonic: now while an order is under way, `undefined` if never. */
  lastPowerOrderMs(): number | undefined;
  /** The video output it is connected to, where known. */
  readonly output?: string;
}

/** Bus operations that a reading's deadline allows for: itself and those queued before it (a command, another reading). */
const QUEUE_DEPTH = 3;

export function managedDisplays(attached: readonly AttachedDisplay[], deps: SharedReadingDeps): readonly ManagedDisplay[] {
  return attached.map(({ name, display, driver, output }, index) => {
    const status = sharedDisplayStatus(display, deps);
    const noted: PowerOrders = { clock: deps.clock, underWay: 0, endedMs: undefined };
    return {
      name,
      driver,
      path: index === 0 ? "display" : `displays.${name}`,
      display: noticedDisplay(display, () => status.invalidate(), noted),
      lastPowerOrderMs: () => (noted.underWay > 0 ? deps.clock.monotonicMs() : noted.endedMs),
      status,
      ...(output !== undefined && { output }),
    };
  });
}

/** The displays connected to an output of this device; when no output is known, the first display. */
export function onTheScreen(displays: readonly ManagedDisplay[]): readonly ManagedDisplay[] {
  const hanging = displays.filter(({ output }) => output !== undefined);
  return hanging.length > 0 ? hanging : displays.slice(0, 1);
}

/** Status reading of a display. A hung driver is reported as failed, not as absent. */
function sharedDisplayStatus(display: Display, deps: SharedReadingDeps): SharedReading<DisplayStatus> {
  const hung = failed({ code: "display.timeout", message: "the display's driver does not respond" });
  const whenHung = (): DisplayStatus => statusOf(() => hung);
  return new SharedReading(deps, { name: "display.status", read: () => display.status(), deadlineMs: display.worstCaseMs() * QUEUE_DEPTH, whenHung });
}

interface PowerOrders {
  readonly clock: Pick<Clock, "monotonicMs">;
  underWay: number;
  endedMs: number | undefined;
}

/** The same display, but `changed` is called after every attempt to change it, and orders to its power are noted. */
function noticedDisplay(display: Display, changed: () => void, noted: PowerOrders): Display {
  return {
    capabilities: display.capabilities,
    worstCaseMs: (property) => display.worstCaseMs(property),
    status: () => display.status(),
    ...(display.choices !== undefined && { choices: () => display.choices?.() ?? {} }),
    ...(display.memory !== undefined && { memory: display.memory }),
    set: async (property, value) => {
      const isPower = property === "power";
      if (isPower) noted.underWay += 1;
      try {
        return await display.set(property, value);
      } finally {
        if (isPower) {
          noted.underWay -= 1;
          noted.endedMs = noted.clock.monotonicMs();
        }
        changed();
      }
    },
  };
}
