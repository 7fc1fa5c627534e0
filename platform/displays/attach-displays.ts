import type { AttachedDisplay, Display } from "../ports/display.ts";
import { parseDisplays, type DisplayAttachment } from "../ports/display-config.ts";
import { DISPLAY_PROPERTY_NAMES, statusOf } from "../ports/display-properties.ts";
import { failed } from "../ports/reading.ts";
import { fail, messageOf, ok, type Issue, type Result } from "../ports/result.ts";
import { composedDriver } from "./composed-driver.ts";
import type { DriverMachine, DriverTable, OpenDriver, OpenedDriver } from "./drivers.ts";
import { ObservedDisplay } from "./observed-display.ts";

export interface AttachingMachine extends DriverMachine {
  readonly drivers: DriverTable;
}

export interface AttachedDisplays {
  /** In the order of the configuration. */
  readonly displays: readonly AttachedDisplay[];
  /** One for every display that is refused or omitted. */
  readonly issues: readonly Issue[];
  readonly close: () => Promise<void>;
}

/**
 * Opens the displays of the configuration key `displays`. A refused display keeps its name and place, accepts no
 * orders, and answers every query with its issue; the others work. Codes besides those of `parseDisplays`:
 * `display.unknown-driver`, `display.no-such-output`, `display.driver-failed`, or the driver's own.
 */
export async function attachDisplays(text: string, machine: AttachingMachine): Promise<AttachedDisplays> {
  const { displays: configured, issues } = parseDisplays(text);
  const outputs = (await machine.outputs?.list())?.map(({ name }) => name);
  const opened = await Promise.all(
    configured.map(async ({ name, attachment }) => {
      if (!attachment.ok) return { attachment: { name, driver: "none" }, driver: attachment };
      return { attachment: attachment.value, driver: await open(attachment.value, outputs, machine) };
    }),
  );
  return {
    displays: opened.map(({ attachment, driver }) => ({ ...attachment, display: driver.ok ? new ObservedDisplay(driver.value.driver, machine) : refusedDisplay(driver.error, machine) })),
    issues: [...opened.flatMap(({ driver }) => (driver.ok ? [] : [driver.error])), ...issues],
    close: async () => {
      for (const { driver } of opened) if (driver.ok) await driver.value.close?.();
    },
  };
}

async function open(attachment: DisplayAttachment, outputs: readonly string[] | undefined, machine: AttachingMachine): Promise<Result<OpenedDriver>> {
  const { name, driver, output } = attachment;
  const names = driver.split("+");
  const unknown = names.find((each, index) => !Object.hasOwn(machine.drivers, each) || names.indexOf(each) !== index);
  if (unknown !== undefined) return fail("display.unknown-driver", `${name}: there is no display driver ${unknown.slice(0, 60)}, or it is named twice`, `one of ${Object.keys(machine.drivers).join(", ")}, or several joined by +`);
  if (output !== undefined && outputs?.includes(output) === false) {
    return fail("display.no-such-output", `${name}: this machine has no output ${output.slice(0, 60)}`, outputs.length === 0 ? "it has none" : `one of ${outputs.join(", ")}`);
  }
  const opened: OpenedDriver[] = [];
  for (const each of names) {
    const one = await openOne(each, attachment, machine);
    if (one.ok) {
      opened.push(one.value);
      continue;
    }
    for (const before of opened) await before.close?.();
    return one;
  }
  const [first, ...others] = opened;
  if (first === undefined || others.length === 0) return first === undefined ? fail("display.unknown-driver", `${name} has no driver`) : ok(first);
  const close = async (): Promise<void> => {
    for (const each of opened) await each.close?.();
  };
  return ok({ driver: composedDriver(first.driver, ...others.map((each) => each.driver)), close });
}

async function openOne(driver: string, attachment: DisplayAttachment, machine: AttachingMachine): Promise<Result<OpenedDriver>> {
  try {
    const load = machine.drivers[driver] as () => Promise<OpenDriver>;
    return await (await load())(attachment, machine);
  } catch (thrown) {
    // A bug of one driver must not keep the agent from starting.
    return fail("display.driver-failed", `${attachment.name}: the driver ${driver} cannot be opened: ${messageOf(thrown)}`);
  }
}

function refusedDisplay(issue: Issue, machine: DriverMachine): Display {
  const question = { answers: DISPLAY_PROPERTY_NAMES, worstCaseMs: 0, ask: () => Promise.resolve(statusOf(() => failed(issue))) };
  return new ObservedDisplay({ questions: [question], orders: {}, powerObservedBy: "nothing" }, machine);
}
