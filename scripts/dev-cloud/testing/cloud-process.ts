import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "..", "main.ts");
const READY_MS = 20_000;

/** The development cloud as a child process. */
export class CloudProcess {
  readonly base: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;

  private constructor(child: ChildProcess, base: string) {
    this.#child = child;
    this.base = base;
    this.pid = child.pid ?? 0;
    this.#ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  }

  /** Resolves when the cloud is ready. */
  static async start(
    data: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<CloudProcess> {
    const child = spawn(
      process.execPath,
      [MAIN, "--data", data, "--json", ...(args.includes("--port") ? [] : ["--port", "0"]), ...args],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...env },
      },
    );
    let output = "";
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-10_000);
    });
    const url = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready: ${output}${errors}`)), READY_MS);
      child.once("exit", (code) => {
        clearTimeout(timer);
        reject(new Error(`ended with ${code ?? "a signal"}: ${errors}`));
      });
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        const line = output.split("\n")[0] ?? "";
        if (!output.includes("\n")) return;
        clearTimeout(timer);
        resolve((JSON.parse(line) as { url: string }).url);
      });
    });
    return new CloudProcess(child, url);
  }

  kill(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    this.#child.kill(signal);
    return this.#ended;
  }

  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    return this.#ended;
  }
}

/** Runs the cloud until it exits, for starts that must fail. Returns its exit code and standard error. */
export function runCloud(args: readonly string[]): Promise<{ readonly code: number | null; readonly errors: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve) => child.once("exit", (code) => resolve({ code, errors })));
}

/** Creates an empty temporary folder. */
export function scratch(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "vitrine-cloud-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
