import type { ChildProcess } from "node:child_process";
import type { Result } from "../../../platform/ports/result.ts";
import type { FrameFinding, LoadTarget, PixelSample, ScreenshotRequest, Shell, ShellEvent, ShellFacts, ShellImage } from "../../stage/shell.ts";

/** Methods that cross the process boundary; each returns a promise. */
type Method = Exclude<keyof Shell, "onEvent" | "kind">;

interface Call {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}
type FromShell =
  | { readonly kind: "ready" }
  | { readonly kind: "event"; readonly event: ShellEvent }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "threw"; readonly id: number; readonly message: string };

/** A shell in another process, for suites that cannot run in it. The IPC channel's serialization must be `advanced`. */
export class RemoteShell implements Shell {
  readonly kind = "remote";
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(event: ShellEvent) => void>();
  readonly #open = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  readonly #ready: Promise<void>;
  #lastId = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ready = new Promise((resolve, reject) => {
      child.once("exit", (code) => {
        const gone = new Error(`the process with the shell ended with code ${code}`);
        reject(gone);
        for (const { reject: fail } of this.#open.values()) fail(gone);
      });
      child.on("message", (message: FromShell) => {
        if (message.kind === "ready") resolve();
        else this.#take(message);
      });
    });
  }

  onEvent(listener: (event: ShellEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start = (): Promise<Result<ShellFacts>> => this.#call("start");
  stop = async (): Promise<void> => {
    await this.#call("stop");
    this.#child.kill("SIGTERM");
  };
  load = (load: number, target: LoadTarget): Promise<void> => this.#call("load", load, target);
  resetRenderer = (): Promise<void> => this.#call("resetRenderer");
  screenshot = (request: ScreenshotRequest): Promise<Result<ShellImage>> => this.#call("screenshot", request);
  sample = (): Promise<Result<PixelSample>> => this.#call("sample");
  witnessFrame = (timeoutMs: number): Promise<FrameFinding> => this.#call("witnessFrame", timeoutMs);
  clearCache = (what: { readonly storage: boolean }): Promise<Result<undefined>> => this.#call("clearCache", what);
  overlay = (text: string | undefined): Promise<void> => this.#call("overlay", text);
  metrics = (): Promise<Readonly<Record<string, number>>> => this.#call("metrics");
  sendToPage = (text: string): void => {
    this.#call("sendToPage", text).catch(() => {
      // The process is gone; the next call that waits for an answer fails.
    });
  };

  async #call<T>(method: Method, ...args: unknown[]): Promise<T> {
    await this.#ready;
    const id = (this.#lastId += 1);
    return new Promise<T>((resolve, reject) => {
      this.#open.set(id, { resolve: (value) => resolve(value as T), reject });
      const call: Call = { id, method, args };
      this.#child.send(call);
    });
  }

  #take(message: Exclude<FromShell, { kind: "ready" }>): void {
    if (message.kind === "event") {
      for (const listener of this.#listeners) listener(message.event);
      return;
    }
    const open = this.#open.get(message.id);
    this.#open.delete(message.id);
    if (message.kind === "answer") open?.resolve(message.value);
    else open?.reject(new Error(message.message));
  }
}

/** The other end, in the shell's own process. */
export function serveShell(shell: Shell, port: Pick<NodeJS.Process, "on" | "send">): void {
  const say = (message: FromShell): void => {
    port.send?.(message);
  };
  shell.onEvent((event) => say({ kind: "event", event }));
  port.on("message", (message: unknown) => {
    const { id, method, args } = message as Call;
    const run = shell[method] as ((...args: readonly unknown[]) => unknown) | undefined;
    Promise.resolve()
      .then(() => run?.apply(shell, [...args]))
      .then(
        (value) => say({ kind: "answer", id, value }),
        (thrown: unknown) => say({ kind: "threw", id, message: String(thrown) }),
      )
      .catch(() => {
        // The test's process is gone.
      });
  });
  say({ kind: "ready" });
}
