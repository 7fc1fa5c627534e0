/** How a program ended. */
export interface ProgramEnd {
  /** `null` when a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines it printed. */
  readonly tail: readonly string[];
}

/** A running program, in its own process group. */
export interface Running {
  /** Resolves once its whole group has ended. Never rejects. */
  readonly ended: Promise<ProgramEnd>;
  /** Asks it to end; after two seconds its whole group is killed. */
  stop(): void;
  /** Kills its whole group now, as a power cut would. */
  kill(): void;
}

export type StartProgram = () => Running;

/** Text for people: "exit code 1", "killed by SIGKILL". */
export function describeEnd(end: ProgramEnd): string {
  if (end.signal !== null) return `killed by ${end.signal}`;
  return end.code === null ? "could not be started" : `exit code ${end.code}`;
}
