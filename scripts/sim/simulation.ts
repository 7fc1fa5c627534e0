import { messageOf } from "../../platform/ports/result.ts";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { MemorySigner } from "../dev-cloud/testing/cloud-bench.ts";
import { Chaos } from "./chaos.ts";
import { DeadProcess, SimulatedCloud } from "./cloud/simulated-cloud.ts";
import { SimulatedDevice } from "./device/simulated-device.ts";
import { faultsOf, NO_FAULTS, workloadOf, type Faults, type Workload } from "./faults.ts";
import { INVARIANTS } from "./invariants/all.ts";
import type { SimWorld } from "./invariants/invariant.ts";
import { Ledger } from "./ledger.ts";
import { lastNetworkPatch } from "./site.ts";
import { SimulatedNetwork } from "./network.ts";
import { Releases } from "./releases.ts";
import { RememberingCrypto } from "./remembering-crypto.ts";
import { settling } from "./settle.ts";
import type { Breach, Sabotage, SimContext } from "./simulation-context.ts";
import { Trace } from "./trace.ts";
import { WorkloadGenerator } from "./workload.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Virtual minutes in which things go wrong; the healing comes on top. */
  readonly minutes: number;
  /** Absent: one to four, by the seed. */
  readonly devices?: number;
  readonly faults?: Partial<Faults>;
  readonly workload?: Partial<Workload>;
  readonly sabotage?: Sabotage;
  /** Hands the last events over even when nothing broke. */
  readonly keepEvents?: boolean;
}

export interface SimulationResult {
  readonly seed: number;
  /** SHA-256 of everything that happened. */
  readonly hash: string;
  readonly deviceHours: number;
  readonly events: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly breach?: Breach;
  /** The last events before the breach. */
  readonly last: readonly string[];
}

const SLICE_MS = 5_000;
/** Everything is back to normal within this after the world healed: the longest pause of the link, twice, and what follows. */
const HEAL_LIMIT_MS = 90 * 60_000;
/** How often it is looked whether it is. */
const HEAL_SLICE_MS = 15_000;

/** Runs one seed. Everything in it depends on the options alone: the same options give the same trace. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = await Simulation.create(options);
  const onRejection = (thrown: unknown): void => simulation.rejected(thrown);
  process.on("unhandledRejection", onRejection);
  try {
    return await simulation.run();
  } finally {
    process.off("unhandledRejection", onRejection);
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #sim: SimContext;
  readonly #world: SimWorld;
  readonly #chaos: Chaos;
  readonly #work: WorkloadGenerator;
  readonly #state: { faults: Faults; breach: Breach | undefined };
  #calls = 0;

  static async create(options: SimulationOptions): Promise<Simulation> {
    const random = new SeededRandom(options.seed);
    const time = new VirtualTime({ wallMs: Date.UTC(2026, 0, 1) + random.integer(0, 365 * 86_400_000), settle: settling() });
    const trace = new Trace(() => time.monotonicMs());
    const state: { faults: Faults; breach: Breach | undefined } = { faults: { ...faultsOf(random.fork("faults")), ...options.faults }, breach: undefined };
    const crypto = new RememberingCrypto();
    const releases = await Releases.create(random.fork("releases"), crypto);
    const sim: SimContext = {
      time, releases, random, crypto, trace, ledger: new Ledger(), workload: { ...workloadOf(random.fork("workload")), ...options.workload }, sabotage: options.sabotage,
      faults: () => state.faults,
      breach: (invariant, message) => {
        if (state.breach !== undefined) return;
        state.breach = { invariant, message, atMs: time.monotonicMs() };
        trace.freeze();
      },
    };
    const network = new SimulatedNetwork(sim);
    // One owner at both clouds: the device may be moved between them.
    const signer = crypto.rememberingOwner(await MemorySigner.create(options.seed));
    const gone = (cloud: SimulatedCloud): void => network.cloudGone(cloud);
    const home = new SimulatedCloud(sim, "cloud-a", signer, gone);
    const clouds = [home, new SimulatedCloud(sim, "cloud-b", signer, gone)];
    for (const cloud of clouds) network.add(cloud);
    const devices: SimulatedDevice[] = [];
    const count = options.devices ?? random.integer(1, 4);
    for (let number = 1; number <= count; number += 1) devices.push(await SimulatedDevice.create(sim, number, network, [home.url]));
    const world: SimWorld = { sim, devices, clouds, home };
    const work = new WorkloadGenerator(world, random.fork("work"));
    const chaos = new Chaos(world, network, work, state.faults, random.fork("chaos"));
    return new Simulation(options, sim, world, chaos, work, state);
  }

  private constructor(options: SimulationOptions, sim: SimContext, world: SimWorld, chaos: Chaos, work: WorkloadGenerator, state: { faults: Faults; breach: Breach | undefined }) {
    this.#options = options;
    this.#sim = sim;
    this.#world = world;
    this.#chaos = chaos;
    this.#work = work;
    this.#state = state;
    for (const invariant of INVARIANTS) invariant.watch?.(world, (message) => sim.breach(invariant.name, message));
  }

  async run(): Promise<SimulationResult> {
    const { devices, clouds, sim } = this.#world;
    const startMs = sim.time.monotonicMs();
    try {
      for (const cloud of clouds) cloud.start();
      for (const device of devices) sim.time.after("sim.boot", sim.random.integer(0, 10_000), () => device.start());
      this.#chaos.start();
      await this.#advance(this.#options.minutes * 60_000);
      if (this.#state.breach === undefined) await this.#heal();
    } catch (thrown) {
      sim.breach("nothing-throws", thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown));
    }
    return this.#result(sim.time.monotonicMs() - startMs);
  }

  rejected(thrown: unknown): void {
    if (thrown instanceof DeadProcess) return;
    this.#sim.breach("nothing-throws", `unhandled rejection: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}`);
  }

  async #advance(byMs: number): Promise<void> {
    const { time } = this.#sim;
    const endMs = time.monotonicMs() + byMs;
    while (time.monotonicMs() < endMs && this.#state.breach === undefined) {
      await time.advanceTo(Math.min(endMs, time.monotonicMs() + SLICE_MS));
      this.#always();
    }
  }

  #always(): void {
    for (const invariant of INVARIANTS) {
      const broken = invariant.always?.(this.#world);
      if (broken !== undefined) this.#sim.breach(invariant.name, broken);
    }
  }

  /** Mends everything, brings every device home, asks for one last state, and waits until all is as it should be. */
  async #heal(): Promise<void> {
    const { sim, home, clouds, devices } = this.#world;
    sim.trace.add("world", "heals");
    this.#state.faults = NO_FAULTS;
    this.#chaos.heal();
    const limitMs = sim.time.monotonicMs() + HEAL_LIMIT_MS;
    for (const device of devices) this.#callHome(home, device);
    let asked = false;
    for (;;) {
      await this.#advance(HEAL_SLICE_MS);
      if (this.#state.breach !== undefined) return;
      for (const cloud of clouds) for (const device of devices) if (isAt(cloud, device)) this.#callHome(cloud, device);
      if (!asked && devices.every((device) => isAt(home, device))) {
        asked = true;
        for (const device of devices) this.#work.patch(home, device, { ...FINAL_DOCUMENT, network: lastNetworkPatch(sim.random) });
      }
      const open = this.#unhealed();
      if (open === undefined && asked) return;
      if (sim.time.monotonicMs() >= limitMs) {
        sim.breach(open?.name ?? "reconnects", `${HEAL_LIMIT_MS / 60_000} min after the world healed: ${open?.message ?? "not every device came home"}`);
        return;
      }
    }
  }

  /** A new document that names the home alone, unless the one there does so already and is not behind what the device has. */
  #callHome(cloud: SimulatedCloud, device: SimulatedDevice): void {
    const row = cloud.store.document(device.id, "desired");
    const called = JSON.stringify(row?.document["cloud"] ?? {}).includes("?healed");
    if (called && (row?.version ?? 0) >= (device.agent?.parts.desired.version() ?? 0) && !hasAnother(device, row?.version)) return;
    this.#calls += 1;
    this.#work.patch(cloud, device, { cloud: { endpoints: [`${this.#world.home.url}?healed-${this.#calls}`] } });
  }

  #unhealed(): { readonly name: string; readonly message: string } | undefined {
    for (const invariant of INVARIANTS) {
      const message = invariant.healed?.(this.#world);
      if (message !== undefined) return { name: invariant.name, message };
    }
    return undefined;
  }

  #result(ranMs: number): SimulationResult {
    const { sim, devices, clouds } = this.#world;
    const { breach } = this.#state;
    const { ledger, trace } = sim;
    const figures = {
      devices: devices.length,
      starts: devices.reduce((sum, { lives }) => sum + lives, 0),
      connects: ledger.connects,
      frames: ledger.frames,
      faults: ledger.faults,
      accepted: ledger.accepted.size,
      stored: ledger.storedAt.size,
      excused: ledger.excused.size,
      gaps: ledger.gaps.length,
      commands: ledger.commands.length,
      powerOrders: ledger.powerOrders,
      ownReboots: ledger.ownReboots,
      effects: [...ledger.effects.values()].reduce((sum, count) => sum + count, 0),
      restores: clouds.reduce((sum, { restores }) => sum + restores, 0),
      timers: sim.time.made,
      timersMax: Math.max(...devices.map((device) => device.timersMax)),
      ...Object.fromEntries(Object.entries(ledger.updates.all).map(([name, count]) => [`update ${name}`, count])),
      healedMinutes: Math.round((ranMs - this.#options.minutes * 60_000) / 60_000),
    };
    return {
      seed: this.#options.seed, hash: trace.digest(), deviceHours: (devices.length * ranMs) / 3_600_000, events: trace.events, figures,
      last: breach === undefined && this.#options.keepEvents !== true ? [] : trace.last(), ...(breach !== undefined && { breach }),
    };
  }
}

/** The other cloud gave the same version to a document of its own, and the device keeps to the one it had first. */
function hasAnother({ agent }: SimulatedDevice, version: number | undefined): boolean {
  const { desired } = agent?.parts.reported.document() ?? {};
  const endpoints = desired?.keys["cloud.endpoints"];
  return desired?.version === version && endpoints?.status === "applied" && !JSON.stringify(endpoints.observed ?? []).includes("?healed");
}

function isAt(cloud: SimulatedCloud, device: SimulatedDevice): boolean {
  return cloud.cloud?.context.live.get(device.id) !== undefined;
}

/** A state in which nothing is left open, and in which it can be seen that it is there. */
const FINAL_DOCUMENT = {
  rules: null,
  display: { power: "on", input: "hdmi-1", brightness: 61, volume: 17, mute: false },
  audio: { volume: 43, mute: false },
  content: { kind: "url", url: "https://content.test/last" },
};
