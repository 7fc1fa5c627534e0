import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ChildProgram } from "./child-program.ts";
import { NODE_ENV } from "../../start/programs.ts";

/** Runs at the end of a figure in any case. */
export type Cleanup = () => void | Promise<void>;

/** Resources of a figure: a folder on the disk under test, programs that end with it, and the amount of work. */
export class Bench {
  /** Has `dist/`. */
  readonly root: string;
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly #folder: string;
  readonly #say: (line: string) => void;
  #cleanups: Cleanup[] = [];

  /** Creates its folder, which `close` removes. It is in the tree, because the temporary folder may be in memory. */
  constructor(options: { readonly root: string; readonly quick: boolean; readonly signal: AbortSignal; readonly say: (line: string) => void }) {
    this.root = options.root;
    this.quick = options.quick;
    this.signal = options.signal;
    this.#say = options.say;
    const parent = join(options.root, ".vitrine");
    mkdirSync(parent, { recursive: true });
    this.#folder = mkdtempSync(join(parent, "b-"));
  }

  /** Prints one line of progress. */
  say(line: string): void {
    this.#say(line);
  }

  /** Returns `whole` in a whole run and `quick` in a quick one. */
  pick(whole: number, quick: number): number {
    return this.quick ? quick : whole;
  }

  /** A new empty folder. */
  folder(name: string): string {
    return mkdtempSync(join(this.#folder, `${name}-`));
  }

  /** Starts a Node program with the Node that runs this. */
  node(script: string, args: readonly string[] = []): ChildProgram {
    return this.#keep(new ChildProgram(process.execPath, [script, ...args]));
  }

  /** The same with the flags and the environment with which a program is shipped. */
  nodeAsShipped(flags: readonly string[], script: string, args: readonly string[] = []): ChildProgram {
    return this.#keep(new ChildProgram(process.execPath, [...flags, script, ...args], NODE_ENV));
  }

  /** Starts one of the bench's own programs. */
  program(name: string, args: readonly string[] = []): ChildProgram {
    return this.node(join(this.root, "scripts/bench/programs", `${name}.ts`), args);
  }

  /** Registers a cleanup for the end of the figure. The last registered runs first. */
  onEnd(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  /** Rejects when the bench is stopped. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(stopped());
      };
      const timer = setTimeout(() => {
        this.signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      if (this.signal.aborted) stop();
      else this.signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** Polls `look` every `everyMs` until it returns a value. Rejects after `timeoutMs`, naming `what`, and when the bench is stopped. */
  async until<T>(what: string, look: () => T | undefined | Promise<T | undefined>, { timeoutMs = 60_000, everyMs = 20 } = {}): Promise<T> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > endMs) throw new Error(`${what} did not come within ${timeoutMs} ms`);
      await this.sleep(everyMs);
    }
  }

  throwIfStopped(): void {
    if (this.signal.aborted) throw stopped();
  }

  /** Runs the last figure's cleanups, newest first. */
  async endFigure(): Promise<void> {
    const cleanups = this.#cleanups.reverse();
    this.#cleanups = [];
    for (const cleanup of cleanups) await cleanup();
  }

  async close(): Promise<void> {
    await this.endFigure();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #keep(child: ChildProgram): ChildProgram {
    this.onEnd(() => child.stop());
    return child;
  }
}

function stopped(): Error {
  return new Error("the bench was stopped");
}
