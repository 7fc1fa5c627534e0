/**
 * The agent's end of the link and the player host in one program, without Node or the DOM: `portable.test.ts` bundles
 * this file and runs it where neither exists.
 */
import { HostLink } from "../../../agent/core/player/host-link.ts";
import type { PlayerEvent } from "../../../agent/core/player/player-port.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { InProcessLink } from "../../contract/in-process-link.ts";
import type { StageContent } from "../../contract/link-messages.ts";
import { openHost } from "../open-host.ts";
import { MemoryPackageFolders } from "./memory-package-folders.ts";
import { MemoryShell } from "./memory-shell.ts";
import { MemorySpool } from "./memory-spool.ts";
import { MemoryText } from "./memory-text.ts";

export type PageRecord = Extract<PlayerEvent, { t: "page-event" | "page-play" }>;

const MENU: StageContent = { kind: "package", id: "menu1", name: "menu", folder: "/menu", entry: "index.html", grants: [], allowedOrigins: [] };

/** A machine with a disk in memory, on which agent and host start and stop. */
export class OneProgram {
  readonly random = new SeededRandom("one program");
  readonly time = new VirtualTime({ settle: turns });
  readonly spool = new MemorySpool();
  readonly #scene = new MemoryText();
  readonly #packageList = new MemoryText();
  readonly #folders = new MemoryPackageFolders();
  readonly #way = new InProcessLink();
  /** Messages of the page that agents have stored, oldest first. */
  readonly stored: string[] = [];
  #shell = new MemoryShell(this.#folders);
  #agent: HostLink | undefined;
  #leave: () => void = () => undefined;
  #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #calls = 0;
  readonly #keep: (record: PageRecord) => Promise<unknown>;

  /** `keep`: what an agent does with a message of the page before it confirms it. */
  constructor(keep: (record: PageRecord) => Promise<unknown> = () => Promise.resolve()) {
    this.#keep = keep;
    this.#folders.packages.set("/menu", { "index.html": "the menu" });
  }

  async startAgent(): Promise<void> {
    const agent = new HostLink({ clock: this.time, timers: this.time, log: silentLog });
    agent.setScene({ kind: "content", content: MENU });
    agent.setContext({ device: { id: "d1" }, config: { shop: "one" } });
    agent.onEvent((event) => {
      if (event.t === "page-event" || event.t === "page-play") this.#store(agent, event);
    });
    this.#agent = agent;
    this.#leave = this.#way.listen((channel) => agent.accept(channel));
    await this.time.advance(10_000);
  }

  async stopAgent(): Promise<void> {
    this.#leave();
    this.#agent = undefined;
    await this.time.advance(1_000);
  }

  async startHost(): Promise<void> {
    this.#shell = new MemoryShell(this.#folders);
    this.#stop = new AbortController();
    const { time, random } = this;
    const host = await openHost({
      shell: this.#shell, openChannel: (listener) => this.#way.open(listener),
      scene: this.#scene.open(), packageList: this.#packageList.open(), spool: this.spool.open(), folders: this.#folders,
      probe: () => ({ ask: async () => ({ kind: "answers" }) }),
      browser: { why: "it is the only one", sandbox: true, passedOver: [] }, trial: false,
      clock: time, timers: time, random, log: silentLog, pid: 1, hostBytes: () => 1,
    });
    this.#running = host.run(this.#stop.signal);
    await time.advance(5_000);
  }

  async stopHost(): Promise<void> {
    this.#stop.abort();
    await this.time.advance(0);
    await this.#running;
  }

  /** What is on the glass, and what the agent knows of it. */
  picture(): { readonly shown: string; readonly stage: string; readonly verdict: string } {
    const status = this.#agent?.status();
    const present = status?.kind === "present" ? status : undefined;
    return { shown: this.#shell.shown, stage: present?.stage.kind ?? "no agent", verdict: present?.picture.verdict ?? "no agent" };
  }

  /** Calls the page API and returns the answer. */
  async call(call: Readonly<Record<string, unknown>>): Promise<unknown> {
    const id = (this.#calls += 1);
    this.#shell.call({ id, ...call });
    await this.time.advance(0);
    const answers = this.#shell.told.map((text) => JSON.parse(text) as { readonly id?: number; readonly ok?: boolean; readonly value?: unknown; readonly code?: string });
    const answer = answers.find((one) => one.id === id);
    return answer?.ok === true ? answer.value : answer?.code;
  }

  play(item: string): Promise<unknown> {
    return this.call({ do: "report-play", play: { item, startedMs: this.time.wallMs(), durationMs: 10_000, result: "completed" } });
  }

  async ask(request: Parameters<HostLink["request"]>[0]): Promise<string> {
    const asked = this.#agent?.request(request, 5_000);
    await this.time.advance(0);
    const answer = await asked;
    return answer === undefined ? "no agent" : answer.ok ? "done" : answer.error.code;
  }

  get lastTold(): unknown {
    return parseJson(this.#shell.told.at(-1) ?? "null");
  }

  #store(agent: HostLink, record: PageRecord): void {
    this.stored.push(record.t === "page-play" ? String(record.play["item"]) : record.name);
    void this.#keep(record).then(() => agent.pageStored(record.id));
  }
}

/** Enough microtask turns for every promise chain here; there is no event loop to wait for. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
}
