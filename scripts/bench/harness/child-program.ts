import { spawn, type ChildProcess } from "node:child_process";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";

/** Longest accepted line of output. */
const LINE_BYTES_MAX = 1024 * 1024;
const STDERR_CHARS_MAX = 4_000;
const STOP_GRACE_MS = 3_000;

/** A child process that prints lines of JSON and reads lines from standard input. */
export class ChildProgram {
  readonly #child: ChildProcess;
  readonly #lines: JsonObject[] = [];
  readonly #name: string;
  readonly #ended: Promise<string>;
  #end: string | undefined;
  #waiting: { readonly resolve: (line: JsonObject) => void; readonly reject: (error: Error) => void } | undefined;
  #stderr = "";

  constructor(command: string, args: readonly string[], extraEnv: Readonly<Record<string, string>> = {}) {
    this.#name = args.find((arg) => !arg.startsWith("-")) ?? command;
    // The caller's configuration must not affect the measurement.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("VITRINE_") && !key.startsWith("NODE_")));
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...env, ...extraEnv, VITRINE_PARENT_PID: String(process.pid) } });
    this.#ended = new Promise((resolve) => {
      this.#child.on("error", (error) => this.#over(error.message, resolve));
      this.#child.on("exit", (code, signal) => this.#over(signal ?? `exit code ${code}`, resolve));
    });
    this.#child.stdin?.on("error", () => {
      // It has ended; `next` rejects.
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX)));
    const framer = new LineFramer(LINE_BYTES_MAX);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of framer.push(text) ?? []) this.#take(line);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} was not started`);
    return this.#child.pid;
  }

  /** How it ended; `undefined` while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** Resolves when it has ended. */
  ended(): Promise<string> {
    return this.#ended;
  }

  /** The next line it prints. Rejects with its standard error when it ends instead. */
  next(): Promise<JsonObject> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#end !== undefined) return Promise.reject(this.#failure());
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** The next line's number under `key`. */
  async nextNumber(key: string): Promise<number> {
    const value = (await this.next())[key];
    if (typeof value !== "number") throw new Error(`${this.#name} did not tell ${key}`);
    return value;
  }

  /** Tells it to go on. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends it by signal, and kills it when it does not end. */
  async stop(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#child.kill("SIGTERM");
    const force = setTimeout(() => this.#child.kill("SIGKILL"), STOP_GRACE_MS);
    await this.#ended;
    clearTimeout(force);
  }

  #take(text: string): void {
    const line = parseJson(text);
    if (line === undefined || !isJsonObject(line)) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#lines.push(line);
    else waiting.resolve(line);
  }

  #over(end: string, resolve: (end: string) => void): void {
    this.#end ??= end;
    resolve(this.#end);
    // Its last output may still be in the pipe.
    setImmediate(() => {
      this.#waiting?.reject(this.#failure());
      this.#waiting = undefined;
    });
  }

  #failure(): Error {
    return new Error(`${this.#name} ended (${this.#end ?? "?"}): ${this.#stderr.trim().split("\n").slice(-6).join(" / ")}`);
  }
}
