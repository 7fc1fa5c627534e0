import type { ReportedDocument } from "../../protocol/reported.ts";
import type { Reporter } from "../state/reporter.ts";
import { untilAborted } from "../state/until-aborted.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import type { UnitStatus } from "../../../platform/runtime/supervisor.ts";
import type { Alarms } from "./alarms.ts";
import type { HealthSource } from "./health-source.ts";
import type { Code } from "../../../platform/ports/codes.ts";

export interface HealthDeps {
  readonly sources: readonly HealthSource[];
  /** Units under the supervisor. */
  readonly units: () => ReadonlyMap<string, UnitStatus>;
  readonly reporter: Reporter;
  readonly alarms: Alarms;
  readonly timers: Timers;
  readonly log: Log;
}

export const HEALTH_EVERY_MS = 30_000;
const LOOK_DEADLINE_MS = 10_000;
/** Restarts from which a broken unit raises an alarm. */
const UNIT_ALARM_RESTARTS = 3;
const MESSAGE_MAX = 500;

/** Collects the issues of the agent's parts into the reported `health`, and raises and clears their alarms. */
export class Health {
  readonly #deps: HealthDeps;
  readonly #wake = new Wake();
  /** Alarm raised per source, to clear it when the source has another issue or none. */
  readonly #raised = new Map<string, Code>();
  #unwell: NonNullable<ReportedDocument["health"]> = {};

  constructor(deps: HealthDeps) {
    this.#deps = deps;
  }

  /** Issues by part; empty when everything is well. */
  unwell(): NonNullable<ReportedDocument["health"]> {
    return this.#unwell;
  }

  /** Checks now. */
  poke(): void {
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await untilAborted(this.#look(), signal);
      await this.#wake.wait(this.#deps.timers, "health.look", HEALTH_EVERY_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const found = await Promise.all(this.#deps.sources.map(async (source) => [source, await this.#ask(source)] as const));
    const unwell = new Map<string, Pick<Issue, "code" | "message">>();
    for (const [source, issue] of found) {
      if (issue !== undefined) unwell.set(source.name, { code: issue.code, message: issue.message.slice(0, MESSAGE_MAX) });
      if (source.alarm !== undefined) this.#alarm(source, issue);
    }
    for (const [name, status] of this.#deps.units()) {
      if (status.kind === "waiting") unwell.set(
        `unit.${name}`,
        { code: "unit.broken", message: `failed and is being restarted: ${firstLine(status.lastError)}` },
      );
      this.#alarmUnit(name, status);
    }
    this.#unwell = Object.fromEntries(unwell);
    this.#deps.reporter.set("health", this.#unwell);
  }

  async #ask(source: HealthSource): Promise<Issue | undefined> {
    try {
      return await withDeadline(this.#deps.timers, `health.${source.name}`, LOOK_DEADLINE_MS, Promise.resolve(source.look()));
    } catch (thrown) {
      if (thrown instanceof TimeoutError) return { code: "health.no-answer", message: `${source.name} does not answer` };
      // A bug in one source must not hide the others.
      this.#deps.log.error({ source: source.name, error: messageOf(thrown) }, "a health source threw: a bug");
      return { code: "health.bug", message: `internal error: ${messageOf(thrown)}` };
    }
  }

  #alarm(source: HealthSource, issue: Issue | undefined): void {
    const { alarms } = this.#deps;
    const before = this.#raised.get(source.name);
    if (before !== undefined && before !== issue?.code) {
      alarms.clear(before, `${source.name}: no longer the case`);
      this.#raised.delete(source.name);
    }
    if (issue === undefined || source.alarm === undefined) return;
    alarms.raise(issue.code, source.alarm, issue.message);
    this.#raised.set(source.name, issue.code);
  }

  #alarmUnit(name: string, status: UnitStatus): void {
    const { alarms } = this.#deps;
    const code = `unit.broken.${name}` as const;
    if (status.kind === "waiting" && status.restarts >= UNIT_ALARM_RESTARTS) alarms.raise(
      code,
      "error",
      `the part ${name} keeps failing: ${firstLine(status.lastError)}`,
      { restarts: status.restarts },
    );
    else if (status.kind === "running") alarms.clear(code, `the part ${name} is running`);
  }
}

function firstLine(text: string): string {
  return (text.split("\n", 1)[0] ?? "").slice(0, MESSAGE_MAX / 2);
}
