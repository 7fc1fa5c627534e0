import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { commandRunner, type CommandRunner } from "../../../platform/linux/command-runner.ts";
import { packageRoot, type RootName } from "./package-root.ts";

/** A boot takes seconds, on a busy machine some dozens. */
const BOOT_MS_MAX = 120_000;
/** The container ends after this, whatever becomes of the test. */
const LIFE_SECONDS_MAX = 1_200;
const LOOK_MS = 200;
const ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };

/** Why no Debian can be booted here; `undefined`: it can. */
export function whyNoBoot(name: RootName = "plain"): string | undefined {
  if (process.getuid?.() !== 0) return "only root can boot a container";
  if (!existsSync("/usr/bin/systemd-nspawn")) return "systemd-nspawn (systemd-container) is not there";
  const maker = { plain: "npm test", network: "npm test", screen: "npm run prove:updates" }[name];
  return packageRoot(name) === undefined ? `the Debian 13 of the package${name === "network" ? " with NetworkManager" : ""} has not been made; ${maker} makes it` : undefined;
}

/** What a container and its packages write, at most. */
const RAM_BYTES_MIN = 4 * 1024 ** 3;

/** A temporary folder, in memory where that is large enough: dpkg and the updater wait for the disk after every file. */
export function quickFolder(prefix: string): string {
  const { bavail, bsize } = existsSync("/dev/shm") ? statfsSync("/dev/shm") : { bavail: 0, bsize: 0 };
  // A tmpfs tells its limit; what memory there is for it is MemAvailable.
  return mkdtempSync(join(Math.min(bavail * bsize, freemem()) >= RAM_BYTES_MIN ? "/dev/shm" : tmpdir(), prefix));
}

export interface Ran {
  readonly status: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

/**
 * A booted copy of `packageRoot` in a container of systemd-nspawn: its own systemd is process 1, on an overlay that is gone
 * afterwards. It shares the machine's network, except the one with a NetworkManager, which would take hold of it.
 */
export class BootedRoot {
  readonly #lower: string;
  readonly #folder: string;
  readonly #ownNetwork: boolean;
  #container: ChildProcess | undefined;
  #leader = "";

  private constructor(lower: string, folder: string, ownNetwork: boolean) {
    this.#lower = lower;
    this.#folder = folder;
    this.#ownNetwork = ownNetwork;
  }

  static async boot(name: RootName = "plain"): Promise<BootedRoot> {
    const folder = quickFolder("vitrine-booted-");
    for (const each of ["upper", "work", "root"]) mkdirSync(join(folder, each));
    const booted = new BootedRoot(packageRoot(name) ?? "", folder, name === "network");
    await booted.powerOn();
    return booted;
  }

  /** Ends every process of the container at once, and boots it again from what is on its disk. */
  async powerCut(): Promise<void> {
    await this.powerOff();
    await this.powerOn();
  }

  /** SIGKILL for the container's process 1, with which the kernel ends all others of it. What they wrote is kept, synced or not. */
  async powerOff(): Promise<void> {
    process.kill(Number(this.#leader), "SIGKILL");
    await this.#ended();
  }

  async powerOn(): Promise<void> {
    // In a mount namespace of its own, so that nothing stays mounted however the container ends.
    const script = `mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" && exec systemd-nspawn --quiet --directory="$2/root" --register=no --keep-unit --kill-signal=SIGRTMIN+3${this.#ownNetwork ? " --private-network" : ""} --boot`;
    // Debian 13's systemd needs the unified hierarchy, which the machine itself need not use.
    const env = { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" };
    const args = ["--kill-after=20", String(LIFE_SECONDS_MAX), "unshare", "--mount", "sh", "-c", script, "sh", this.#lower, this.#folder];
    this.#container = spawn("timeout", args, { env, stdio: ["ignore", "ignore", "inherit"] });
    await this.#waitForBoot();
  }

  /** Runs a script of sh as root, in the container. */
  run(script: string, limitMs = 120_000): Ran {
    const { status, stdout, error } = spawnSync("nsenter", this.#inside(script), { encoding: "utf8", timeout: limitMs, env: ENV });
    if (error !== undefined) throw error;
    return { status, output: stdout };
  }

  /** The output of a script that must succeed. */
  read(script: string): string {
    const { status, output } = this.run(script);
    if (status !== 0) throw new Error(`ended with ${String(status)}: ${script}\n${output}`);
    return output.trim();
  }

  /** `read` that leaves this process free, for what takes long while a cloud in it has to answer. */
  async perform(script: string, limitMs = 300_000): Promise<string> {
    const { stdout } = await promisify(execFile)("nsenter", this.#inside(script), { timeout: limitMs, env: ENV });
    return stdout.trim();
  }

  /** Runs programs as one of the container's users. */
  runner(user: string): CommandRunner {
    const run = commandRunner(ENV);
    return (program, args, timeoutMs, input) => run("nsenter", ["--target", this.#leader, "--all", "setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", program, ...args], timeoutMs, input);
  }

  /** Waits until a script succeeds, and returns its output. Leaves this process free meanwhile. */
  async until(script: string, limitMs = 60_000): Promise<string> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const said = await this.perform(script).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
      if (typeof said === "string") return said;
      if (performance.now() > untilMs) throw new Error(`not within ${limitMs / 1_000} s: ${script}`, { cause: said });
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** A file of the container, as this machine reaches it: also one of a file system that is mounted there, and a socket. */
  path(file: string): string {
    return join("/proc", this.#leader, "root", file);
  }

  /** Removes a file that was made in the container, while its power is off. */
  removeFromDisk(file: string): void {
    rmSync(join(this.#folder, "upper", file));
  }

  /** Copies a file to `/root` and returns its name. */
  give(file: string): string {
    copyFileSync(file, join(this.path("/root"), basename(file)));
    return basename(file);
  }

  async close(): Promise<void> {
    // timeout passes it on to systemd-nspawn, which stops the container.
    this.#container?.kill("SIGTERM");
    await this.#ended();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #inside(script: string): string[] {
    return ["--target", this.#leader, "--all", "sh", "-c", `cd /root; exec 2>&1\n${script}`];
  }

  async #ended(): Promise<void> {
    const container = this.#container;
    if (container !== undefined && container.exitCode === null && container.signalCode === null) await new Promise((done) => container.once("exit", done));
  }

  async #waitForBoot(): Promise<void> {
    const untilMs = performance.now() + BOOT_MS_MAX;
    for (;;) {
      // timeout, systemd-nspawn, and the container's systemd.
      this.#leader = childOf(childOf(String(this.#container?.pid)));
      if (this.#leader !== "" && /^(?:running|degraded)$/m.test(this.#tryRun("systemctl is-system-running"))) return;
      if (performance.now() > untilMs || this.#container?.exitCode !== null) {
        await this.close();
        throw new Error("the container did not boot");
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** While it boots there may be nothing to enter yet. */
  #tryRun(script: string): string {
    return spawnSync("nsenter", ["--target", this.#leader, "--all", "sh", "-c", script], { encoding: "utf8", timeout: 10_000 }).stdout ?? "";
  }
}

function childOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0] ?? "";
  } catch (thrown) {
    // It has ended, or there is none yet.
    if (["ENOENT", "ESRCH"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return "";
    throw thrown;
  }
}
