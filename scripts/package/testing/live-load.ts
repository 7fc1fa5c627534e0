import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { isFinal } from "../../dev-cloud/sessions/cloud-store.ts";
import { pauseMs } from "../../prove/harness/agent-process.ts";
import type { Witnessed } from "../../prove/harness/effects.ts";
import { judge, newLedger, type Verdict } from "../../prove/harness/ledger.ts";
import { ScriptedPlayer } from "../../prove/harness/scripted-player.ts";
import type { InstalledDevice } from "./installed-device.ts";

interface Planned {
  readonly name: string;
  readonly params: JsonObject;
  readonly witnessed: Witnessed;
}

const asked = (name: string, what: string, params: JsonObject = {}): Planned => ({ name, params, witnessed: { kind: "asked", what } });
const NONE: Witnessed = { kind: "none" };

/**
 * Commands of each lane in turn, one at a time; the lanes run beside each other. What the player is asked is counted there, so that a second
 * time would be seen. The others have one outcome each: jobs with an upload, answers of the machine, and what a container does not have.
 */
const LANES: readonly (readonly Planned[])[] = [
  [asked("reload-player", "reload")],
  [asked("page.message", "page-message", { message: { from: "live" } })],
  [asked("identify", "identify", { durationMs: 1_000 })],
  [asked("restart-player", "restart"), asked("content.clear-cache", "clear-cache")],
  [{ name: "logs.collect", params: { bytesMax: 4_096 }, witnessed: NONE }, { name: "screenshot", params: {}, witnessed: NONE }],
  [{ name: "diagnostics.run", params: {}, witnessed: NONE }, { name: "telemetry.burst", params: { minutes: 1, intervalMs: 5_000 }, witnessed: NONE }, { name: "display.power", params: { on: true }, witnessed: NONE }],
];

const PER_SECOND = 20;
const PAUSE_MS = 30;
const OUTCOME_MS_MAX = 120_000;

/** A scripted player that reports plays and events, and a cloud that keeps commands in flight, until `finish`. */
export class LiveLoad {
  readonly #device: InstalledDevice;
  readonly #ledger = newLedger();
  readonly #player: ScriptedPlayer;
  readonly #stop = new AbortController();
  readonly #lanes: Promise<unknown>;

  constructor(device: InstalledDevice) {
    this.#device = device;
    this.#player = new ScriptedPlayer(device.root.path("/run/vitrine"), "live", this.#ledger, PER_SECOND);
    this.#player.start();
    this.#lanes = Promise.all(LANES.map((lane) => this.#run(lane)));
  }

  /** Commands that were sent and ended, and that are in flight. */
  get commands(): { readonly ended: number; readonly open: number } {
    const ended = [...this.#ledger.commands.keys()].filter((id) => this.#isEnded(id)).length;
    return { ended, open: this.#ledger.commands.size - ended };
  }

  /** Stops the load without looking at what it did; may be called again. For a test that has failed: the next one is to have its device alone. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#lanes;
    this.#player.stop();
  }

  /** Stops the load, waits until the cloud has everything, and compares. */
  async finish(): Promise<Verdict> {
    this.#stop.abort();
    this.#player.setRate(0);
    await this.#lanes;
    await this.#drain();
    this.#player.stop();
    const records = this.#device.cloud.records(this.#device.deviceId);
    this.#ledger.reuses.push(...this.#device.cloud.reusesOf(records));
    return judge(this.#ledger, records);
  }

  async #run(lane: readonly Planned[]): Promise<void> {
    for (let n = 0; !this.#stop.signal.aborted; n += 1) {
      const { name, params, witnessed } = lane[n % lane.length] ?? { name: "", params: {}, witnessed: NONE };
      const from = this.#ledger.asked.length;
      const id = this.#device.send(name, params);
      const entry = { id, name, witnessed, effects: 0 };
      this.#ledger.commands.set(id, entry);
      const untilMs = performance.now() + OUTCOME_MS_MAX;
      while (!this.#isEnded(id) && performance.now() < untilMs) await pauseMs(PAUSE_MS);
      // A moment more, in which it would be done once more.
      await pauseMs(PAUSE_MS);
      const row = this.#device.row(id);
      this.#ledger.commands.set(id, {
        ...entry,
        effects: witnessed.kind === "asked" ? this.#ledger.asked.slice(from).filter((what) => what === witnessed.what).length : 0,
        ...(row !== undefined && isFinal(row.state) && { state: row.state }),
        ...(row?.error !== undefined && { code: row.error.code }),
      });
    }
  }

  #isEnded(id: string): boolean {
    const row = this.#device.row(id);
    return row !== undefined && isFinal(row.state);
  }

  async #drain(): Promise<void> {
    const untilMs = performance.now() + OUTCOME_MS_MAX;
    let status: StatusAnswer | undefined;
    while (performance.now() < untilMs) {
      const asked = this.#device.root.run("vitrine status --json");
      status = asked.status === 0 ? (JSON.parse(asked.output) as StatusAnswer) : undefined;
      if (status?.link.kind === "online" && this.#player.unanswered === 0 && (["outcome", "alarm", "play", "event"] as const).every((stream) => (status?.outbox[stream].oldest ?? 0) > (status?.outbox[stream].newest ?? 0))) return;
      await pauseMs(100);
    }
    this.#ledger.faults.push(`not drained: ${this.#player.unanswered} unanswered, ${JSON.stringify(status?.link)}, ${JSON.stringify(status?.outbox)}`);
  }
}
