import { join } from "node:path";
import type { LinuxAdapterDeps } from "../linux/linux-adapter.ts";
import { createLinuxPlayer } from "../linux/linux-player.ts";
import { machineFiles } from "../linux/machine-files.ts";
import { HEADER_LINES } from "../ports/gpio-header.ts";
import type { PlatformAdapter } from "../ports/platform-adapter.ts";
import { firmwareState } from "./firmware.ts";
import { HEADER_CHIPS } from "./header.ts";

export interface RaspberryPiAdapterDeps extends LinuxAdapterDeps {
  /** The configuration key `gpio.lines`. */
  readonly gpioLines: string;
  /** The configuration key `cec`. */
  readonly cec: boolean;
}

/** A Raspberry Pi: a Linux player with the 40-pin header, HDMI-CEC and a firmware that knows of the supply. */
export async function createRaspberryPiAdapter({ gpioLines, ...deps }: RaspberryPiAdapterDeps): Promise<PlatformAdapter> {
  const { clock, timers, root = "/" } = deps;
  const header = { labels: HEADER_CHIPS, neverBlocks: true, lines: HEADER_LINES, configured: gpioLines };
  const firmware = firmwareState({ files: machineFiles(root), clock, timers, mailboxPath: join(root, "dev/vcio") });
  return { ...(await createLinuxPlayer({ ...deps, firmware, gpio: header })), name: "raspberry-pi" };
}
