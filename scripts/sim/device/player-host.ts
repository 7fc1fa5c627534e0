import { UNTOLD_STAGE, type PlayerEvent, type PlayerLink, type PlayerStatus } from "../../../agent/core/player/player-port.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import type { HostRequest, StageReport, StageScene } from "../../../player-host/contract/link-messages.ts";
import { pause } from "../pause.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

type Present = Extract<PlayerStatus, { kind: "present" }>;
type PageRecord = Extract<PlayerEvent, { t: "page-event" | "page-play" }>;

/** What the page emits and the agent has not stored: as many are kept, as a real host keeps its spool. */
const SPOOL_MAX = 2_000;
/** As many of them are with the agent at once: what a real host has under way (page-desk.ts). */
const UNDER_WAY_MAX = 564;
/** The host finds a new process of the agent within this time: also well after that has heard the cloud's welcome and its commands. */
const JOINS_WITHIN_MS = 8_000;
/** From the host's greeting to its word on what is on the screen. */
const TELLS_WITHIN_MS = 200;
/** With the sabotage `host-stays-away`. */
const STAYS_AWAY_MS = 180_000;
/** Sent and not answered: sent again after this. */
const RESEND_MS = 15_000;
/** Refusals that sending again does not change. */
const FINAL_REFUSALS: ReadonlySet<string> = new Set(["page.invalid", "outbox.invalid", "outbox.too-large"]);

/**
 * The player host and the page in it: a process of its own that outlives the agent's. It keeps what the page
 * emitted until the agent says it is stored, and sends it again with the same id.
 */
export class SimulatedPlayerHost {
  readonly #sim: SimContext;
  readonly #name: string;
  readonly #random: SeededRandom;
  readonly #spool = new Map<string, { readonly record: PageRecord; sentMs: number }>();
  #link: HostEnd | undefined;
  #instance = 1;
  #presentSinceMs: number | undefined = 0;
  #scene: StageScene = { kind: "blank" };
  #loads = 1;
  #nextId = 1;
  /** Page records given up because the spool was full: the host's loss, not the agent's. */
  dropped = 0;

  constructor(sim: SimContext, name: string, random: SeededRandom) {
    this.#sim = sim;
    this.#name = name;
    this.#random = random;
    this.#resend();
  }

  /** Since when the host has run without a break; `undefined`: it does not. */
  get presentSinceMs(): number | undefined {
    return this.#presentSinceMs;
  }

  get #present(): boolean {
    return this.#presentSinceMs !== undefined;
  }

  get waiting(): number {
    return this.#spool.size;
  }

  /** The end of the link in a new process of the agent. */
  connect(life: Life): PlayerLink {
    const link = new HostEnd(life, this);
    this.#link = link;
    life.atDeath(() => {
      if (this.#link === link) this.#link = undefined;
    });
    const joinsMs = this.#sim.sabotage === "host-stays-away" ? STAYS_AWAY_MS : this.#random.integer(20, JOINS_WITHIN_MS);
    if (this.#present) life.after("sim.player-connects", joinsMs, () => this.#appear());
    return link;
  }

  vanish(): void {
    if (!this.#present) return;
    this.#sim.trace.add(this.#name, "player-vanishes");
    this.#presentSinceMs = undefined;
    this.#link?.leave("the host ended");
  }

  /** `anew`: another process of the host; else the one that was only cut off. */
  comeBack(anew: boolean): void {
    if (this.#present) return;
    this.#sim.trace.add(this.#name, "player-returns", anew ? "anew" : "as it was");
    this.#presentSinceMs = this.#sim.time.monotonicMs();
    if (anew) this.#startAnew();
    this.#appear();
  }

  /** The machine booted: every process on it is a new one. */
  rebooted(): void {
    this.#presentSinceMs = this.#sim.time.monotonicMs();
    this.#startAnew();
  }

  emitPlay(durationMs: number): void {
    const id = this.#id();
    const play = { item: `item-${durationMs % 17}`, startedMs: Math.round(this.#sim.time.wallMs()), durationMs, result: "completed", data: { id } };
    this.#emit({ t: "page-play", id, play });
  }

  emitEvent(size: number): void {
    const id = this.#id();
    this.#emit({ t: "page-event", id, name: "sim.event", data: { id, pad: "x".repeat(size) } });
  }

  setScene(scene: StageScene): void {
    this.#scene = scene;
    this.#loads += 1;
    if (!this.#present) return;
    this.#report();
  }

  /** The agent's answer to a page record. */
  stored(id: string, code: string | undefined): void {
    const waiting = this.#spool.get(id);
    if (this.#sim.sabotage === "page-never-stored") return;
    if (code !== undefined) this.#sim.trace.add(this.#name, "page-refused", `${id} ${code}`);
    if (waiting === undefined) return;
    if (code === undefined || FINAL_REFUSALS.has(code)) this.#spool.delete(id);
    if (code === undefined) this.#sim.ledger.pageRecordStored(this.#name, id);
  }

  async request(request: HostRequest, timeoutMs: number, life: Life): Promise<Result<JsonObject>> {
    if (!this.#present) return fail("player.absent", "no player host is connected");
    if (request.do === "identify") this.#sim.ledger.effect(this.#name, `identify:${request.text}`);
    const instance = this.#instance;
    await pause(life, "sim.player-answers", Math.min(timeoutMs, this.#random.integer(5, 400)));
    if (!this.#present || instance !== this.#instance) return fail("player.absent", "the host went away");
    switch (request.do) {
      case "reload":
      case "clear-cache":
        this.#loads += 1;
        this.#sim.time.after("sim.player-loads", this.#random.integer(100, 3_000), () => this.#report());
        return ok({});
      case "restart":
        this.vanish();
        this.#sim.time.after("sim.player-restarts", this.#random.integer(500, 8_000), () => this.comeBack(true));
        return ok({});
      case "screenshot":
        return ok({ base64: "iVBORw0KGgo=", width: 4, height: 3, format: request.format, source: "simulated" });
      case "page-message":
      case "identify":
        return ok({});
    }
  }

  status(): Present {
    const stage = this.#stage();
    return {
      kind: "present", instance: `${this.#name}-host-${this.#instance}`, pid: 1_000 + this.#instance, shell: "simulated", stage,
      picture: { verdict: stage.kind === "playing" ? "showing" : "blank", confidence: 1, evidence: [{ witness: "frame", says: "a frame came" }] },
      heardMs: this.#sim.time.monotonicMs(),
    };
  }

  #startAnew(): void {
    this.#instance += 1;
    this.#loads = 1;
    for (const waiting of this.#spool.values()) waiting.sentMs = Number.NEGATIVE_INFINITY;
  }

  #stage(): StageReport {
    const scene = this.#scene;
    if (scene.kind === "content") return { kind: "playing", content: scene.content.id, sinceMs: 0, loads: this.#loads };
    return { kind: "screen", screen: scene.kind };
  }

  #appear(): void {
    if (!this.#present) return;
    this.#link?.join(this.#random.integer(1, TELLS_WITHIN_MS));
    this.#send(true);
  }

  #report(): void {
    if (this.#present) this.#link?.tell();
  }

  #emit(record: PageRecord): void {
    if (this.#spool.size >= SPOOL_MAX) {
      this.dropped += 1;
      return;
    }
    this.#spool.set(record.id, { record, sentMs: Number.NEGATIVE_INFINITY });
    this.#send(false);
  }

  #send(all: boolean): void {
    const link = this.#link;
    if (link === undefined || !this.#present) return;
    const nowMs = this.#sim.time.monotonicMs();
    let underWay = 0;
    for (const waiting of this.#spool.values()) {
      underWay += 1;
      if (underWay > UNDER_WAY_MAX) return;
      if (!all && nowMs - waiting.sentMs < RESEND_MS) continue;
      waiting.sentMs = nowMs;
      link.receive(waiting.record);
    }
  }

  #resend(): void {
    this.#sim.time.after("sim.player-resends", RESEND_MS, () => {
      this.#send(false);
      this.#resend();
    });
  }

  #id(): string {
    return `${this.#name}-p${this.#nextId++}`;
  }
}

/** The agent's end of the local link. */
class HostEnd implements PlayerLink {
  readonly #life: Life;
  readonly #host: SimulatedPlayerHost;
  readonly #onStatus = new Set<(status: PlayerStatus) => void>();
  readonly #onEvent = new Set<(event: PlayerEvent) => void>();
  #here: { readonly kind: "away"; readonly sinceMs: number; readonly why: string } | { readonly kind: "joined" } | { readonly kind: "told" };

  constructor(life: Life, host: SimulatedPlayerHost) {
    this.#life = life;
    this.#host = host;
    this.#here = { kind: "away", sinceMs: life.clock.monotonicMs(), why: "no host has connected yet" };
  }

  status(): PlayerStatus {
    const here = this.#here;
    if (here.kind === "away") return { ...here, kind: "absent" };
    return here.kind === "told" ? this.#host.status() : { ...this.#host.status(), stage: UNTOLD_STAGE };
  }

  /** The host's greeting; what is on its screen follows. */
  join(tellsAfterMs: number): void {
    this.#here = { kind: "joined" };
    this.#tellListeners();
    this.#life.after("sim.player-tells", tellsAfterMs, () => {
      if (this.#here.kind !== "joined") return;
      this.#here = { kind: "told" };
      this.#tellListeners();
    });
  }

  tell(): void {
    if (this.#here.kind === "told") this.#tellListeners();
  }

  leave(why: string): void {
    this.#here = { kind: "away", sinceMs: this.#life.clock.monotonicMs(), why };
    this.#tellListeners();
  }

  #tellListeners(): void {
    const status = this.status();
    for (const listener of [...this.#onStatus]) this.#life.run("a listener to the player's status", () => listener(status));
  }

  receive(event: PlayerEvent): void {
    for (const listener of [...this.#onEvent]) this.#life.run("a listener to the player's events", () => listener(event));
  }

  onStatus(listener: (status: PlayerStatus) => void): () => void {
    this.#onStatus.add(listener);
    return () => void this.#onStatus.delete(listener);
  }

  onEvent(listener: (event: PlayerEvent) => void): () => void {
    this.#onEvent.add(listener);
    return () => void this.#onEvent.delete(listener);
  }

  setScene(scene: StageScene): void {
    if (this.#life.alive) this.#host.setScene(scene);
  }

  setContext(): void {
    // The page's configuration changes nothing that is simulated here.
  }

  pageStored(id: string, code?: string): void {
    if (this.#life.alive) this.#host.stored(id, code);
  }

  sendGpio(): void {
    // Edges reach the cloud by the outbox; the page does nothing with them here.
  }

  request(request: HostRequest, timeoutMs: number): Promise<Result<JsonObject>> {
    if (this.#here.kind === "away") return Promise.resolve(fail("player.absent", "no player host is connected"));
    return this.#life.call(`player.${request.do}`, () => this.#host.request(request, timeoutMs, this.#life));
  }
}
