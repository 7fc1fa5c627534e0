import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Compositor } from "../../../platform/ports/compositor.ts";
import { runForBytes } from "../../../platform/linux/command-runner.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { WlrCompositor } from "../../../platform/linux/compositor/wlr-compositor.ts";
import { LIBRARIES } from "../compositor-root.ts";

/** Ids that nobody has. */
const PLAYER = 61_235;
const PROGRAM_TIMEOUT_MS = 20_000;
const START_TIMEOUT_MS = 50_000;
const SCRIPT = join(import.meta.dirname, "run-in-root.sh");

/** Keys that add and remove an output; labwc has no other way. */
const LABWC_CONFIG = `<labwc_config><keyboard>
<keybind key="F1"><action name="VirtualOutputAdd" output_name="ADDED-1"/></keybind>
<keybind key="F2"><action name="VirtualOutputRemove" output_name="ADDED-1"/></keybind>
</keyboard></labwc_config>
`;

export interface SessionOptions {
  /** The Debian 13 it runs in. */
  readonly root: string;
  /** Program and arguments, after variables for its environment: `WLR_HEADLESS_OUTPUTS=2`, `labwc`. */
  readonly command: readonly string[];
  /** Which of its sockets is asked. */
  readonly socket?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Default: others may not use its files. */
  readonly umask?: string;
  /** Folder for its sockets; default: a temporary one that only its user may enter. */
  readonly runtimeDir?: string;
}

/** A real compositor without a screen, as an ordinary user. */
export class CompositorSession {
  readonly compositor: Compositor;
  readonly socketPath: string;
  readonly runtimeDir: string;
  readonly #options: SessionOptions;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(options: SessionOptions) {
    this.#options = options;
    const { uid = PLAYER, gid = PLAYER } = options;
    this.runtimeDir = options.runtimeDir ?? mkdtempSync(join(tmpdir(), "vitrine-compositor-"));
    if (options.runtimeDir === undefined) chownSync(this.runtimeDir, uid, gid);
    mkdirSync(join(this.runtimeDir, ".config/labwc"), { recursive: true });
    writeFileSync(join(this.runtimeDir, ".config/labwc/rc.xml"), LABWC_CONFIG);
    for (const name of [".config", ".config/labwc"]) chownSync(join(this.runtimeDir, name), uid, gid);
    this.socketPath = join(this.runtimeDir, options.socket ?? "wayland-0");
    const timers = new SystemTimers();
    this.compositor = new WlrCompositor({ socketPath: this.socketPath, clock: systemClock, timers, runGrim: (args) => this.run("grim", args) });
  }

  /** Starts it and waits until it answers with an output. If it does not, the session is closed. */
  async start(): Promise<void> {
    try {
      await this.#started();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  async #started(): Promise<void> {
    const { root, command, uid = PLAYER, gid = PLAYER, umask = "0077" } = this.#options;
    const child = spawn("setpriv", ["--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "bash", SCRIPT, root, this.runtimeDir, String(uid), String(gid), umask, ...command], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#output = "";
    const note = (text: string): void => void (this.#output = (this.#output + text).slice(-4_000));
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", note);
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const outputs = await this.compositor.outputs();
      if (outputs.ok && outputs.value.length > 0) return;
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadlineMs) throw new Error(`${command.join(" ")} did not start: ${JSON.stringify(outputs)}\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Kills it without a chance to clean up, and everything that runs in it. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    this.signal("SIGKILL");
    await ended;
  }

  /** Kills only the program that started the compositor, as the end of a test run does. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** Sends a signal to the compositor itself. */
  signal(name: NodeJS.Signals): void {
    const parent = this.#child?.pid ?? -1;
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ");
    if (child !== undefined && child !== "") process.kill(Number(child), name);
  }

  async close(): Promise<void> {
    await this.stop();
    if (this.#options.runtimeDir === undefined) rmSync(this.runtimeDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** Runs a program of the root outside of it, on this compositor. */
  run(program: string, args: readonly string[]) {
    const { root } = this.#options;
    const loader = process.arch === "arm64" ? "lib/ld-linux-aarch64.so.1" : "lib64/ld-linux-x86-64.so.2";
    const swaySocket = readdirSync(this.runtimeDir).find((name) => name.startsWith("sway-ipc."));
    return runForBytes(join(root, loader), ["--library-path", join(root, LIBRARIES), join(root, "usr/bin", program), ...args], {
      timeoutMs: PROGRAM_TIMEOUT_MS,
      bytesMax: 64 * 1_048_576,
      environment: { WAYLAND_DISPLAY: this.socketPath, XKB_CONFIG_ROOT: join(root, "usr/share/X11/xkb"), ...(swaySocket !== undefined && { SWAYSOCK: join(this.runtimeDir, swaySocket) }) },
    });
  }

  /** Puts a file where programs in the session find it, and returns its path there. */
  async file(name: string, content: Uint8Array): Promise<string> {
    const path = join(this.runtimeDir, name);
    writeFileSync(path, content);
    await chmod(path, 0o644);
    return path;
  }
}
