import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import type { AgentMessage, HostMessage, StageScene } from "../../../player-host/contract/link-messages.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";
import type { Ledger, PageEntry } from "./ledger.ts";

const LINE_BYTES_MAX = 1024 * 1024;
/** Maximum of unanswered records. */
const UNANSWERED_MAX = 400;
const TICK_MS = 20;
const RECONNECT_MS = 25;
/** Over TCP there is a proxy before the socket, on a machine that has other things to do. */
const RECONNECT_PROXY_MS = 500;
/** A PNG of one pixel. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/**
 * A scripted player host: reports plays and page events at a given rate, keeps each until the agent answers, resends
 * unanswered ones on every new connection, and carries out requests.
 */
export class ScriptedPlayer {
  readonly #socketAt: NetConnectOpts;
  readonly #ledger: Ledger;
  readonly #prefix: string;
  readonly #unanswered = new Map<string, PageEntry>();
  #perSecond: number;
  #socket: Socket | undefined;
  #greeted = false;
  #made = 0;
  #owed = 0;
  #left = Infinity;
  #atOnce = UNANSWERED_MAX;
  #content = "scripted";
  #loads = 1;
  #instance = 1;
  #stopped = false;
  #tick: NodeJS.Timeout | undefined;

  /** `place`: the agent's folder with its sockets, or where its player's socket is reached. */
  constructor(place: string | NetConnectOpts, prefix: string, ledger: Ledger, perSecond: number) {
    this.#socketAt = typeof place === "string" ? { path: join(place, "run", "player.sock") } : place;
    this.#prefix = prefix;
    this.#ledger = ledger;
    this.#perSecond = perSecond;
  }

  start(): void {
    this.#connect();
    this.#tick = setInterval(() => this.#send(), TICK_MS);
  }

  /** Sets the rate, in records per second; 0 only waits for answers. */
  setRate(perSecond: number): void {
    this.#perSecond = perSecond;
    this.#left = Infinity;
    this.#atOnce = UNANSWERED_MAX;
  }

  /** Sends `count` more records, at most `atOnce` of them unanswered, and then only waits for answers. */
  offer(count: number, perSecond: number, atOnce: number): void {
    this.#perSecond = perSecond;
    this.#left = count;
    this.#atOnce = atOnce;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#tick);
    this.#socket?.destroy();
  }

  #connect(): void {
    if (this.#stopped) return;
    const socket = connect(this.#socketAt);
    const framer = new LineFramer(LINE_BYTES_MAX);
    socket.setEncoding("utf8");
    this.#socket = socket;
    socket.on("connect", () => this.#write({ t: "host-hello", version: 1, instance: `i${this.#instance}`, pid: process.pid, shell: "scripted 1" }));
    socket.on("data", (text: string) => {
      for (const line of framer.push(text) ?? []) this.#take(JSON.parse(line) as AgentMessage);
    });
    socket.on("error", () => {
      // The agent is away; "close" follows and triggers the next attempt.
    });
    socket.on("close", () => {
      this.#greeted = false;
      setTimeout(() => this.#connect(), "port" in this.#socketAt ? RECONNECT_PROXY_MS : RECONNECT_MS);
    });
  }

  #take(message: AgentMessage): void {
    if (message.t === "agent-hello") {
      this.#greeted = true;
      this.#show(message.scene);
      for (const entry of this.#unanswered.values()) this.#write(messageFor(entry));
    } else if (message.t === "page-stored") {
      const entry = this.#unanswered.get(message.id);
      if (entry === undefined) return;
      entry.fate = message.code === undefined ? { kind: "stored" } : { kind: "refused", code: message.code };
      this.#unanswered.delete(message.id);
    } else if (message.t === "scene") this.#show(message.scene);
    else if (message.t === "request") this.#answer(message);
  }

  /** Shows the scene at once. */
  #show(scene: StageScene): void {
    if (scene.kind === "content" && scene.content.id !== this.#content) {
      this.#content = scene.content.id;
      this.#loads += 1;
    }
    this.#sayStage();
  }

  #answer({ id, request }: Extract<AgentMessage, { t: "request" }>): void {
    this.#ledger.asked.push(request.do);
    const result = request.do === "screenshot" ? { base64: PNG, width: 1, height: 1, format: "png", source: "renderer" } : {};
    this.#write({ t: "reply", id, reply: { ok: true, result } });
    if (request.do === "reload" || request.do === "clear-cache") {
      this.#loads += 1;
      this.#sayStage();
    } else if (request.do === "restart") {
      this.#instance += 1;
      this.#socket?.end();
    }
  }

  #sayStage(): void {
    this.#write({
      t: "stage", stage: { kind: "playing", content: this.#content, sinceMs: 1, loads: this.#loads },
      picture: { verdict: "showing", confidence: 1, evidence: [{ witness: "script", says: "it says so" }] },
    });
  }

  #send(): void {
    if (!this.#greeted) return;
    this.#owed = Math.min(this.#owed + (this.#perSecond * TICK_MS) / 1_000, this.#perSecond / 4);
    for (; this.#owed >= 1 && this.#unanswered.size < this.#atOnce && this.#left > 0; this.#owed -= 1) {
      this.#left -= 1;
      this.#made += 1;
      const entry: PageEntry = { id: `${this.#prefix}-${this.#made}`, stream: this.#made % 3 === 0 ? "event" : "play", fate: { kind: "unanswered" } };
      this.#ledger.pages.set(entry.id, entry);
      this.#unanswered.set(entry.id, entry);
      this.#write(messageFor(entry));
    }
  }

  #write(message: HostMessage): void {
    if (this.#socket?.writable === true) this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}

/** Has the id in the body too, to find it in the cloud's store. */
function messageFor({ id, stream }: PageEntry): HostMessage {
  if (stream === "event") return { t: "page-event", id, name: id, data: { from: "prove" } };
  return { t: "page-play", id, play: { item: id, startedMs: 1_700_000_000_000, durationMs: 10_000, result: "completed" } };
}
