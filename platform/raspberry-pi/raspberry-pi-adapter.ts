import { join } from "node:path";
import { attachDisplays } from "../displays/attach-displays.ts";
import { DISPLAY_DRIVERS } from "../displays/drivers.ts";
import { openCecAdapters } from "../linux/cec/open-cec-adapters.ts";
import { openGpio } from "../linux/gpio/open-gpio.ts";
import { createLinuxAdapter, type LinuxAdapterDeps } from "../linux/linux-adapter.ts";
import { machineFiles } from "../linux/machine-files.ts";
import type { PlatformAdapter } from "../ports/platform-adapter.ts";
import { firmwareState } from "./firmware.ts";
import { HEADER_CHIPS, HEADER_LINES } from "./header.ts";

export interface RaspberryPiAdapterDeps extends LinuxAdapterDeps {
  /** The configuration key `gpio.lines`. */
  readonly gpioLines: string;
}

/** Name that a TV shows for our input. */
const OSD_NAME = "Vitrine";
/** CEC has no message for the orientation, which is the compositor's. */
const tvConfig = (output: string | undefined, isTurnable: boolean): string => `name=main,driver=cec${isTurnable ? "+output" : ""}${output === undefined ? "" : `,output=${output}`}`;

/** A Raspberry Pi: a Linux player with the 40-pin header and HDMI-CEC. */
export async function createRaspberryPiAdapter(deps: RaspberryPiAdapterDeps): Promise<PlatformAdapter> {
  const { clock, timers, gpioLines } = deps;
  const root = deps.root ?? "/";
  // First, because relays wait for their safe levels.
  const header = await openGpio({ devDir: join(root, "dev"), labels: HEADER_CHIPS, neverBlocks: true, lines: HEADER_LINES, configured: gpioLines, clock, timers });
  const { buses, issues: cecIssues } = await openCecAdapters({ root, timers, osdName: OSD_NAME });
  const [first] = buses;
  const firmware = firmwareState({ files: machineFiles(root), clock, timers, mailboxPath: join(root, "dev/vcio") });
  const linux = await createLinuxAdapter({ ...deps, firmware });
  const cec = first === undefined ? {} : { cec: first.cec, cecBuses: buses };
  const tv = first === undefined ? undefined : await attachDisplays(tvConfig(first.output, linux.compositor !== undefined), { ...cec, ...(linux.compositor && { compositor: linux.compositor }), ...(linux.outputs !== undefined && { outputs: linux.outputs }), clock, timers, drivers: DISPLAY_DRIVERS });
  const close = async (): Promise<void> => {
    await tv?.close();
    // An error in one must not keep the others open.
    const closed = await Promise.allSettled([linux.close(), ...buses.map((bus) => bus.cec.close()), header.ok ? header.value.gpio.close() : undefined]);
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  };
  return {
    ...linux,
    ...cec,
    name: "raspberry-pi",
    ...(header.ok && { gpio: header.value.gpio }),
    ...(tv !== undefined && { displays: tv.displays }),
    issues: [...(linux.issues ?? []), ...(header.ok ? header.value.issues : [header.error]), ...cecIssues],
    close,
  };
}
