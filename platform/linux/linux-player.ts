import { join } from "node:path";
import { attachDisplays } from "../displays/attach-displays.ts";
import { DISPLAY_DRIVERS } from "../displays/drivers.ts";
import type { PlatformAdapter } from "../ports/platform-adapter.ts";
import { openCecAdapters } from "./cec/open-cec-adapters.ts";
import { openGpio, type OpenGpioOptions } from "./gpio/open-gpio.ts";
import { createLinuxAdapter, type LinuxAdapterDeps } from "./linux-adapter.ts";

export interface LinuxPlayerDeps extends LinuxAdapterDeps {
  /** The chip with the lines for relays, buttons and sensors. Absent: the machine has none, or none is wanted. */
  readonly gpio?: Pick<OpenGpioOptions, "labels" | "neverBlocks" | "lines" | "configured">;
  /** Use HDMI-CEC where the machine has it. */
  readonly cec: boolean;
}

/** Name that a TV shows for our input. */
const OSD_NAME = "Vitrine";
/** Configuration of the TV that was found. A compositor does what CEC has no message for, such as turning the picture. */
const tvConfig = (output: string | undefined, hasCompositor: boolean): string => `name=main,driver=cec${hasCompositor ? "+output" : ""}${output === undefined ? "" : `,output=${output}`}`;

/** A Linux machine with the GPIO lines and HDMI-CEC adapters it has. A port that cannot be opened is absent, and `issues` says why. */
export async function createLinuxPlayer(deps: LinuxPlayerDeps): Promise<PlatformAdapter> {
  const { clock, timers } = deps;
  const root = deps.root ?? "/";
  // First, because relays wait for their safe levels.
  const lines = deps.gpio === undefined ? undefined : await openGpio({ ...deps.gpio, devDir: join(root, "dev"), clock, timers });
  const { buses, issues: cecIssues } = deps.cec ? await openCecAdapters({ root, timers, osdName: OSD_NAME }) : { buses: [], issues: () => [] };
  const [first] = buses;
  const linux = await createLinuxAdapter(deps);
  const cec = first === undefined ? {} : { cec: first.cec, cecBuses: buses };
  const { outputs, compositor } = linux;
  const machine = { ...cec, ...(compositor !== undefined && { compositor }), ...(outputs !== undefined && { outputs }), clock, timers, drivers: DISPLAY_DRIVERS };
  const tv = first === undefined ? undefined : await attachDisplays(tvConfig(first.output, compositor !== undefined), machine);
  const close = async (): Promise<void> => {
    await tv?.close();
    // An error in one must not keep the others open.
    const closed = await Promise.allSettled([linux.close(), ...buses.map((bus) => bus.cec.close()), lines?.ok === true ? lines.value.gpio.close() : undefined]);
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  };
  const gpioIssues = lines === undefined ? [] : lines.ok ? lines.value.issues : [lines.error];
  return {
    ...linux,
    ...cec,
    ...(lines?.ok === true && { gpio: lines.value.gpio }),
    ...(tv !== undefined && { displays: tv.displays }),
    issues: () => [...(linux.issues?.() ?? []), ...gpioIssues, ...cecIssues()],
    close,
  };
}
