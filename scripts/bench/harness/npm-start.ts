import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { memoryOf } from "./proc-files.ts";

const PICTURE_TIMEOUT_MS = 90_000;
const LOOK_MS = 10;

/** `npm start` with one device, on a data folder of the bench. */
export class NpmStart {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #log: string;
  readonly #seenBefore: number;
  readonly #startedMs = performance.now();
  #output = "";

  private constructor(root: string, data: string, port: number, browser: string) {
    this.#log = join(data, "devices/1/logs/player.log");
    this.#seenBefore = this.#picturesSeen();
    const args = ["start", "--silent", "--", "--headless", "--port", String(port), "--data", data, "--browser", browser];
    this.#process = spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], detached: true });
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-4_000)));
    this.#ended = new Promise((resolve) => {
      this.#process.on("error", resolve);
      this.#process.on("exit", resolve);
    });
  }

  static async begin(root: string, data: string, browser: string): Promise<NpmStart> {
    return new NpmStart(root, data, await freePort(), browser);
  }

  /** Time from the start of `npm` until its player host has seen the first frame of a loaded page, ms. */
  async firstPictureMs(): Promise<number> {
    while (this.#picturesSeen() === this.#seenBefore) {
      if (performance.now() - this.#startedMs > PICTURE_TIMEOUT_MS) throw new Error(`npm start showed no picture within ${PICTURE_TIMEOUT_MS / 1_000} s: ${this.#output.trim().split("\n").slice(-5).join(" / ")}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return performance.now() - this.#startedMs;
  }

  /** Resident bytes of the launcher and its helpers, without the programs it runs. */
  ownBytes(): number {
    // The bootstrap is the launcher itself if its Node is new enough, else its parent.
    const launcher = descendants(this.#process.pid ?? 0).findLast((pid) => /^\S*node .*scripts\/start\/main\.ts/.test(commandOf(pid)));
    if (launcher === undefined) throw new Error("npm start has no launcher");
    const beside = childrenOf(launcher).filter((pid) => !/\/dist\//.test(commandOf(pid)));
    return [launcher, ...beside].reduce((sum, pid) => sum + memoryOf(pid).rss, 0);
  }

  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGINT");
    await this.#ended;
  }

  #picturesSeen(): number {
    try {
      return readFileSync(this.#log, "utf8").split('"msg":"first picture seen"').length - 1;
    } catch {
      // The device was never started.
      return 0;
    }
  }
}

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    // It ended while the table was read.
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // It ended while the table was read.
    return "";
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
