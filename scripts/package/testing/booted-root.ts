import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { packageRoot } from "./package-root.ts";

/** A boot takes seconds, on a busy machine some dozens. */
const BOOT_MS_MAX = 120_000;
/** The container ends after this, whatever becomes of the test. */
const LIFE_SECONDS_MAX = 1_200;
const LOOK_MS = 200;

/** Why no Debian can be booted here; `undefined`: it can. */
export function whyNoBoot(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can boot a container";
  if (!existsSync("/usr/bin/systemd-nspawn")) return "systemd-nspawn (systemd-container) is not there";
  return packageRoot() === undefined ? "the Debian 13 of the package has not been made; npm test makes it" : undefined;
}

export interface Ran {
  readonly status: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

/**
 * A booted copy of `packageRoot` in a container of systemd-nspawn: its own systemd is process 1, on an overlay that is gone
 * afterwards. It shares the machine's network.
 */
export class BootedRoot {
  readonly #folder: string;
  readonly #container: ChildProcess;
  #leader = "";

  private constructor(folder: string, container: ChildProcess) {
    this.#folder = folder;
    this.#container = container;
  }

  static async boot(): Promise<BootedRoot> {
    const folder = mkdtempSync(join(tmpdir(), "vitrine-booted-"));
    for (const name of ["upper", "work", "root"]) mkdirSync(join(folder, name));
    // In a mount namespace of its own, so that nothing stays mounted however the container ends.
    const script = `mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" && exec systemd-nspawn --quiet --directory="$2/root" --register=no --keep-unit --kill-signal=SIGRTMIN+3 --boot`;
    // Debian 13's systemd needs the unified hierarchy, which the machine itself need not use.
    const env = { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" };
    const args = ["--kill-after=20", String(LIFE_SECONDS_MAX), "unshare", "--mount", "sh", "-c", script, "sh", packageRoot() ?? "", folder];
    const container = spawn("timeout", args, { env, stdio: ["ignore", "ignore", "inherit"] });
    const booted = new BootedRoot(folder, container);
    await booted.#waitForBoot();
    return booted;
  }

  /** Runs a script of sh as root, in the container. */
  run(script: string, limitMs = 120_000): Ran {
    const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
    const { status, stdout, error } = spawnSync("nsenter", ["--target", this.#leader, "--all", "sh", "-c", `cd /root; exec 2>&1\n${script}`], { encoding: "utf8", timeout: limitMs, env });
    if (error !== undefined) throw error;
    return { status, output: stdout };
  }

  /** The output of a script that must succeed. */
  read(script: string): string {
    const { status, output } = this.run(script);
    if (status !== 0) throw new Error(`ended with ${String(status)}: ${script}\n${output}`);
    return output.trim();
  }

  /** Waits until a script succeeds, and returns its output. */
  async until(script: string, limitMs = 60_000): Promise<string> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const { status, output } = this.run(script);
      if (status === 0) return output.trim();
      if (performance.now() > untilMs) throw new Error(`not within ${limitMs / 1_000} s: ${script}\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Copies a file to `/root` and returns its name. */
  give(file: string): string {
    copyFileSync(file, join("/proc", this.#leader, "root/root", basename(file)));
    return basename(file);
  }

  async close(): Promise<void> {
    if (this.#container.exitCode === null && this.#container.signalCode === null) {
      const ended = new Promise((done) => this.#container.once("exit", done));
      // timeout passes it on to systemd-nspawn, which stops the container.
      this.#container.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #waitForBoot(): Promise<void> {
    const untilMs = performance.now() + BOOT_MS_MAX;
    for (;;) {
      // timeout, systemd-nspawn, and the container's systemd.
      this.#leader = childOf(childOf(String(this.#container.pid)));
      if (this.#leader !== "" && /^(?:running|degraded)$/m.test(this.#tryRun("systemctl is-system-running"))) return;
      if (performance.now() > untilMs || this.#container.exitCode !== null) {
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
