import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { messageOf } from "../../platform/ports/result.ts";
import type { SimulatedNetworkState } from "../../platform/simulated/world-state.ts";
import { misbehave } from "../dev-cloud/sessions/misdeeds.ts";
import { MISDEEDS, type Misbehaviour } from "../dev-cloud/sessions/misbehaviour.ts";
import { DeadProcess, type SimulatedCloud } from "./cloud/simulated-cloud.ts";
import type { DiskMood } from "./device/simulated-disk.ts";
import type { SimulatedDevice } from "./device/simulated-device.ts";
import type { Faults, Workload } from "./faults.ts";
import type { SimWorld } from "./invariants/invariant.ts";
import type { SimulatedNetwork } from "./network.ts";
import { atSite, siteInTrouble } from "./site.ts";
import { DOOR, SENSOR, type WorkloadGenerator } from "./workload.ts";

const HOUR_MS = 3_600_000;
/** Duration of a settings trial and its reversal. */
const LONGEST_CHANGE_MS = 240_000;
const NIGHT_MS = 8 * HOUR_MS;
const YEAR_MS = 31_557_600_000;

type DeviceFault = { readonly [K in keyof Faults as K extends `${string}PerHour` ? K : never]: Faults[K] };
type DeviceWork = Exclude<keyof Workload, "cancelChance">;

/** Injects faults at random times, and undoes all of them when the world is to heal. */
export class Chaos {
  readonly #world: SimWorld;
  readonly #network: SimulatedNetwork;
  readonly #work: WorkloadGenerator;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  #over = false;

  constructor(world: SimWorld, network: SimulatedNetwork, work: WorkloadGenerator, faults: Faults, random: SeededRandom) {
    this.#world = world;
    this.#network = network;
    this.#work = work;
    this.#faults = faults;
    this.#random = random;
  }

  start(): void {
    const { devices, clouds, sim } = this.#world;
    for (const device of devices) {
      for (const [name, strike] of Object.entries(this.#perDevice(device))) this.#repeat(name, this.#faults[name as keyof Faults], strike);
      for (const [name, ask] of Object.entries(this.#workPerDevice(device))) this.#repeat(name, sim.workload[name as DeviceWork], ask);
    }
    for (const cloud of clouds) {
      this.#repeat("cloudKillPerHour", this.#faults.cloudKillPerHour, () => this.#killCloud(cloud, false));
      this.#repeat("cloudRestorePerHour", this.#faults.cloudRestorePerHour, () => this.#killCloud(cloud, true));
      this.#repeat("backup", this.#faults.cloudRestorePerHour * 2, () => cloud.backUp());
    }
  }

  /** Stops injecting faults and repairs everything. */
  heal(): void {
    const { devices, clouds } = this.#world;
    this.#over = true;
    if (this.#world.sim.sabotage === "never-heals") return;
    for (const cloud of clouds) {
      cloud.start();
      for (const device of devices) cloud.cloud?.context.misbehaviours.set(device.id, {});
    }
    for (const device of devices) {
      const { world, disk, player } = device;
      disk.become("good");
      world.setMood("normal");
      const { power, network } = world.state;
      // The site works again. Which settings the device uses is left to the device.
      world.update({ power: { ...power, mood: "obeys" }, network: { ...atSite(network), link: "up", settingsMood: "obeys" } });
      player.comeBack();
      player.switchOutput("on");
      device.switchOn();
    }
    this.#network.heal();
  }

  #repeat(name: string, perHour: number, strike: () => void): void {
    if (perHour <= 0) return;
    const waitMs = Math.min(2 ** 31 - 1, Math.ceil((-Math.log(1 - this.#random.next()) * HOUR_MS) / perHour));
    this.#world.sim.time.after(`sim.${name}`, waitMs, () => {
      if (this.#over) return;
      if (Object.hasOwn(this.#faults, name)) this.#world.sim.ledger.faults += 1;
      strike();
      this.#repeat(name, perHour, strike);
    });
  }

  /** Undoes a fault after a random time, unless the world has healed before. */
  #undoLater(name: string, longestMs: number, undo: () => void): void {
    this.#world.sim.time.after(`sim.${name}-over`, this.#random.integer(500, longestMs), () => {
      if (!this.#over) undo();
    });
  }

  #perDevice(device: SimulatedDevice): Partial<Record<keyof DeviceFault, () => void>> {
    const random = this.#random;
    return {
      killPerHour: () => {
        if (random.chance(0.3)) device.stopPolitely();
        else device.kill("killed");
        // Sent after the next welcome, before the player host has found the new process.
        if (random.chance(0.5)) this.#work.playerCommand(device);
      },
      powerCutPerHour: () => {
        if (!device.off) device.powerCut(random.integer(2_000, random.chance(0.2) ? 3_000_000 : 120_000));
      },
      clockStepPerHour: () => this.#stepClock(device),
      networkCutPerHour: () => {
        this.#cable(device, "down");
        this.#undoLater("network-cut", 600_000, () => this.#cable(device, "up"));
      },
      halfOpenPerHour: () => this.#network.wires(device.id)[0]?.halfOpen(pick(random, ["both", "up", "down"])),
      stallPerHour: () => this.#network.wires(device.id)[0]?.stall(random.integer(1_000, 90_000)),
      dropPerHour: () => this.#network.wires(device.id)[0]?.breakOff(pick(random, ["both", "device", "cloud"])),
      diskTroublePerHour: () => {
        device.disk.become(pick<DiskMood>(random, ["slow", "full", "read-only", "io"]));
        this.#undoLater("disk-trouble", 400_000, () => device.disk.become("good"));
      },
      misbehavePerHour: () => this.#misbehave(device),
      misdeedPerHour: () => this.#misdeed(device),
      playerVanishPerHour: () => {
        device.player.vanish(random.chance(0.5));
        this.#undoLater("player-vanish", 60_000, () => device.player.comeBack());
      },
      displayTroublePerHour: () => {
        device.world.setMood(pick(random, ["deaf", "slow", "lying", "refusing", "unplugged"]));
        this.#undoLater("display-trouble", 600_000, () => device.world.setMood("normal"));
      },
      remoteControlPerHour: () => this.#remote(device),
      rebootTroublePerHour: () => {
        const mood = pick(random, ["ignored", "refused", "hangs"] as const);
        device.world.update({ power: { ...device.world.state.power, mood } });
        this.#undoLater("reboot-trouble", 900_000, () => device.world.update({ power: { ...device.world.state.power, mood: "obeys" } }));
      },
      networkTroublePerHour: () => {
        this.#updateNetwork(device, { settingsMood: pick(random, ["refuses", "half"] as const) });
        this.#undoLater("network-trouble", 900_000, () => this.#updateNetwork(device, { settingsMood: "obeys" }));
      },
      siteTroublePerHour: () => {
        this.#updateNetwork(device, siteInTrouble(device.world.state.network, random));
        this.#undoLater("site-trouble", 900_000, () => this.#updateNetwork(device, atSite(device.world.state.network)));
      },
      outputOffPerHour: () => {
        device.player.switchOutput("off");
        this.#undoLater("output-off", NIGHT_MS, () => device.player.switchOutput("on"));
        if (random.chance(0.3)) this.#undoLater("page-hangs", NIGHT_MS, () => device.player.hang());
      },
      pageHangsPerHour: () => device.player.hang(),
      hostLostPerHour: () => {
        device.player.vanish(true);
        this.#undoLater("host-lost", NIGHT_MS, () => device.player.comeBack());
      },
    };
  }

  #workPerDevice(device: SimulatedDevice): Record<DeviceWork, () => void> {
    return {
      commandsPerHour: () => this.#work.command(device),
      desiredPerHour: () => this.#work.desired(device),
      playsPerHour: () => this.#work.play(device),
      pageEventsPerHour: () => this.#work.pageEvent(device),
      floodsPerHour: () => this.#work.flood(device),
      movesPerHour: () => {
        this.#work.move(device);
        this.#inTheMiddle(device);
      },
      networksPerHour: () => {
        this.#work.network(device);
        this.#inTheMiddle(device);
      },
      regulatorsPerHour: () => this.#work.regulators(device),
      powerCommandsPerHour: () => this.#work.powerCommand(device),
      sensorPerHour: () => this.#sense(device),
      updatesPerHour: () => {
        this.#work.update(device);
        this.#inTheMiddle(device);
      },
    };
  }

  /** A change of the path to the cloud takes minutes; makes faults that end the agent more likely during it. */
  #inTheMiddle(device: SimulatedDevice): void {
    const { killPerHour, powerCutPerHour } = this.#faults;
    const { ledger } = this.#world.sim;
    if (killPerHour > 0 && this.#random.chance(0.3)) {
      this.#undoLater("kill-in-a-change", LONGEST_CHANGE_MS, () => {
        ledger.faults += 1;
        device.kill("in the middle of a change");
      });
    }
    if (powerCutPerHour === 0 || !this.#random.chance(0.3)) return;
    this.#undoLater("power-cut-in-a-change", LONGEST_CHANGE_MS, () => {
      if (device.off) return;
      ledger.faults += 1;
      device.powerCut(this.#random.integer(2_000, 120_000));
    });
  }

  #cable(device: SimulatedDevice, link: "up" | "down"): void {
    this.#world.sim.trace.add(device.id, "cable", link);
    this.#updateNetwork(device, { link });
  }

  #updateNetwork(device: SimulatedDevice, change: Partial<SimulatedNetworkState>): void {
    const { settingsMood, site } = change;
    if (settingsMood !== undefined || site !== undefined) this.#world.sim.trace.add(device.id, "network-is", JSON.stringify({ settingsMood, site }));
    device.world.update({ network: { ...device.world.state.network, ...change } });
  }

  #stepClock(device: SimulatedDevice): void {
    const sizeMs = pick(this.#random, [5_000, 3_600_000, YEAR_MS, 20 * YEAR_MS]);
    const byMs = Math.round((this.#random.next() * 2 - 1) * sizeMs);
    this.#world.sim.trace.add(device.id, "clock-steps", String(byMs));
    device.world.apply({ action: "clock.step", params: { byMs } });
  }

  /** Most of it at the sensor: the other rules follow each change at once. */
  #sense(device: SimulatedDevice): void {
    const random = this.#random;
    if (random.chance(0.6)) return device.world.updateLine(SENSOR, { external: random.chance(0.5) ? 1 : 0 });
    if (random.chance(0.5)) return device.world.updateLine(DOOR, { external: random.chance(0.5) ? 1 : 0 });
    device.world.apply({ action: "cec.key", params: { key: "red" } });
  }

  #remote(device: SimulatedDevice): void {
    const random = this.#random;
    const use: readonly (() => void)[] = [
      () => void device.world.apply({ action: "display.remote", params: { power: random.chance(0.5) ? "on" : "standby" } }),
      () => device.world.updateDisplay({ input: pick(random, ["tuner", "hdmi-1", "hdmi-2"]) }),
      () => device.world.updateDisplay({ volume: random.integer(0, 100), mute: random.chance(0.5) }),
      () => device.world.updateDisplay({ brightness: random.integer(0, 100) }),
      () => void device.world.pressButton("GPIO6", random.integer(60, 900), random.integer(0, 4)),
    ];
    this.#world.sim.trace.add(device.id, "remote-control");
    this.#world.sim.ledger.remoteUsed(device.id);
    pick(random, use)();
  }

  #killCloud(cloud: SimulatedCloud, restore: boolean): void {
    if (!cloud.running) return;
    cloud.kill("killed");
    const back = (): void => {
      if (cloud.running) return;
      if (restore && !this.#over) cloud.restore();
      cloud.start();
    };
    this.#world.sim.time.after("sim.cloud-back", this.#random.integer(500, 120_000), back);
  }

  #misbehave(device: SimulatedDevice): void {
    const random = this.#random;
    const kinds: readonly Misbehaviour[] = [
      { neverAck: true }, { acksGoBack: true }, { slowMs: random.integer(100, 20_000) }, { dropAfterFrames: random.integer(1, 60) }, { halfOpen: true },
      { refuse: { code: "refused.busy", retryAfterMs: random.integer(1_000, 400_000) } }, { refuse: { code: "refused.policy" } },
      { welcomeVersions: [7] }, { desiredGoesBack: true }, { nonsense: true },
    ];
    const misbehaviour = pick(random, kinds);
    this.#world.sim.trace.add(device.id, "cloud-misbehaves", JSON.stringify(misbehaviour));
    for (const { cloud } of this.#world.clouds) cloud?.context.misbehaviours.set(device.id, misbehaviour);
    this.#undoLater("misbehaviour", 300_000, () => {
      for (const { cloud } of this.#world.clouds) cloud?.context.misbehaviours.set(device.id, {});
    });
  }

  #misdeed(device: SimulatedDevice): void {
    const misdeed = pick(this.#random, MISDEEDS);
    for (const simulated of this.#world.clouds) {
      const session = simulated.cloud?.context.live.get(device.id);
      if (simulated.cloud === undefined || session === undefined) continue;
      this.#world.sim.trace.add(device.id, "misdeed", misdeed);
      misbehave(simulated.cloud.context, session, misdeed).catch((thrown: unknown) => {
        if (!(thrown instanceof DeadProcess)) this.#world.sim.breach("nothing-throws", `the misdeed ${misdeed} threw ${messageOf(thrown)}`);
      });
    }
  }
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  const picked = from[random.integer(0, from.length - 1)];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}
