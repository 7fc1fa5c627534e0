import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { askAgent } from "../../../agent/node/local-api/local-client.ts";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";

const WITNESS = join(import.meta.dirname, "agent-witness.ts");

export interface AgentPlace {
  /** The agent's entry file. */
  readonly main: string;
  readonly data: string;
  /** `ws://127.0.0.1:PORT/device/v1`. */
  readonly endpoint: string;
  /** Folder of its log and the witness's files, outside the data folder. */
  readonly notes: string;
  /** `sockets.dir` if not the data folder; on a device it is in memory. */
  readonly sockets?: string;
}

export interface AgentOptions {
  /** `<n>:before` or `<n>:after`. */
  readonly kill?: string;
  readonly arm?: "start" | "signal";
  readonly flags?: readonly string[];
  /** Extra time of every sync. */
  readonly slowSyncMs?: number;
}

export interface AgentEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Running agents, killed at the end of the campaign however it ends. */
const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

/** One run of the real agent. */
export class AgentProcess {
  readonly startedMs = performance.now();
  readonly ended: Promise<AgentEnd>;
  readonly place: AgentPlace;
  readonly options: AgentOptions;
  readonly #child: ChildProcess;
  #end: AgentEnd | undefined;

  constructor(place: AgentPlace, options: AgentOptions = {}) {
    const { kill, arm, flags = [], slowSyncMs } = options;
    this.place = place;
    this.options = options;
    const log = openSync(join(place.notes, "agent.log"), "a");
    const args = ["--data", place.data, "--platform", "simulated", "--cloud", place.endpoint, "--cloud-first-connect-spread-ms", "0", ...flags];
    if (place.sockets !== undefined) args.push("--sockets-dir", place.sockets);
    this.#child = spawn(process.execPath, ["--import", WITNESS, place.main, ...args], {
      stdio: ["ignore", "ignore", log],
      env: {
        PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1",
        VITRINE_PROVE_EFFECTS: effectsFile(place), VITRINE_PROVE_POINTS: pointsFile(place),
        ...(kill !== undefined && { VITRINE_PROVE_KILL: kill }), VITRINE_PROVE_ARM: arm ?? "signal",
        ...(slowSyncMs !== undefined && { VITRINE_PROVE_SLOW_SYNC_MS: String(slowSyncMs) }),
      },
    });
    closeSync(log);
    living.add(this.#child);
    this.ended = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        living.delete(this.#child);
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; `undefined` while it runs. */
  get end(): AgentEnd | undefined {
    return this.#end;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with its status once it answers, or with `undefined` if it exits or the time limit passes. */
  async ready(timeoutMs: number): Promise<StatusAnswer | undefined> {
    const untilMs = performance.now() + timeoutMs;
    while (this.#end === undefined && performance.now() < untilMs) {
      const status = await this.status();
      if (status?.pid === this.pid) return status;
      await pauseMs(20);
    }
    return undefined;
  }

  async status(): Promise<StatusAnswer | undefined> {
    const answer = await askAgent(join(this.place.sockets ?? this.place.data, "run", "agent.sock"), "status", {}, 2_000);
    return answer.ok ? (answer.value as StatusAnswer) : undefined;
  }

  /** Waits until `holds` is true of its status; `undefined` when it ended or the time is over. */
  async until(holds: (status: StatusAnswer) => boolean, timeoutMs: number): Promise<StatusAnswer | undefined> {
    const untilMs = performance.now() + timeoutMs;
    while (this.#end === undefined && performance.now() < untilMs) {
      const status = await this.status();
      if (status !== undefined && holds(status)) return status;
      await pauseMs(50);
    }
    return undefined;
  }

  async stop(): Promise<AgentEnd> {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), 10_000);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }
}

export function effectsFile(place: AgentPlace): string {
  return join(place.notes, "effects.jsonl");
}

export function pointsFile(place: AgentPlace): string {
  return join(place.notes, "points.txt");
}

/** Current length of a file of notes, as a position. */
export function notedBytes(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Waits in real time, because the processes under test run in real time. */
export function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
