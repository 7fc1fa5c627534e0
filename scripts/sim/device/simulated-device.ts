import { decide } from "../../../agent/core/state/decision.ts";
import { Agent } from "../../../agent/core/agent.ts";
import type { AgentPorts, AgentSettings } from "../../../agent/core/agent-ports.ts";
import { GatedTransport } from "../../../agent/core/cloud/gated-transport.ts";
import { DEFAULT_LINK_POLICY, type LinkPolicy } from "../../../agent/core/cloud/link-policy.ts";
import { resolveConfig } from "../../../agent/core/config/resolve-config.ts";
import type { ContentProvider } from "../../../agent/core/content/content-port.ts";
import { Outbox } from "../../../agent/core/outbox/outbox.ts";
import { keyFromSeed, newSeed } from "../../../platform/linux/node-crypto.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import { fail, messageOf, ok } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import type { SimulatedNetwork } from "../network.ts";
import type { CloudProxy } from "../../../agent/core/network/cloud-proxy.ts";
import { atSite } from "../site.ts";
import type { SimContext } from "../simulation-context.ts";
import { Life } from "./life.ts";
import { observedOutbox } from "./observed-outbox.ts";
import { observedPlatform } from "./observed-platform.ts";
import { SimulatedPlayerHost } from "./player-host.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedReleases } from "./simulated-releases.ts";
import { simulatedUploader } from "./simulated-uploader.ts";
import { watchedLog } from "./watched-log.ts";

/** The real policy with shorter maximum delays, so that a run does not wait hours for a device. */
export const LINK_POLICY: LinkPolicy = {
  ...DEFAULT_LINK_POLICY,
  refusal: { ...DEFAULT_LINK_POLICY.refusal, capMs: 600_000 },
  retryAfterMaxMs: 600_000,
};
const CONFIG = resolveConfig({ environment: {}, flags: [] }).values;

interface Running {
  readonly life: Life;
  readonly agent: Agent;
  readonly stop: AbortController;
}

/** One machine with its disk, hardware, player and, most of the time, a running agent. */
export class SimulatedDevice {
  readonly name: string;
  readonly id: string;
  readonly world: SimulatedWorld;
  readonly disk: SimulatedDisk;
  readonly player: SimulatedPlayerHost;
  readonly releases: SimulatedReleases;
  readonly #sim: SimContext;
  readonly #random: SeededRandom;
  readonly #network: SimulatedNetwork;
  readonly #key: DeviceKey;
  readonly #endpoints: readonly string[];
  #life: Life | undefined;
  #running: Running | undefined;
  #boot = "";
  #bootedMs = 0;
  /** Switched off until somebody switches it on. */
  #off = false;
  /** Automatic restarts of the agent since it was restarted by hand. */
  #restarts = 0;
  lives = 0;
  #timersMax = 0;
  #proxy: CloudProxy | undefined;

  static async create(sim: SimContext, number: number, network: SimulatedNetwork, endpoints: readonly string[]): Promise<SimulatedDevice> {
    const random = sim.random.fork(`device-${number}`);
    const key = sim.crypto.remembering(keyFromSeed(newSeed(random)));
    const id = toHex((await sim.crypto.sha256(key.publicKey)).slice(0, 16));
    return new SimulatedDevice(sim, { number, id, key, random, network, endpoints });
  }

  private constructor(sim: SimContext, made: { number: number; id: string; key: DeviceKey; random: SeededRandom; network: SimulatedNetwork; endpoints: readonly string[] }) {
    this.name = `device-${made.number}`;
    this.id = made.id;
    this.#sim = sim;
    this.#random = made.random;
    this.#network = made.network;
    this.#key = made.key;
    this.#endpoints = made.endpoints;
    this.world = new SimulatedWorld({ clock: sim.time, timers: sim.time, random: made.random.fork("world") });
    this.world.update({ network: atSite(this.world.state.network) });
    this.#gateWorld();
    const bytesMax = made.random.integer(8, 24) * 64 * 1024;
    this.disk = new SimulatedDisk(sim, this.id, toHex(made.random.bytes(12)), bytesMax);
    this.releases = new SimulatedReleases(sim, {
      name: this.id, random: made.random.fork("releases"), clock: this.clock, disk: this.disk,
      bootId: () => this.#boot, isOff: () => this.#off, hasNetwork: () => this.world.state.network.link === "up",
      agentRestarts: () => this.#restarts, restartAgent: () => this.#restartByHand(), restartPlayer: () => this.player.restart(),
      powerCut: (offMs) => this.powerCut(offMs),
    });
    this.player = new SimulatedPlayerHost(sim, { name: this.id, random: made.random.fork("player"), disk: this.disk, clock: this.clock, release: () => this.releases.fault });
  }

  /** The agent, while it runs. */
  get agent(): Agent | undefined {
    return this.#running?.life.alive === true ? this.#running.agent : undefined;
  }

  /** Highest number of timers that one of its processes had at once. */
  get timersMax(): number {
    return Math.max(this.#timersMax, this.#life?.timersMax ?? 0);
  }

  get alive(): boolean {
    return this.#life?.alive === true;
  }

  get off(): boolean {
    return this.#off;
  }

  get online(): boolean {
    return this.agent?.link.status().kind === "online";
  }

  /** True time. The machine's own wall clock is in the world. */
  get clock(): Clock {
    const { time } = this.#sim;
    return { wallMs: () => time.wallMs() + this.world.state.clock.offsetMs, monotonicMs: () => time.monotonicMs() - this.#bootedMs };
  }

  /** The proxy that its process uses; absent when there is no proxy or no process. */
  get proxy(): string | undefined {
    return this.alive ? this.#proxy?.current() : undefined;
  }

  get armedTimers(): number {
    return this.#life?.armed ?? 0;
  }

  /** Names of the pending timers of the agent's process. */
  pendingTimers(): readonly string[] {
    return this.#life?.pending().map(({ name }) => name) ?? [];
  }

  /** Starts the agent's process unless it runs or the power is off. */
  start(): void {
    if (this.#off || this.alive) return;
    this.lives += 1;
    const name = `${this.id}#${this.lives}`;
    if (this.world.state.power.pending !== "none") this.world.boot();
    if (this.world.state.power.bootId !== this.#boot) this.#newBoot();
    const life = new Life(this.#sim, name, this.#random.fork(`life-${this.lives}`), this.clock, () => this.#lifeEnded(life));
    this.#life = life;
    this.#sim.trace.add(this.id, "starts", name);
    const { fault } = this.releases;
    if (fault === "does-not-start") return life.die("its release does not start");
    // Sooner than any hold time ends.
    if (fault === "crashes") life.after("sim.crash", this.#random.integer(200, 4_000), () => life.die("its release crashes"));
    this.disk.mount(life);
    this.#run(life).catch((thrown: unknown) => {
      if (!life.alive) return;
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.#sim.breach("nothing-throws", `${name}: the agent ended with ${stack ?? messageOf(thrown)}`);
    });
  }

  /** The process is killed; the service manager starts it again. */
  kill(why: string): void {
    if (!this.alive) return;
    this.#life?.die(why);
  }

  /** Stops it as a service manager does, and restarts it. */
  stopPolitely(): void {
    const running = this.#running;
    if (running === undefined || !running.life.alive) return;
    this.#sim.trace.add(this.id, "stopped-politely");
    running.stop.abort();
    this.#sim.time.after("sim.service-stop-limit", 30_000, () => {
      if (this.#life === running.life) this.kill("it did not stop in time");
    });
  }

  powerCut(offMs: number): void {
    this.#sim.trace.add(this.id, "power-cut", String(offMs));
    const { power } = this.world.state;
    this.world.update({ power: { ...power, pending: "reboot" } });
    for (const wire of this.#network.wires(this.id)) wire.unplugged();
    this.#off = true;
    this.#life?.die("power cut");
    this.player.powerOff();
    this.releases.powerOff();
    this.disk.powerCut();
    this.#sim.time.after("sim.power-on", offMs, () => this.switchOn());
  }

  switchOn(): void {
    if (!this.#off) return;
    this.#off = false;
    this.#sim.time.after("sim.boot", this.#random.integer(4_000, 20_000), () => this.start());
  }

  #restartByHand(): void {
    this.#life?.die("restarted by the updater");
    this.#restarts = 0;
  }

  #machineGone(kind: "reboot" | "shutdown"): void {
    this.#sim.trace.add(this.id, "machine-goes-down", kind);
    this.#off = true;
    this.#life?.die(kind);
    this.player.powerOff();
    this.releases.powerOff();
    const offMs = kind === "reboot" ? 1_000 : this.#random.integer(10_000, 900_000);
    this.#sim.time.after("sim.power-on", offMs, () => this.switchOn());
  }

  #newBoot(): void {
    this.#boot = this.world.state.power.bootId;
    this.#sim.ledger.boots.add(`${this.id} ${this.#boot}`);
    this.#bootedMs = this.#sim.time.monotonicMs() - this.#random.integer(500, 9_000);
    this.#restarts = 0;
    this.player.boot();
    if (this.#sim.sabotage !== "trial-unwatched") this.releases.boot();
  }

  #lifeEnded(life: Life): void {
    this.#timersMax = Math.max(this.#timersMax, life.timersMax);
    if (this.#running?.life === life) this.#running = undefined;
    // After a chance kill at a port, nothing else restarts it.
    if (this.#off) return;
    this.#restarts += 1;
    this.#sim.time.after("sim.service-restart", this.#random.integer(100, 6_000), () => this.start());
  }

  async #run(life: Life): Promise<void> {
    const stop = new AbortController();
    // As of now: the release may be switched while this process still runs.
    const version = this.releases.running;
    const isCutOff = this.releases.fault === "cut-off";
    const ports = await this.#ports(life, isCutOff);
    const agent = await Agent.create(ports, SETTINGS(this.#endpoints, version));
    if (!life.alive) return;
    this.#running = { life, agent, stop };
    if (this.#sim.sabotage === "hands-forgotten") forgetHands(agent);
    if (this.#sim.sabotage === "fluttering-rule") flutter(agent, life);
    await agent.run(stop.signal);
    if (!life.alive) return;
    if (!stop.signal.aborted) this.#sim.breach("nothing-throws", `${life.name}: the agent ended without a request`);
    life.die("stopped politely");
  }

  async #ports(life: Life, isCutOff: boolean): Promise<AgentPorts> {
    const { clock, disk, world, id } = this;
    const logging: { level: string } = { level: "info" };
    const log = watchedLog(this.#sim, life);
    const adapter = createSimulatedAdapter(world, { clock, timers: life, onMachineGone: (kind) => this.#machineGone(kind) });
    const bootId = await adapter.power.bootId();
    const quality = await adapter.clock.quality();
    const outbox = await Outbox.open(
      { openStore: () => disk.openOutbox(life), clock, timers: life, random: life.random, log, boot: bootId, quality },
      (incident) => this.#sim.trace.add(life.name, "outbox-incident", JSON.stringify(incident)),
    );
    const proxy = proxyOfProcess();
    this.#proxy = proxy;
    const transport = new GatedTransport(this.#network.transport(life, id), {
      allowed: () => !isCutOff && world.reachesCloud(proxy.current()),
      onChange: (changed) => world.onChange(changed),
    });
    return {
      clock, timers: life, random: life.random, crypto: this.#sim.crypto, log, key: this.#key, deviceId: id, bootId,
      platform: { ...observedPlatform(this.#sim, life, id, adapter), software: this.releases.connect(life) },
      updates: this.releases.files(life),
      player: this.player.connect(life, log),
      content: contentProvider(this.#sim, life),
      documents: disk.documents(life), journal: disk.journal(life),
      outbox: observedOutbox(this.#sim, life, { device: id, boot: bootId, clock, disk }, outbox),
      transport, cloudProxy: proxy,
      linkPolicy: this.#sim.sabotage === "hammering" ? HAMMERING : LINK_POLICY,
      uploader: (link) => simulatedUploader(this.#sim, life, id, link),
      logs: { collect: () => Promise.resolve(ok({ bytes: new Uint8Array(64), contentType: "text/plain" })) },
      setLogLevel: (level) => {
        logging.level = level;
      },
      logLevel: () => logging.level,
      checks: [],
      storageIssues: () => [],
    };
  }

  /** Ends the hardware's notifications to a process when the process ends. */
  #gateWorld(): void {
    const { world } = this;
    const onChange = SimulatedWorld.prototype.onChange.bind(world);
    world.onChange = (listener) => {
      const life = this.#life;
      if (life === undefined) return onChange(listener);
      const undo = onChange((sections) => life.run("a listener to the hardware", () => listener(sections)));
      life.atDeath(undo);
      return undo;
    };
  }
}

/** The agent decides without what was set by hand. */
function forgetHands({ parts: { desired, claims } }: Agent): void {
  const decideRightly = desired.decide.bind(desired);
  desired.decide = (key, base) => {
    const right = decideRightly(key, base);
    return right.handsOff ? decide(base, claims.of(key), undefined) : right;
  };
}

function flutter(agent: Agent, life: Life): void {
  const { claims } = agent.parts;
  const claimed = claims.of("display.power")?.value;
  claims.claim("display.power", { rule: "flutter", value: claimed === "on" ? "standby" : "on" });
  life.after("sim.flutter", 15_000, () => flutter(agent, life));
}

function SETTINGS(endpoints: readonly string[], version: string): AgentSettings {
  return { version, config: { ...CONFIG, "cloud.firstConnectSpreadMs": 5_000, "gpio.inputs": "GPIO6", "recovery.rebootsPerDay": 3 }, configIssues: [], endpoints, name: "", facts: {} };
}

const HAMMERING: LinkPolicy = {
  ...LINK_POLICY,
  failure: { firstMs: 1, factor: 1, capMs: 1, floorMs: 0 },
  refusal: { firstMs: 1, factor: 1, capMs: 1, floorMs: 0 },
  failover: { firstMs: 1, factor: 1, capMs: 1, floorMs: 0 },
};

/** The proxy of one agent process. A new process has none until it has read its stored settings. */
function proxyOfProcess(): CloudProxy {
  const held: { proxy: string | undefined } = { proxy: undefined };
  return {
    configured: undefined,
    current: () => held.proxy,
    set: (proxy) => {
      held.proxy = proxy;
    },
  };
}

function contentProvider(sim: SimContext, life: Life): ContentProvider {
  return {
    prepare: (content, signal) =>
      life.call("content.prepare", async () => {
        if (sim.sabotage === "throwing-unit") throw new TypeError("sabotage");
        if (content.kind === "url") return ok({ kind: "url", id: content.url, url: content.url, grants: [] });
        if (!(await sleep(life, "sim.download", life.random.integer(100, 20_000), signal))) return fail("content.unreachable", "given up");
        if (sim.faults().dropPerHour > 0 && life.random.chance(0.2)) return fail("content.unreachable", "the download broke off");
        return ok({ kind: "package", id: content.sha256, folder: `/content/${content.sha256}`, entry: "index.html", grants: [], allowedOrigins: [] });
      }),
  };
}
