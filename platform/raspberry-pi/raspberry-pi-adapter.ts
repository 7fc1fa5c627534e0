import { createLinuxAdapter, type LinuxAdapterDeps } from "../linux/linux-adapter.ts";
import { openGpio } from "../linux/gpio/open-gpio.ts";
import type { PlatformAdapter } from "../ports/platform-adapter.ts";
import { HEADER_CHIPS, HEADER_LINES } from "./header.ts";

export interface RaspberryPiAdapterDeps extends LinuxAdapterDeps {
  /** The configuration key `gpio.lines`. */
  readonly gpioLines: string;
}

/** A Raspberry Pi: a Linux player with the 40-pin header. */
export async function createRaspberryPiAdapter(deps: RaspberryPiAdapterDeps): Promise<PlatformAdapter> {
  const { clock, timers, gpioLines } = deps;
  // First, because relays wait for their safe levels.
  const opened = await openGpio({ labels: HEADER_CHIPS, lines: HEADER_LINES, configured: gpioLines, clock, timers });
  const linux = await createLinuxAdapter(deps);
  const close = async (): Promise<void> => {
    await linux.close();
    if (opened.ok) await opened.value.gpio.close();
  };
  return {
    ...linux,
    name: "raspberry-pi",
    ...(opened.ok && { gpio: opened.value.gpio }),
    issues: [...(linux.issues ?? []), ...(opened.ok ? opened.value.issues : [opened.error])],
    close,
  };
}
