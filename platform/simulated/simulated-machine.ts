import type { Clock, Timer, Timers } from "../ports/clock.ts";
import type { ClockControl, ForcedReset, HostPower, NetworkControl, NetworkInterface, Watchdog } from "../ports/host.ts";
import { seen, unknown } from "../ports/reading.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { addressesOf, gatewayOf, isUp } from "./simulated-site.ts";
import type { SimulatedWorld } from "./world.ts";

export type MachineGone = "reboot" | "shutdown";

/** Delay between accepting a request and going down, as on a real machine; leaves time to send the answer. */
export const POWER_OFF_DELAY_MS = 250;
export const WATCHDOG_TIMEOUT_MS = 60_000;

/** Reboot and shutdown of the simulated machine. */
export class SimulatedHostPower implements HostPower {
  readonly #world: SimulatedWorld;
  readonly #timers: Timers;
  readonly #onGone: (kind: MachineGone) => void;
  #off: Timer | undefined;
  readonly forcedReset: ForcedReset = {
    check: () => (this.#world.state.power.mood === "refused" ? fail("reset.no-unit", "the simulated machine has no forced reset") : ok(undefined)),
    arm: (delayMs) => {
      const { mood } = this.#world.state.power;
      if (mood === "refused") return Promise.resolve(fail("reset.refused", "the simulated machine refused the forced reset"));
      if (mood !== "ignored") this.#world.resetIn(delayMs, () => this.reset());
      return Promise.resolve(ok(undefined));
    },
    disarm: () => {
      this.#world.resetIn(undefined, () => {});
      return Promise.resolve(ok(undefined));
    },
  };

  constructor(world: SimulatedWorld, timers: Timers, onGone: (kind: MachineGone) => void) {
    this.#world = world;
    this.#timers = timers;
    this.#onGone = onGone;
  }

  bootId(): Promise<string> {
    return Promise.resolve(this.#world.state.power.bootId);
  }

  reboot(_reason: string): Promise<Result<void>> {
    return Promise.resolve(this.#request("reboot"));
  }

  shutdown(_reason: string): Promise<Result<void>> {
    return Promise.resolve(this.#request("shutdown"));
  }

  /** The machine goes down now, as a watchdog reset does. */
  reset(): void {
    this.#off?.cancel();
    this.#world.boot();
    this.#onGone("reboot");
  }

  close(): void {
    this.#off?.cancel();
  }

  #request(kind: MachineGone): Result<void> {
    const { power } = this.#world.state;
    if (power.mood === "refused")
      return fail("host.refused", `the simulated machine refused to ${kind === "reboot" ? "reboot" : "shut down"}`);
    if (power.mood === "ignored" || power.mood === "hangs") return ok(undefined);
    // Stored at once: an agent killed from here on finds a rebooted machine.
    this.#world.update({ power: { ...power, pending: kind } });
    this.#off?.cancel();
    this.#off = this.#timers.after("simulated.power-off", POWER_OFF_DELAY_MS, () => {
      // Not earlier: a boot id that changed while the old software still runs would prove a reboot that has not happened.
      this.#world.boot();
      this.#onGone(kind);
    });
    return ok(undefined);
  }
}

/** Armed by the first feed, as /dev/watchdog is by opening it. */
export class SimulatedWatchdog implements Watchdog {
  readonly timeoutMs = WATCHDOG_TIMEOUT_MS;
  readonly #timers: Timers;
  readonly #onBite: () => void;
  #timer: Timer | undefined;

  constructor(timers: Timers, onBite: () => void) {
    this.#timers = timers;
    this.#onBite = onBite;
  }

  feed(): Promise<Result<void>> {
    this.#timer?.cancel();
    this.#timer = this.#timers.after("simulated.watchdog", this.timeoutMs, this.#onBite);
    return Promise.resolve(ok(undefined));
  }

  /** Disarms the watchdog, as an orderly close does. */
  close(): void {
    this.#timer?.cancel();
  }
}

export function simulatedNetwork(world: SimulatedWorld, clock: Clock): NetworkControl {
  return {
    interfaces: () => {
      const { network } = world.state;
      // Some traffic, so that rates are not zero.
      const traffic = Math.floor(world.uptimeMs() / 1_000);
      const list = Object.entries(network.interfaces).map(([name, { kind, mac }]): NetworkInterface => ({
        name,
        kind,
        up: isUp(network, name),
        mac,
        addresses: addressesOf(network, name),
        receivedBytes: traffic * 1_200,
        sentBytes: traffic * 300,
      }));
      return Promise.resolve(seen(list, clock.monotonicMs()));
    },
    gateway: () => {
      const gateway = gatewayOf(world.state.network);
      return Promise.resolve(gateway === undefined ? unknown("there is no default route") : seen(gateway, clock.monotonicMs()));
    },
    onChange: (changed) => world.onChange((sections) => sections.includes("network") && changed()),
  };
}

export function simulatedClockControl(world: SimulatedWorld, clock: Clock): ClockControl {
  return {
    quality: () => Promise.resolve(world.state.clock.quality),
    timeZone: () => Promise.resolve(seen(world.state.clock.zone, clock.monotonicMs())),
    setTimeZone: (zone) => {
      world.update({ clock: { ...world.state.clock, zone } });
      return Promise.resolve({ attempted: true, acknowledged: true, observed: seen(zone, clock.monotonicMs()) });
    },
  };
}
