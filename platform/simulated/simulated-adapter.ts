import type { Clock, Timers } from "../ports/clock.ts";
import type { SystemProbe } from "../ports/host.ts";
import type { PlatformAdapter } from "../ports/platform-adapter.ts";
import type { SoftwareUpdater } from "../ports/software.ts";
import { ObservedDisplay } from "../displays/observed-display.ts";
import { simulatedAudio } from "./simulated-audio.ts";
import { SimulatedCec } from "./simulated-cec.ts";
import { tvDriver } from "./simulated-drivers.ts";
import { SimulatedGpio } from "./simulated-gpio.ts";
import { simulatedClockControl, SimulatedHostPower, simulatedNetwork, SimulatedWatchdog, type MachineGone } from "./simulated-machine.ts";
import { simulatedNetworkSettingsPort } from "./simulated-network-settings.ts";
import { simulatedOutputs } from "./simulated-outputs.ts";
import { simulatedProbe } from "./simulated-probe.ts";
import { simulatedWifiSetup } from "./simulated-wifi-setup.ts";
import type { SimulatedWorld } from "./world.ts";
import { TV_OUTPUT } from "./world-state.ts";

export interface SimulatedAdapterDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Real figures for processor, load and memory. Without it they are computed from the uptime. */
  readonly hostProbe?: SystemProbe;
  /** The machine went down, by request or by its watchdog. The host must end the agent without a clean shutdown. */
  onMachineGone(kind: MachineGone): void;
  /** Absent: the software is not updated here. */
  readonly software?: SoftwareUpdater;
  readonly evidence?: readonly string[];
  /** The configuration key `gpio.lines`. */
  readonly gpioLines?: string;
}

/** Implements every port on simulated hardware whose behaviour and faults come from the world. */
export function createSimulatedAdapter(world: SimulatedWorld, deps: SimulatedAdapterDeps): PlatformAdapter {
  const { clock, timers } = deps;
  // The machine had lost power or was to reboot: this start is the boot.
  if (world.state.power.pending !== "none") world.boot();
  const cec = new SimulatedCec(world, timers);
  const gpio = new SimulatedGpio({ world, clock, timers, ...(deps.gpioLines !== undefined && { configured: deps.gpioLines }) });
  const power = new SimulatedHostPower(world, timers, (kind) => deps.onMachineGone(kind));
  const watchdog = new SimulatedWatchdog(timers, () => power.reset());
  const tv = tvDriver(world, { cec, clock, timers });
  return {
    name: "simulated",
    evidence: deps.evidence ?? ["asked for by the caller"],
    power,
    watchdog,
    cec,
    gpio,
    displays: [{ name: "main", driver: "cec", output: TV_OUTPUT, display: new ObservedDisplay(tv.driver, { clock, timers }) }],
    outputs: simulatedOutputs(world, clock),
    audio: simulatedAudio(world, clock),
    network: simulatedNetwork(world, clock),
    networkSettings: simulatedNetworkSettingsPort(world, clock),
    wifiSetup: simulatedWifiSetup(world),
    clock: simulatedClockControl(world, clock),
    probe: simulatedProbe(world, { clock, timers, host: deps.hostProbe }),
    ...(deps.software !== undefined && { software: deps.software }),
    issues: () => gpio.issues(),
    close: async () => {
      await tv.close?.();
      cec.close();
      gpio.close();
      power.close();
      watchdog.close();
    },
  };
}
