import { fail, ok } from "../../ports/result.ts";
import type { Cec } from "../../ports/cec.ts";
import type { Outputs } from "../../ports/outputs.ts";
import type { OpenDriver } from "../drivers.ts";
import { CecDriver } from "./cec-driver.ts";

/** The HDMI inputs of a TV: their physical addresses are 1.0.0.0 to 4.0.0.0 (HDMI 1.4b, 8.7.2). */
const INPUTS: ReadonlyMap<string, number> = new Map([1, 2, 3, 4].map((port) => [`hdmi-${port}`, port << 12]));

/** A TV on the HDMI-CEC bus of the configured output, or of the first one. Code: `display.driver-unavailable`. */
export const openCec: OpenDriver = async ({ name, output }, { cec: first, cecBuses = [], outputs, clock }) => {
  const named = cecBuses.flatMap((bus) => bus.output ?? []);
  const mine = cecBuses.find((bus) => bus.output === output);
  // A driver that does not say which output it belongs to may be the one.
  const cec = output === undefined || named.length === 0 ? first : mine?.cec;
  if (cec === undefined) {
    const what = first === undefined ? "this machine has no HDMI-CEC" : `the output ${output ?? ""} has no HDMI-CEC; those with it are ${named.join(", ")}`;
    return fail("display.driver-unavailable", `${name}: ${what}`, "use another driver");
  }
  const ownInput = await inputOf(cec);
  const wire = output ?? cecBuses.find((bus) => bus.cec === cec)?.output;
  const driver = new CecDriver({ cec, clock, inputs: INPUTS, edid: () => modelOf(outputs, wire), ...(ownInput !== undefined && { ownInput }) });
  return ok({ driver, close: () => Promise.resolve(driver.close()) });
};

/** The TV's input that our cable is in, also behind a switch or an audio system. */
async function inputOf(cec: Cec): Promise<string | undefined> {
  const address = await cec.physicalAddress?.();
  return address?.ok === true ? [...INPUTS].find(([, port]) => port === (address.value & 0xf000))?.[0] : undefined;
}

/** Maker and model of the display on an output, or on the only output with one. */
async function modelOf(outputs: Pick<Outputs, "list"> | undefined, name: string | undefined): Promise<string | undefined> {
  const known = ((await outputs?.list()) ?? []).flatMap((each) => (each.edid.kind === "ok" && (name === undefined || each.name === name) ? [each.edid.value] : []));
  const [edid] = known;
  return edid === undefined || known.length > 1 ? undefined : `${edid.manufacturer}-${edid.product}`;
}
