import type { NetConnectOpts } from "node:net";
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
 * time would be seen. The others have one outcome each: jobs with an upload, answers of the machine, and what a container or an emulated machine does not have.
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
const BUSY_MS_MAX = 60_000;
const LOOK_MS = 5;
/** Commands that end before each change of the version. */
const ENDED_MIN = 10;
const ACKNOWLEDGED_MIN = 50;
const COMMANDS_MIN = 20;

/** A scripted player that reports plays and events, and a cloud that keeps commands in flight, until `finish`. */
export class LiveLoad {
  readonly #device: InstalledDevice;
  readonly #ledger = newLedger();
  readonly #player: ScriptedPlayer;
  readonly #stop = new AbortController();
  readonly #lanes: Promise<unknown>;

  private constructor(device: InstalledDevice, socket: NetConnectOpts) {
    this.#device = device;
    this.#player = new ScriptedPlayer(socket, "live", this.#ledger, PER_SECOND);
    this.#player.start();
    this.#lanes = Promise.all(LANES.map((lane) => this.#run(lane)));
  }

  /** No other player may be connected to the device's agent. */
  static async start(device: InstalledDevice): Promise<LiveLoad> {
    return new LiveLoad(device, await device.ground.playerSocket());
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

  /** Waits until some commands have ended since `endedBefore` and one is in flight. */
  async busy(endedBefore: number): Promise<void> {
    const untilMs = performance.now() + BUSY_MS_MAX * this.#device.ground.slowness;
    for (;;) {
      // In one look: a fast machine leaves none open for the greater part of the time.
      const { ended, open } = this.commands;
      if (ended > endedBefore + ENDED_MIN && open > 0) return;
      if (performance.now() > untilMs) throw new Error(`${ended - endedBefore} commands ended and ${open} are in flight`);
      await pauseMs(LOOK_MS);
    }
  }

  async #run(lane: readonly Planned[]): Promise<void> {
    for (let n = 0; !this.#stop.signal.aborted; n += 1) {
      const { name, params, witnessed } = lane[n % lane.length] ?? { name: "", params: {}, witnessed: NONE };
      const from = this.#ledger.asked.length;
      const id = this.#device.send(name, params);
      const entry = { id, name, witnessed, effects: 0 };
      this.#ledger.commands.set(id, entry);
      const untilMs = performance.now() + OUTCOME_MS_MAX * this.#device.ground.slowness;
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
    const untilMs = performance.now() + OUTCOME_MS_MAX * this.#device.ground.slowness;
    let status: StatusAnswer | undefined;
    while (performance.now() < untilMs) {
      const asked = await this.#device.ground.run("vitrine status --json 2> /dev/null");
      status = asked.status === 0 ? (JSON.parse(asked.output) as StatusAnswer) : undefined;
      if (status?.link.kind === "online" && this.#player.unanswered === 0 && (["outcome", "alarm", "play", "event"] as const).every((stream) => (status?.outbox[stream].oldest ?? 0) > (status?.outbox[stream].newest ?? 0))) return;
      await pauseMs(100);
    }
    this.#ledger.faults.push(`not drained: ${this.#player.unanswered} unanswered, ${JSON.stringify(status?.link)}, ${JSON.stringify(status?.outbox)}`);
  }
}

/**
 * Has dpkg install these versions one after the other while a scripted player reports and commands are in flight. Returns what was lost, done
 * twice or left without an outcome, one sentence each.
 */
export async function installUnderLoad(device: InstalledDevice, versions: readonly string[]): Promise<{ readonly verdict: Verdict; readonly violations: readonly string[] }> {
  const load = await LiveLoad.start(device);
  try {
    for (const version of versions) {
      await load.busy(load.commands.ended);
      await device.install(version);
      await device.ground.until(`vitrine status --json | grep '"agentVersion":"${version}"'`, 240_000);
    }
    const verdict = await load.finish();
    const { violations, holes, effectsMost, states, acknowledged, commands } = verdict;
    return {
      verdict,
      violations: [
        ...violations,
        ...(holes === 0 ? [] : [`${holes} records are missing`]),
        ...(effectsMost === 1 ? [] : [`the most effects of one command are ${effectsMost}`]),
        ...(states["open"] === undefined ? [] : [`${states["open"]} commands have no outcome`]),
        // Too little would prove nothing.
        ...(acknowledged > ACKNOWLEDGED_MIN && commands > COMMANDS_MIN ? [] : [`only ${acknowledged} records and ${commands} commands`]),
      ],
    };
  } finally {
    await load.stop();
  }
}
