import type { ConnectionEvents, Connection as DeviceConnection, Failed, Transport } from "../../agent/core/cloud/cloud-port.ts";
import { FRAME_BYTES_MAX } from "../../agent/protocol/limits.ts";
import { ENDPOINT_SCHEMES } from "../../agent/protocol/values.ts";
import { err, type Result } from "../tool-result.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { Connection as CloudConnection } from "../dev-cloud/sessions/connection.ts";
import type { SimulatedCloud } from "./cloud/simulated-cloud.ts";
import type { Life } from "./device/life.ts";
import type { SimContext } from "./simulation-context.ts";
import { Pipe } from "./pipe.ts";
import type { Code } from "../../platform/ports/codes.ts";

/** As the real transport: more than this on its way out is refused. */
const SEND_BUFFER_BYTES_MAX = 1024 * 1024;
const BROKEN = failed("link.network", "the connection was interrupted");

/** What the simulated cloud's session takes from a wire. */
interface CloudEnd {
  onFrame(text: string, bytes?: number): void;
  onBinary(bytes: number): void;
  onClosed(reason: string): void;
}

/** The network between all devices and all clouds. */
export class SimulatedNetwork {
  readonly #sim: SimContext;
  readonly #clouds = new Map<string, SimulatedCloud>();
  readonly #wires = new Set<Wire>();

  constructor(sim: SimContext) {
    this.#sim = sim;
  }

  add(cloud: SimulatedCloud): void {
    this.#clouds.set(cloud.origin, cloud);
  }

  /** The transport in one life of one device's agent. */
  transport(life: Life, device: string): Transport {
    return { schemes: ENDPOINT_SCHEMES, connect: (url, events, signal) => this.#connect(life, device, url, events, signal) };
  }

  wires(device: string): readonly Wire[] {
    return [...this.#wires].filter((wire) => wire.device === device);
  }

  /** The cloud's process ended: its machine tells the other sides, as far as there is a way to them. */
  cloudGone(cloud: SimulatedCloud): void {
    for (const wire of [...this.#wires]) if (wire.cloud === cloud) wire.breakOff("cloud");
  }

  /** Every wire that carries nothing carries on, or is broken off: what was half-open is found out. */
  heal(): void {
    for (const wire of [...this.#wires]) wire.heal();
  }

  async #connect(life: Life, device: string, url: string, events: ConnectionEvents, signal: AbortSignal): Promise<Result<DeviceConnection, Failed>> {
    const { ledger, trace, time } = this.#sim;
    const faults = this.#sim.faults();
    ledger.connecting(device, time.monotonicMs());
    trace.add(device, "connects", url);
    const { random } = life;
    if (random.chance(faults.connectHangsChance)) {
      ledger.faults += 1;
      await untilAborted(signal);
      return err(failed("link.timeout", "no answer from the cloud"));
    }
    if (!(await sleep(life, "sim.connect", random.integer(2, 250), signal))) return err(failed("link.timeout", "given up"));
    const cloud = this.#clouds.get(new URL(url).origin);
    if (cloud === undefined) return err(failed("link.dns", `there is no ${url}`));
    if (!cloud.running) return err(failed("link.refused", "nobody listens"));
    if (random.chance(faults.connectRefusedChance)) {
      ledger.faults += 1;
      return err(failed("link.refused", "the connection was refused"));
    }
    const wire = new Wire(this.#sim, life, device, cloud, events, () => this.#wires.delete(wire));
    this.#wires.add(wire);
    wire.open();
    return { ok: true, value: wire.deviceEnd };
  }
}

/** One connection: frames arrive whole, in order and once, or the connection is over. */
export class Wire {
  readonly device: string;
  readonly cloud: SimulatedCloud;
  readonly deviceEnd: DeviceConnection;
  readonly #sim: SimContext;
  readonly #events: ConnectionEvents;
  readonly #life: Life;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #gone: () => void;
  #session: CloudEnd | undefined;
  #deviceOver = false;
  #cloudOver = false;

  constructor(sim: SimContext, life: Life, device: string, cloud: SimulatedCloud, events: ConnectionEvents, gone: () => void) {
    this.#sim = sim;
    this.#life = life;
    this.device = device;
    this.cloud = cloud;
    this.#events = events;
    this.#gone = gone;
    const random: SeededRandom = life.random;
    const slow = random.chance(sim.faults().slowLinkChance);
    if (slow) sim.ledger.faults += 1;
    const nature = { latencyMs: random.integer(1, slow ? 900 : 80), bytesPerMs: slow ? random.integer(1, 8) : 2_000 };
    this.#up = new Pipe(sim.time, "sim.wire-up", nature, (frame) => this.#atCloud(frame));
    this.#down = new Pipe(sim.time, "sim.wire-down", nature, (frame) => this.#atDevice(frame));
    this.deviceEnd = {
      frameBytesMax: FRAME_BYTES_MAX,
      send: (frame) => this.#send(frame),
      bufferedBytes: () => (this.#deviceOver ? 0 : this.#up.bytes),
      close: (reason) => this.#closeByDevice(reason),
    };
    life.atDeath(() => this.#deviceProcessEnded());
  }

  open(): void {
    this.#session = this.cloud.open(this.#cloudEnd());
  }

  /** Both ends believe in it, and nothing comes through any more, in one direction or in both. */
  halfOpen(direction: "both" | "up" | "down"): void {
    this.#sim.trace.add(this.device, "half-open", direction);
    if (direction !== "down") this.#up.swallow();
    if (direction !== "up") this.#down.swallow();
  }

  stall(durationMs: number): void {
    this.#sim.trace.add(this.device, "stalls", String(durationMs));
    this.#up.hold(durationMs);
    this.#down.hold(durationMs);
  }

  /** The connection is over; who hears of it at once. The other side finds out by its own time-outs. */
  breakOff(heardBy: "both" | "device" | "cloud"): void {
    this.#sim.trace.add(this.device, "breaks-off", heardBy);
    this.#up.swallow();
    this.#down.swallow();
    if (heardBy !== "cloud" || !this.cloud.running) this.#overAtDevice(BROKEN);
    if (heardBy !== "device") this.#overAtCloud("closed");
  }

  /** The machine lost its power: the cloud hears nothing. */
  unplugged(): void {
    this.#up.swallow();
    this.#down.swallow();
  }

  heal(): void {
    if (this.#up.swallows || this.#down.swallows) {
      this.#overAtDevice(BROKEN);
      this.#overAtCloud("closed");
    }
    this.#up.hold(0);
    this.#down.hold(0);
  }

  #send(frame: string): boolean {
    if (this.#deviceOver || this.#up.bytes + frame.length > SEND_BUFFER_BYTES_MAX) return false;
    this.#sim.trace.add(this.device, "sends", frame);
    this.#sim.ledger.sent(this.device, frame);
    this.#sim.ledger.frames += 1;
    this.#up.send(frame);
    return true;
  }

  #closeByDevice(reason: string): void {
    if (this.#deviceOver) return;
    this.#overAtDevice(failed("link.closed", `closed by the device: ${reason}`));
    this.#up.end(() => this.#overAtCloud("closed"));
  }

  /** The kernel of a killed process closes its connections, unless the machine died with it. */
  #deviceProcessEnded(): void {
    this.#deviceOver = true;
    this.#down.swallow();
    this.#up.end(() => this.#overAtCloud("closed"));
    this.#settle();
  }

  #atCloud(frame: string): void {
    if (this.#cloudOver) return;
    this.cloud.run("a frame", () => this.#session?.onFrame(frame, frame.length));
  }

  #atDevice(frame: string): void {
    if (this.#deviceOver) return;
    if (frame.length > 2 * FRAME_BYTES_MAX) {
      this.#overAtDevice(failed("frame.too-large", "the server sent a frame that is too large"));
      this.#up.end(() => this.#overAtCloud("closed"));
      return;
    }
    this.#sim.trace.add(this.device, "receives", frame);
    this.#sim.ledger.frames += 1;
    this.#life.run("a frame", () => this.#events.frame(frame));
  }

  #overAtDevice(why: Failed): void {
    if (this.#deviceOver) return;
    this.#deviceOver = true;
    this.#life.run("the end of a connection", () => this.#events.closed(why));
    this.#settle();
  }

  #overAtCloud(reason: string): void {
    if (this.#cloudOver) return;
    this.#cloudOver = true;
    this.cloud.run("the end of a connection", () => this.#session?.onClosed(reason));
    this.#settle();
  }

  #settle(): void {
    if (!this.#deviceOver || !this.#cloudOver) return;
    this.#up.swallow();
    this.#down.swallow();
    this.#gone();
  }

  #cloudEnd(): CloudConnection {
    const closing = (why: Failed): void => {
      this.#cloudOver = true;
      this.#down.end(() => this.#overAtDevice(why));
      this.#settle();
    };
    return {
      remote: this.device,
      send: (text) => {
        if (this.#cloudOver || (this.#sim.sabotage === "desired-lost" && text.startsWith('{"t":"desired"'))) return;
        this.#down.send(text);
      },
      sendBinary: () => {
        if (!this.#cloudOver) this.#down.send("\u0000binary");
      },
      close: (code, reason) => closing(failed("link.closed", `the server closed the connection with ${code}: ${reason}`)),
      cut: () => {
        if (this.#cloudOver) return;
        this.#cloudOver = true;
        if (!this.#down.swallows) this.#overAtDevice(BROKEN);
        this.#settle();
      },
      pause: () => this.#up.pause(),
      resume: () => this.#up.resume(),
      bufferedBytes: () => this.#down.bytes,
    };
  }
}

function failed(code: Code, message: string): Failed {
  return { kind: "failed", code, message };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
