/** How a program that we started ended. */
export interface ProgramEnd {
  /** `null` when a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines it printed. */
  readonly tail: readonly string[];
}

/** A program that was started, in a process group of its own. */
export interface Running {
  /** Resolves once it has ended and nothing of its group is left. Never rejects. */
  readonly ended: Promise<ProgramEnd>;
  /** Asks it to end; after two seconds its whole group is killed. */
  stop(): void;
  /** Kills its whole group now, as a power cut would. */
  kill(): void;
}

export type StartProgram = () => Running;

/** For a person: "exit code 1", "killed by SIGKILL". */
export function describeEnd(end: ProgramEnd): string {
  if (end.signal !== null) return `killed by ${end.signal}`;
  return end.code === null ? "could not be started" : `exit code ${end.code}`;
}
