import { HostLink } from "../../../agent/core/player/host-link.ts";
import type { PlayerLink, PlayerStatus } from "../../../agent/core/player/player-port.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import type { HostRequest } from "../../../player-host/contract/link-messages.ts";
import { openHost } from "../../../player-host/host/open-host.ts";
import { MemoryPackageFolders } from "../../../player-host/host/testing/memory-package-folders.ts";
import { MemoryText } from "../../../player-host/host/testing/memory-text.ts";
import type { ReleaseKind } from "../releases.ts";
import type { SimContext } from "../simulation-context.ts";
import { Life } from "./life.ts";
import { LocalSocket } from "./local-socket.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { type PageState, SimulatedPage } from "./simulated-page.ts";
import { watchedLog } from "./watched-log.ts";

/** Time from the end of a process, or the start of the machine, to the next process. */
const STARTS_MS = [500, 8_000] as const;
/** With the sabotage `host-stays-away`, the host does not connect to an agent younger than this. */
const STAYS_AWAY_MS = 180_000;

/** The machine of a player host. */
interface Machine {
  readonly name: string;
  readonly random: SeededRandom;
  readonly disk: SimulatedDisk;
  readonly clock: Clock;
  /** What is wrong with the release that runs. */
  release(): ReleaseKind;
}

/** The real player host with its page and its link to the agent, in successive processes that outlive the agent's. */
export class SimulatedPlayerHost {
  readonly #sim: SimContext;
  readonly #machine: Machine;
  readonly #scene = new MemoryText();
  readonly #packageList = new MemoryText();
  readonly #socket: LocalSocket;
  #process: { readonly life: Life; readonly page: SimulatedPage } | undefined;
  #presentSinceMs: number | undefined;
  /** Time since which the agent's present process listens. */
  #agentSinceMs = 0;
  #hasPower = false;
  #output: "on" | "off" = "on";
  /** Made to go away; does not come back by itself. */
  #isAway = false;
  #starts = 0;
  #records = 0;

  constructor(sim: SimContext, machine: Machine) {
    this.#sim = sim;
    this.#machine = machine;
    const { time } = sim;
    this.#socket = new LocalSocket(() => this.#isAway || (sim.sabotage === "host-stays-away" && time.monotonicMs() - this.#agentSinceMs < STAYS_AWAY_MS));
  }

  /** Time since which the host has run without a break; `undefined` when it does not run or cannot be reached. */
  get presentSinceMs(): number | undefined {
    return this.#presentSinceMs;
  }

  /** Whether its spool is empty. */
  get isDrained(): boolean {
    return this.#machine.disk.spoolIsEmpty;
  }

  /** The agent's end of the link, in a new process of the agent. */
  connect(life: Life, log: Log): PlayerLink {
    this.#agentSinceMs = this.#sim.time.monotonicMs();
    const link = new ObservedHostLink(this.#sim, life, log);
    this.#socket.listen(life, (channel) => link.accept(channel));
    return link;
  }

  /** Its page; `undefined` while its process does not run. */
  get page(): PageState | undefined {
    return this.#process?.page.state;
  }

  get output(): "on" | "off" {
    return this.#output;
  }

  /** Switches the output that shows the page, which the page is not told. */
  switchOutput(power: "on" | "off"): void {
    if (power === this.#output) return;
    this.#sim.trace.add(this.#machine.name, "output", power);
    this.#output = power;
    this.#process?.page.outputChanged();
  }

  /** The page loops from now on. */
  hang(): void {
    this.#process?.page.hang();
  }

  /** The machine has started. */
  boot(): void {
    this.#hasPower = true;
    this.#isAway = false;
    this.#startLater();
  }

  powerOff(): void {
    this.#hasPower = false;
    this.#process?.life.die("the machine goes down");
  }

  /** The service manager restarts it. */
  restart(): void {
    this.#process?.life.die("restarted");
  }

  /** `killed`: its process ends; otherwise it is only cut off from the agent. */
  vanish(killed: boolean): void {
    if (this.#isAway || !this.#hasPower) return;
    this.#sim.trace.add(this.#machine.name, "player-vanishes", killed ? "killed" : "cut off");
    this.#isAway = true;
    this.#presentSinceMs = undefined;
    if (killed) this.#process?.life.die("killed");
    else this.#socket.cut();
  }

  comeBack(): void {
    if (!this.#isAway) return;
    this.#sim.trace.add(this.#machine.name, "player-returns");
    this.#isAway = false;
    if (this.#process === undefined) this.#start();
    else this.#presentSinceMs = this.#sim.time.monotonicMs();
  }

  emitPlay(durationMs: number): void {
    const play = { item: `item-${durationMs % 17}`, startedMs: Math.round(this.#sim.time.wallMs()), durationMs, result: "completed" };
    this.#emit((id) => ({ do: "report-play", play: { ...play, data: { id } } }));
  }

  emitEvent(size: number): void {
    this.#emit((id) => ({ do: "emit", name: "sim.event", data: { id, pad: "x".repeat(size) } }));
  }

  /** Emits a call from the page, if there is a process. */
  #emit(callOf: (id: string) => Readonly<Record<string, unknown>>): void {
    const id = `${this.#machine.name}-p${(this.#records += 1)}`;
    this.#process?.page.emit(id, callOf(id));
  }

  #startLater(): void {
    this.#sim.time.after("sim.player-starts", this.#machine.random.integer(...STARTS_MS), () => this.#start());
  }

  #start(): void {
    if (this.#process !== undefined || !this.#hasPower || this.#isAway) return;
    const { name, random, clock } = this.#machine;
    this.#starts += 1;
    const life = new Life(this.#sim, `${name}-host#${this.#starts}`, random.fork(`process-${this.#starts}`), clock, () => this.#ended());
    const page = new SimulatedPage(this.#sim, life, name, () => this.#output === "off", () => this.#machine.release());
    this.#process = { life, page };
    this.#presentSinceMs = this.#sim.time.monotonicMs();
    life.atDeath(() => this.#socket.cut());
    this.#run(life, page).catch((thrown: unknown) => {
      if (life.alive) this.#sim.breach("nothing-throws", `${life.name}: the player host ended with ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}`);
    });
  }

  #ended(): void {
    this.#process = undefined;
    this.#presentSinceMs = undefined;
    this.#startLater();
  }

  async #run(life: Life, page: SimulatedPage): Promise<void> {
    const { disk, clock } = this.#machine;
    const host = await openHost({
      shell: page, openChannel: (listener) => this.#socket.open(life, listener),
      scene: this.#scene.open(), packageList: this.#packageList.open(), spool: disk.spool(life), folders: new MemoryPackageFolders(),
      probe: () => ({ ask: () => Promise.resolve({ kind: "answers" }) }),
      browser: { why: "it is the only one", sandbox: true, passedOver: [] }, trial: false,
      clock, timers: life, random: life.random, log: watchedLog(this.#sim, life), pid: this.#starts, hostBytes: () => 1,
    });
    const { kind } = await host.run(new AbortController().signal);
    life.die(kind);
  }
}

/** The agent's end, whose process may die before or after a request. */
class ObservedHostLink extends HostLink {
  readonly #sim: SimContext;
  readonly #life: Life;

  constructor(sim: SimContext, life: Life, log: Log) {
    super({ clock: life.clock, timers: life, log });
    this.#sim = sim;
    this.#life = life;
  }

  override status(): PlayerStatus {
    if (this.#sim.sabotage !== "host-unseen") return super.status();
    return { kind: "absent", how: "lost", sinceMs: 0, why: "sabotage" };
  }

  override request(request: HostRequest, timeoutMs: number): Promise<Result<JsonObject>> {
    return this.#life.call(`player.${request.do}`, () => super.request(request, timeoutMs));
  }

  override pageStored(id: string, code?: string): void {
    if (this.#sim.sabotage === "page-never-stored") return;
    if (code !== undefined) this.#sim.trace.add(this.#life.name, "page-record-refused", `${id} ${code}`);
    super.pageStored(id, code);
  }
}
