import type { Result } from "../../platform/ports/result.ts";
import type { EvidenceOfFailure } from "../../platform/ports/software.ts";

/** How a service is. */
export interface ServiceState {
  /** `active`, `activating`, `failed`, … */
  readonly state: string;
  /** Automatic restarts since it was started by hand. */
  readonly restarts: number;
  /** How its main process ended last: `exited 70`, `killed 6`; empty while it runs for the first time. */
  readonly exit: string;
}

/** The service manager, as far as the updater uses it. */
export interface Services {
  states(units: readonly string[]): Promise<Result<Readonly<Record<string, ServiceState>>>>;
  /** The service manager reads unit files again. */
  reload(): Promise<Result<void>>;
  /** Restarts these services; does not wait until they have started. */
  restart(units: readonly string[]): Promise<Result<void>>;
  /** The last lines of their logs, oldest first. */
  lastLines(units: readonly string[], count: number): Promise<Result<readonly string[]>>;
}

export const AGENT_UNIT = "vitrine-agent.service";
export const PLAYER_UNIT = "vitrine-player.service";
export const UNITS = [AGENT_UNIT, PLAYER_UNIT] as const;

/** Services that run, or that the service manager tries to run. Others were stopped by somebody, or are not installed. */
export function upOf(states: Readonly<Record<string, ServiceState>>): string[] {
  return Object.keys(states).filter((unit) => states[unit]?.state !== "inactive");
}

/** Counts restarts over time: a service manager's own counter begins anew when a service is started by hand. */
export class RestartCounter {
  readonly #last = new Map<string, number>();
  readonly #sum = new Map<string, number>();

  /** Takes the states seen now; returns the services' restarts since the first call. */
  take(states: Readonly<Record<string, ServiceState>>): ReadonlyMap<string, number> {
    for (const [unit, { restarts }] of Object.entries(states)) {
      const before = this.#last.get(unit) ?? restarts;
      this.#last.set(unit, restarts);
      this.#sum.set(unit, (this.#sum.get(unit) ?? 0) + (restarts >= before ? restarts - before : restarts));
    }
    return this.#sum;
  }
}

/** One restart may be the owner's, or a single crash. */
const RESTARTS_OF_FAILING = 2;

/** Services that do not run, or were restarted again and again between two looks. The agent is not among them: it asked for what is being done. */
export function failingBetween(before: Readonly<Record<string, ServiceState>>, after: Readonly<Record<string, ServiceState>>): readonly string[] {
  return Object.keys(after).filter((unit) => unit !== AGENT_UNIT && (after[unit]?.state === "failed" || (after[unit]?.restarts ?? 0) >= (before[unit]?.restarts ?? Infinity) + RESTARTS_OF_FAILING));
}

const END_WORDS: Readonly<Record<string, string>> = { dumped: "dumped core" };

/** How the unit's process ended last, by what systemd logged: it forgets that when it starts the next one. Empty: the lines do not say. */
function lastExit(unit: string, lines: readonly string[]): string {
  const ends = lines.flatMap((line) => {
    const [, name, how = "", status] = /([\w@-]+\.service): Main process exited, code=(\w+), status=(\d+)/.exec(line) ?? [];
    return name === unit ? [`${END_WORDS[how] ?? how} ${status}`] : [];
  });
  return ends.at(-1) ?? "";
}

const LOG_LINES = 60;
const LINE_CHARS_MAX = 400;

/** What the services leave when a release fails. Never fails itself: what cannot be read is said in its place. */
export async function evidenceFrom(services: Services): Promise<EvidenceOfFailure> {
  const states = await services.states(UNITS);
  const lines = await services.lastLines(UNITS, LOG_LINES);
  const said = lines.ok ? lines.value : [];
  return {
    services: states.ok ? Object.fromEntries(Object.entries(states.value).map(([unit, state]) => [unit, state.exit === "" && state.restarts > 0 ? { ...state, exit: lastExit(unit, said) } : state])) : {},
    log: [
      ...(states.ok ? [] : [`(the services could not be asked: ${states.error.message})`]),
      ...(lines.ok ? lines.value.map((line) => line.slice(0, LINE_CHARS_MAX)) : [`(the log could not be read: ${lines.error.message})`]),
    ],
  };
}
