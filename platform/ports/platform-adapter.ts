import type { Audio } from "./audio.ts";
import type { Cec } from "./cec.ts";
import type { AttachedDisplay } from "./display.ts";
import type { Gpio } from "./gpio.ts";
import type { ClockControl, HostPower, NetworkControl, Screenshot, SystemProbe, Watchdog } from "./host.ts";
import type { NetworkSettings } from "./network-settings.ts";
import type { Outputs } from "./outputs.ts";
import type { Issue } from "./result.ts";

/**
 * One machine, as the agent sees it. A port that is absent is `unsupported` in the device's
 * capability declaration and a `rejected` command; it is never a crash and never a silent success.
 */
export interface PlatformAdapter {
  /** `linux`, `raspberry-pi`, `simulated`, … */
  readonly name: string;
  /** The facts by which this adapter was chosen, for people: `/proc/device-tree/model is "Raspberry Pi 4"`. */
  readonly evidence: readonly string[];
  readonly power: HostPower;
  readonly probe: SystemProbe;
  readonly network: NetworkControl;
  readonly clock: ClockControl;
  /** Absent: somebody else configures this machine's network. */
  readonly networkSettings?: NetworkSettings;
  /** The displays it can control, the main one first. Absent: none. */
  readonly displays?: readonly AttachedDisplay[];
  /** What is wrong with the configured displays. A display that is refused keeps its place among `displays` and answers with its issue. */
  readonly displayIssues?: readonly Issue[];
  readonly outputs?: Outputs;
  readonly gpio?: Gpio;
  readonly cec?: Cec;
  readonly audio?: Audio;
  readonly watchdog?: Watchdog;
  readonly screenshot?: Screenshot;
  /** Releases lines, buses and watchers. The adapter is not used afterwards. */
  close(): Promise<void>;
}
