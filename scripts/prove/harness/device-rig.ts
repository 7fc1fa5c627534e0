import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askAgent } from "../../../agent/node/local-api/local-client.ts";
import { EXIT } from "../../../agent/node/exit-codes.ts";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { isFinal, type CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { AgentProcess, effectsFile, notedBytes, pauseMs, type AgentEnd, type AgentOptions, type AgentPlace } from "./agent-process.ts";
import { countEffects, holdsAlready, readEffects, type Witnessed } from "./effects.ts";
import { judge, newLedger, type CommandEntry, type Ledger, type StoredRecord, type Verdict } from "./ledger.ts";
import type { ProofCloud } from "./proof-cloud.ts";

/** Time in which an agent must answer after its start. Generous, because the processors may be shared. */
export const START_MS_MAX = 15_000;

/** The part of the effect notes, in bytes, in which a command's effect must be. */
interface Window {
  readonly lane: string;
  readonly fromBytes: number;
  readonly fromAsked: number;
  /** Power cuts by the harness in this part. */
  cuts: number;
}

/** A device under test: its folder, its processes, and the ledger of requests to it. */
export class DeviceRig {
  readonly place: AgentPlace;
  readonly ledger: Ledger = newLedger();
  readonly cloud: ProofCloud;
  readonly #folder: string;
  readonly #windows = new Map<string, Window>();
  agent: AgentProcess | undefined;
  deviceId = "";
  #commands = 0;

  constructor(main: string, cloud: ProofCloud) {
    this.#folder = mkdtempSync(join(tmpdir(), "vitrine-prove-"));
    const data = join(this.#folder, "data");
    mkdirSync(data, { mode: 0o700 });
    this.cloud = cloud;
    this.place = { main, data, endpoint: cloud.endpoint, notes: this.#folder };
  }

  get folder(): string {
    return this.#folder;
  }

  /** Starts the agent without waiting for it. */
  launch(options?: AgentOptions): AgentProcess {
    this.ledger.starts += 1;
    this.agent = new AgentProcess(this.place, options);
    return this.agent;
  }

  /** Starts the agent and waits until it answers. No answer is a violation. */
  async start(options?: AgentOptions): Promise<AgentProcess> {
    const agent = this.launch(options);
    await this.noteReady(agent);
    return agent;
  }

  async noteReady(agent: AgentProcess): Promise<StatusAnswer | undefined> {
    const status = await agent.ready(START_MS_MAX);
    if (status !== undefined) {
      this.ledger.startsMs.push(performance.now() - agent.startedMs);
      if (this.deviceId !== "" && this.deviceId !== status.deviceId) this.ledger.faults.push(`the device's id changed from ${this.deviceId} to ${status.deviceId}`);
      this.deviceId = status.deviceId;
    } else if (agent.end === undefined) this.ledger.faults.push(`the agent did not answer within ${START_MS_MAX} ms of its start`);
    return status;
  }

  /** Notes how a run ended. An unrequested end is a violation. */
  noteEnd({ code, signal }: AgentEnd): void {
    if (signal === "SIGKILL") this.ledger.kills += 1;
    else if (code === EXIT.machineReboot || code === EXIT.machineOff) this.ledger.reboots += 1;
    else this.ledger.faults.push(`the agent ended by itself with ${code ?? signal ?? "nothing"}`);
  }

  /** Sends a command; `undefined` while the device is not claimed or has too many. One at a time per lane. */
  command(lane: string, name: string, params: JsonObject, witnessed: Witnessed, ttlMs?: number): CommandEntry | undefined {
    const { cloud } = this.cloud.dev;
    const device = cloud.context.store.device(this.deviceId);
    if (device === undefined) return undefined;
    const id = `${lane}-${(this.#commands += 1)}`;
    const fromBytes = notedBytes(effectsFile(this.place));
    const made = cloud.commands.create(device, { id, name, params, ...(ttlMs !== undefined && { ttlMs }) });
    if (!made.ok) return undefined;
    const entry: CommandEntry = { id, name, witnessed };
    this.ledger.commands.set(id, entry);
    this.#windows.set(id, { lane, fromBytes, fromAsked: this.ledger.asked.length, cuts: 0 });
    return entry;
  }

  row(id: string): CommandRow | undefined {
    return this.cloud.dev.cloud.context.store.command(this.deviceId, id);
  }

  async outcome(id: string, timeoutMs: number): Promise<CommandRow | undefined> {
    const untilMs = performance.now() + timeoutMs;
    while (performance.now() < untilMs) {
      const row = this.row(id);
      if (row !== undefined && isFinal(row.state)) return row;
      await pauseMs(15);
    }
    return undefined;
  }

  /** Cuts the simulated machine's power, as a person would if an accepted reboot does not happen. */
  async cutPower(commandId: string): Promise<void> {
    const window = this.#windows.get(commandId);
    const { agent } = this;
    const before = this.#power();
    await askAgent(join(this.place.data, "run", "agent.sock"), "simulated.apply", { action: "power.cut", params: {} }, 3_000);
    await Promise.race([agent?.ended, pauseMs(2_000)]);
    const after = this.#power();
    // Count only a power cut that took place; one requested of an agent that died otherwise would excuse an effect.
    if (window !== undefined && before.pending === "none" && (after.pending !== "none" || after.boots > before.boots)) window.cuts += 1;
  }

  /** From the simulated machine's own file. */
  #power(): { readonly pending: string; readonly boots: number } {
    return (JSON.parse(readFileSync(join(this.place.data, "simulated-world.json"), "utf8")) as { readonly power: { readonly pending: string; readonly boots: number } }).power;
  }

  /** Waits undisturbed until the cloud has everything. Otherwise notes a violation and returns false. */
  async drain(timeoutMs: number, unanswered: () => number): Promise<boolean> {
    const untilMs = performance.now() + timeoutMs;
    let status: StatusAnswer | undefined;
    while (performance.now() < untilMs) {
      if (this.agent === undefined || this.agent.end !== undefined) {
        if (this.agent?.end !== undefined) this.noteEnd(this.agent.end);
        await this.start();
      }
      status = await this.agent?.status();
      if (status !== undefined && unanswered() === 0 && this.#isEmpty(status) && this.#openCommands().length === 0) return true;
      await pauseMs(100);
    }
    const open = this.#openCommands().map((row) => `${row.name} ${row.id} ${row.state}`);
    this.ledger.faults.push(`not drained: ${unanswered()} unanswered, open ${open.join(", ")}, link ${JSON.stringify(status?.link)}, queue ${JSON.stringify(status?.outbox)}`);
    return false;
  }

  /** Completes the ledger and compares it with the cloud's store. */
  verdict(otherCloud?: ProofCloud): Verdict {
    this.#noteOutcomes();
    const records = this.cloud.records(this.deviceId);
    for (const cloud of [this.cloud, ...(otherCloud === undefined ? [] : [otherCloud])]) this.ledger.reuses.push(...cloud.reusesOf(records));
    return judge(this.ledger, otherCloud === undefined ? records : joined(records, otherCloud.records(this.deviceId)));
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openCommands(): readonly CommandRow[] {
    return this.cloud.dev.cloud.context.store.openCommands(this.deviceId);
  }

  #isEmpty({ outbox, link }: StatusAnswer): boolean {
    return link.kind === "online" && (["outcome", "alarm", "play", "event"] as const).every((stream) => outbox[stream].oldest > outbox[stream].newest);
  }

  #noteOutcomes(): void {
    const states = readEffects(effectsFile(this.place));
    const lanes = new Map<string, string[]>();
    for (const [id, { lane }] of this.#windows) lanes.set(lane, [...(lanes.get(lane) ?? []), id]);
    for (const [lane, ids] of lanes) {
      for (const [index, id] of ids.entries()) {
        const entry = this.ledger.commands.get(id);
        const window = this.#windows.get(id);
        const row = this.row(id);
        if (entry === undefined || window === undefined) continue;
        // Up to the next command of the lane, because an effect after the outcome is a violation too.
        const toBytes = this.#windows.get(ids[index + 1] ?? "")?.fromBytes ?? Infinity;
        const before = states.findLast(({ endBytes }) => endBytes <= window.fromBytes);
        const within = states.filter(({ endBytes }) => endBytes > window.fromBytes && endBytes <= toBytes);
        const seen = entry.witnessed.kind === "asked"
          ? countAsked(entry.witnessed.what, this.ledger.asked.slice(window.fromAsked, this.#windows.get(ids[index + 1] ?? "")?.fromAsked))
          : countEffects(entry.witnessed, [...(before === undefined ? [] : [before]), ...within].map(({ state }) => state));
        entry.window = `[lane ${lane}, effects.jsonl bytes ${window.fromBytes} to ${toBytes}, ${window.cuts} power cuts of ours]`;
        entry.effects = entry.witnessed.kind === "boot" ? Math.max(seen - window.cuts, Math.min(seen, 1)) : seen;
        entry.held = holdsAlready(entry.witnessed, before?.state);
        if (row !== undefined && isFinal(row.state)) entry.state = row.state;
        if (row?.error !== undefined) entry.code = row.error.code;
      }
    }
    // For a later analysis of flagged commands.
    const lines = [...this.ledger.commands.values()].map((entry) => JSON.stringify({ ...entry, row: this.row(entry.id) }));
    writeFileSync(join(this.#folder, "commands.jsonl"), `${lines.join("\n")}\n`);
  }
}

function countAsked(what: string, asked: readonly string[]): number {
  return asked.filter((one) => one === what).length;
}

/** Merges the records of two clouds of one device; a number that both have appears once. */
function joined(a: readonly StoredRecord[], b: readonly StoredRecord[]): readonly StoredRecord[] {
  const byNumber = new Map([...a, ...b].map((record) => [`${record.log}/${record.stream}/${record.seq}`, record]));
  return [...byNumber.values()];
}
