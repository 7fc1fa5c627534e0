import type { Audio } from "./audio.ts";
import type { OpenBacklight } from "./backlight.ts";
import type { Cec, CecBus } from "./cec.ts";
import type { Compositor } from "./compositor.ts";
import type { OpenDdc } from "./ddc.ts";
import type { AttachedDisplay } from "./display.ts";
import type { Gpio } from "./gpio.ts";
import type { ClockControl, HostPower, NetworkControl, Screenshot, SystemProbe, Watchdog } from "./host.ts";
import type { MachinePlace } from "./machine-place.ts";
import type { NetworkSettings } from "./network-settings.ts";
import type { Outputs } from "./outputs.ts";
import type { Issue } from "./result.ts";
import type { SoftwareUpdater } from "./software.ts";
import type { WifiSetup } from "./wifi-setup.ts";

/**
 * One machine as seen by the agent. A port that is absent is declared as `unsupported` in the device's
 * capabilities, and its commands are `rejected`; it is never a crash and never a silent success.
 */
export interface PlatformAdapter {
  /** `linux`, `raspberry-pi`, `simulated`, … */
  readonly name: string;
  /** Why this adapter was chosen, as readable text: `/proc/device-tree/model is "Raspberry Pi 4"`. */
  readonly evidence: readonly string[];
  readonly power: HostPower;
  readonly probe: SystemProbe;
  readonly network: NetworkControl;
  readonly clock: ClockControl;
  /** Absent if this machine's network is not configured by the agent. */
  readonly networkSettings?: NetworkSettings;
  /** Absent if the agent cannot look for wireless networks or open an access point for set-up. */
  readonly wifiSetup?: WifiSetup;
  /** Absent if the agent cannot tell the machine where it is. */
  readonly place?: MachinePlace;
  /** The displays it can control, main one first. Absent if there are none. */
  readonly displays?: readonly AttachedDisplay[];
  /** Present problems with configured or expected hardware. A refused display keeps its place in `displays` and answers every call with its issue. */
  issues?(): readonly Issue[];
  readonly outputs?: Outputs;
  /** The program that draws on the outputs. Absent if none is configured; one that is not running answers with `compositor.gone`. */
  readonly compositor?: Compositor;
  readonly gpio?: Gpio;
  /** The bus of the first output. */
  readonly cec?: Cec;
  /** All buses, on machines with several. */
  readonly cecBuses?: readonly CecBus[];
  /** The wires of its outputs on which displays are configured. */
  readonly openDdc?: OpenDdc;
  /** The backlights of panels that it drives itself. */
  readonly openBacklight?: OpenBacklight;
  readonly audio?: Audio;
  /** Replaces this machine's software. Absent where nothing of the kind is installed. */
  readonly software?: SoftwareUpdater;
  readonly watchdog?: Watchdog;
  readonly screenshot?: Screenshot;
  /** Releases lines, buses and watchers. The adapter is not used afterwards. */
  close(): Promise<void>;
}
