import type { Machine, Ran } from "../machine.ts";

export interface Facts {
  readonly platform?: NodeJS.Platform;
  readonly env?: Record<string, string>;
  readonly isRoot?: boolean;
  /** Path to what the program prints when asked for its version; `fails` for one that does not. */
  readonly programs?: Record<string, string>;
  /** Path to text. */
  readonly files?: Record<string, string>;
  /** Folder to names. */
  readonly folders?: Record<string, readonly string[]>;
  /** How long ago a path was changed. */
  readonly agesMs?: Record<string, number>;
  readonly links?: Record<string, string>;
  /** Called for every other program, with its command line; may add programs. A number is the exit code. */
  readonly onRun?: (line: string, machine: FakeMachine) => number | Ran;
}

/** A machine that is what a test says, and remembers what was done to it. */
export class FakeMachine implements Machine {
  readonly platform: NodeJS.Platform;
  readonly arch = "x64";
  readonly env: Record<string, string | undefined>;
  readonly isRoot: boolean;
  readonly programs: Map<string, string>;
  readonly files: Map<string, string>;
  readonly ran: string[] = [];
  readonly said: string[] = [];
  readonly #facts: Facts;
  clockMs = Date.parse("2026-11-29T12:00:00Z");

  constructor(facts: Facts = {}) {
    this.#facts = facts;
    this.platform = facts.platform ?? "linux";
    this.env = { PATH: "/usr/bin:/opt/bin", ...facts.env };
    this.isRoot = facts.isRoot ?? false;
    this.programs = new Map(Object.entries(facts.programs ?? {}));
    this.files = new Map(Object.entries(facts.files ?? {}));
  }

  nowMs = (): number => this.clockMs;
  isExecutable = (path: string): Promise<boolean> => Promise.resolve(this.programs.has(path));
  readText = (path: string): Promise<string | undefined> => Promise.resolve(this.files.get(path));
  writeText = (path: string, text: string): Promise<boolean> => {
    this.files.set(path, text);
    return Promise.resolve(true);
  };
  list = (folder: string): Promise<readonly string[]> => Promise.resolve(this.#facts.folders?.[folder] ?? []);
  changedMs = (path: string): Promise<number | undefined> => {
    const ageMs = this.#facts.agesMs?.[path];
    return Promise.resolve(ageMs === undefined ? undefined : this.clockMs - ageMs);
  };
  realPath = (path: string): Promise<string> => Promise.resolve(this.#facts.links?.[path] ?? path);
  emptyFolder = (): Promise<void> => Promise.resolve();
  say = (line: string): void => void this.said.push(line);

  /** Options of apt that are the same everywhere are left out of the line. */
  run = (command: string, args: readonly string[]): Promise<Ran> => {
    const version = this.programs.get(command);
    if (args.at(-1) === "--version") return Promise.resolve(version === "fails" ? { code: 1, stdout: "" } : { code: 0, stdout: version ?? "" });
    const line = [command.replace(process.execPath, "node").replace(/^.*\/look-at-url/, "look-at-url"), ...args].join(" ").replace(/ -o \S+/g, "").replace(/node \S*look-at-url.mjs/, "look-at");
    this.ran.push(line);
    const answer = this.#facts.onRun?.(line, this) ?? 1;
    return Promise.resolve(typeof answer === "number" ? { code: answer, stdout: "" } : answer);
  };
}
