import { silentLog } from "../../../../platform/ports/log.ts";
import { nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import type { Log } from "../../../../platform/ports/log.ts";
import type { NetworkSettings } from "../../../../platform/ports/network-settings.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { simulatedNetworkSettingsPort } from "../../../../platform/simulated/simulated-network-settings.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import { GatedTransport } from "../../cloud/gated-transport.ts";
import { LinkBench } from "../../cloud/testing/link-bench.ts";
import { MemoryDocumentStore } from "../../storage/memory-document-store.ts";
import { ScriptedTransport } from "../../cloud/testing/scripted-transport.ts";
import { WayToCloud } from "../../cloud/way-to-cloud.ts";
import type { CloudProxy } from "../cloud-proxy.ts";
import { NetworkChange } from "../network-change.ts";
import { DEFAULT_NETWORK_POLICY } from "../network-change-deps.ts";

/** Thrown by every operation after the simulated power cut. */
export class PowerCut extends Error {}

/** What survives a restart: disk and hardware. */
export interface Machine {
  readonly disk: Map<string, string>;
  readonly world: SimulatedWorld;
  readonly time: VirtualTime;
  configuredProxy?: string;
}

export function machine(): Machine {
  const time = new VirtualTime();
  return { disk: new Map(), time, world: new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("network") }) };
}

/** A log that keeps every line as text. */
export function textLog(lines: string[]): Log {
  const note = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  return log;
}

/** The network change in one run of the software, with the real link over a cloud without sockets. */
export class NetworkBench {
  readonly machine: Machine;
  readonly documents: MemoryDocumentStore;
  readonly alarms = new Map<string, string>();
  readonly lines: string[] = [];
  readonly way = new WayToCloud(silentLog);
  readonly proxy: CloudProxy;
  readonly cloud: ScriptedTransport;
  readonly stop = new AbortController();
  /** Names of the calls to the machine's settings. */
  readonly calls: string[] = [];
  change!: NetworkChange;
  linkBench!: LinkBench;
  #dead = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(of: Machine) {
    this.machine = of;
    this.documents = new MemoryDocumentStore({ disk: of.disk });
    this.cloud = new ScriptedTransport(() => of.time.monotonicMs());
    let current = of.configuredProxy;
    this.proxy = {
      configured: of.configuredProxy,
      current: () => current,
      set: (proxy) => {
        current = proxy;
      },
    };
  }

  /** Starts the software and lets `forMs` pass, so that the link can connect and an open trial is completed. */
  static async start(of: Machine, over: { readonly settings?: (port: NetworkSettings) => NetworkSettings | undefined; readonly forMs?: number } = {}): Promise<NetworkBench> {
    const bench = new NetworkBench(of);
    const { time, world } = of;
    const log = textLog(bench.lines);
    const port = bench.#mortal(simulatedNetworkSettingsPort(world, time));
    bench.change = await NetworkChange.load({
      settings: over.settings === undefined ? port : over.settings(port),
      proxy: bench.proxy, documents: bench.documents, crypto: nodeCrypto, way: bench.way, clock: time, timers: time, random: new SeededRandom(1), log,
      alarms: { raise: (code, _severity, message) => void bench.alarms.set(code, message), clear: (code) => void bench.alarms.delete(code), active: () => new Map() },
      policy: DEFAULT_NETWORK_POLICY,
    });
    const gate = { allowed: () => world.reachesCloud(bench.proxy.current() === of.configuredProxy ? undefined : bench.proxy.current()), onChange: (changed: () => void) => world.onChange(changed) };
    bench.linkBench = await LinkBench.make({ time, transport: new GatedTransport(bench.cloud, gate), log });
    bench.change.attach(bench.linkBench.link);
    bench.#running = bench.change.run(bench.stop.signal).catch(onlyTheCut);
    await bench.linkBench.start(over.forMs ?? 10_000);
    return bench;
  }

  advance(byMs: number): Promise<void> {
    return this.machine.time.advance(byMs);
  }

  online(): boolean {
    return this.linkBench.link.status().kind === "online";
  }

  /** From here on nothing this run does reaches the hardware. */
  cutPower(): never {
    this.#dead = true;
    throw new PowerCut();
  }

  async end(): Promise<void> {
    this.#dead = true;
    this.stop.abort();
    await this.linkBench.end();
    await this.machine.time.settled(this.#running);
  }

  #mortal(port: NetworkSettings): NetworkSettings {
    const alive = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      if (this.#dead) throw new PowerCut();
      this.calls.push(name);
      return work();
    };
    return {
      get capabilities() {
        return port.capabilities;
      },
      worstCaseMs: port.worstCaseMs,
      current: () => alive("current", () => port.current()),
      checkpoint: (settings) => alive("checkpoint", () => port.checkpoint(settings)),
      apply: (settings) => alive("apply", () => port.apply(settings)),
      restore: (point) => alive("restore", () => port.restore(point)),
      keep: (point) => alive("keep", () => port.keep(point)),
    };
  }
}

/** Ignores the error of the power cut; anything else is a bug. */
export function onlyTheCut(thrown: unknown): void {
  if (!(thrown instanceof PowerCut)) throw thrown;
}
