import { ok } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson } from "../../../platform/runtime/json.ts";
import type { FrameFinding, LoadTarget } from "../../../player-host/stage/shell.ts";
import { MemoryPackageFolders } from "../../../player-host/host/testing/memory-package-folders.ts";
import { MemoryShell } from "../../../player-host/host/testing/memory-shell.ts";
import { pause } from "../pause.ts";
import { WITHOUT_PICTURE, type ReleaseKind } from "../releases.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

const FOLDERS = new MemoryPackageFolders();

const OUTPUT_OFF = "HDMI-A-1 is off";

/** What the page's renderer does, and since when (monotonic milliseconds). */
export interface PageState {
  readonly hungSinceMs: number | undefined;
  /** It does not hang, and the release that runs draws what it should. */
  readonly isRight: boolean;
  /** Times its renderer or its browser was ended although the page did not hang. */
  readonly needlessRepairs: number;
}

/**
 * The browser of a player host process with its page. Starting, loading and capturing take time. Behind an output that is off the
 * page draws nothing: frames are judged as the real shells do.
 */
export class SimulatedPage extends MemoryShell {
  readonly #sim: SimContext;
  readonly #life: Life;
  readonly #device: string;
  /** Ids of unanswered records of the page, by call number. */
  readonly #asked = new Map<number, string>();
  readonly #outputIsOff: () => boolean;
  readonly #release: () => ReleaseKind;
  #calls = 0;
  #load = 0;
  #starts = 0;
  #hungSinceMs: number | undefined;
  #needlessRepairs = 0;

  constructor(sim: SimContext, life: Life, device: string, outputIsOff: () => boolean, release: () => ReleaseKind) {
    super(FOLDERS);
    this.#release = release;
    this.#outputIsOff = outputIsOff;
    this.#sim = sim;
    this.#life = life;
    this.#device = device;
  }

  get state(): PageState {
    return { hungSinceMs: this.#hungSinceMs, isRight: this.#isRight, needlessRepairs: this.#needlessRepairs };
  }

  get #isRight(): boolean {
    return this.#hungSinceMs === undefined && !WITHOUT_PICTURE.has(this.#release());
  }

  override sample = async () => ok({ width: 2, height: 1, rgba: Uint8Array.of(0, 0, 0, 255, ...(this.#release() === "wrong-picture" ? [0, 0, 0, 255] : [255, 255, 255, 255])) });

  hang(): void {
    this.#sim.trace.add(this.#life.name, "page-hangs");
    this.#hungSinceMs ??= this.#sim.time.monotonicMs();
  }

  /** The output that shows the page was switched. A frame that comes again is noticed at once. */
  outputChanged(): void {
    if (!this.#outputIsOff() && this.#isRight) this.#life.run("a frame after the dark", () => this.say({ kind: "output-lit" }));
  }

  override witnessFrame = async (timeoutMs: number): Promise<FrameFinding> => {
    const blind = this.#sim.sabotage === "blind-witness";
    const off = this.#outputIsOff();
    const silent = this.#hungSinceMs !== undefined || this.#release() === "no-picture";
    if (!silent && !off) return { kind: "alive", tookMs: 1, how: "it is simulated" };
    if (!silent && !blind) return { kind: "dark", outputOff: OUTPUT_OFF };
    await this.#pause("sim.page-silent", timeoutMs, timeoutMs);
    return { kind: "late", renderer: false, output: false, ...(off && !blind && { outputOff: OUTPUT_OFF }) };
  };

  override resetRenderer = async (): Promise<undefined> => {
    this.#noteRepair("its renderer");
    this.#hungSinceMs = undefined;
    if (this.#life.alive) this.say({ kind: "renderer-gone", reason: "ended by the host" });
  };

  #noteRepair(what: string): void {
    const needless = this.#isRight;
    if (needless) this.#needlessRepairs += 1;
    this.#sim.trace.add(this.#life.name, "repairs", `${what}${needless ? ", needlessly" : ""}`);
  }

  override start = async () => {
    this.#starts += 1;
    if (this.#starts > 1) this.#noteRepair("its browser");
    this.#hungSinceMs = undefined;
    await this.#pause("sim.browser-starts", 200, 4_000);
    return ok({ name: "simulated 1" });
  };

  override overlay = async (text: string | undefined): Promise<undefined> => {
    if (text !== undefined && this.#life.alive) this.#sim.ledger.effect(this.#device, `identify:${text}`);
  };

  override screenshot = async () => {
    await this.#pause("sim.page-captured", 50, 400);
    return ok({ base64: "iVBORw0KGgo=", format: "png" as const, width: 4, height: 3, source: "simulated" });
  };

  override async load(load: number, target: LoadTarget): Promise<void> {
    this.#load = load;
    await this.#pause("sim.page-loads", 50, 3_000);
    // Replaced by another load.
    if (this.#load !== load) return;
    this.#asked.clear();
    await super.load(load, target);
  }

  /** Makes the page emit a record; `id` identifies it. */
  emit(id: string, call: Readonly<Record<string, unknown>>): void {
    this.#life.run("a call of the page", () => {
      this.#calls += 1;
      this.#asked.set(this.#calls, id);
      this.call({ id: this.#calls, ...call });
    });
  }

  override sendToPage(text: string): void {
    const message = parseJson(text);
    if (message === undefined || !isJsonObject(message) || message["t"] !== "reply" || typeof message["id"] !== "number") return;
    const id = this.#asked.get(message["id"]);
    this.#asked.delete(message["id"]);
    if (id === undefined || !this.#life.alive) return;
    if (message["ok"] === true) this.#sim.ledger.pageWasPromised(this.#device, id);
    else this.#sim.trace.add(this.#life.name, "page-refused", `${id} ${JSON.stringify(message["code"])}`);
  }

  #pause(name: string, leastMs: number, mostMs: number): Promise<void> {
    return pause(this.#life, name, this.#life.random.integer(leastMs, mostMs));
  }
}
