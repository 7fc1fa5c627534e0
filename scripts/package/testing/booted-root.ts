import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import type { NetConnectOpts } from "node:net";
import { freemem, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { commandRunner, type CommandRunner } from "../../../platform/linux/command-runner.ts";
import { Ground, type GroundKind, type Ran } from "./ground.ts";
import { buildStandInDeb, MACHINE_ARCH } from "./test-debs.ts";
import { packageRoot, type RootName } from "./package-root.ts";

/** A boot takes seconds, on a busy machine some dozens. */
const BOOT_MS_MAX = 120_000;
/** The container ends after this, whatever becomes of the test. */
const LIFE_SECONDS_MAX = 1_200;
const LOOK_MS = 200;
/** The journal of a whole test. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };

/** Why no Debian can be booted here; `undefined`: it can. */
export function whyNoBoot(name: RootName = "plain"): string | undefined {
  if (process.getuid?.() !== 0) return "only root can boot a container";
  if (!existsSync("/usr/bin/systemd-nspawn")) return "systemd-nspawn (systemd-container) is not there";
  const maker = { plain: "npm test", network: "npm test", screen: "npm run prove:updates" }[name];
  return packageRoot(name) === undefined ? `the Debian 13 of the package${name === "network" ? " with NetworkManager" : ""} has not been made; ${maker} makes it` : undefined;
}

/** Containers that run, which do not outlive this process however it ends. */
const running = new Set<BootedRoot>();
process.on("exit", () => {
  for (const root of running) root.endNow();
});

/** What a container and its packages write, at most. */
const RAM_BYTES_MIN = 4 * 1024 ** 3;

/** A temporary folder, in memory where that is large enough: dpkg and the updater wait for the disk after every file. */
export function quickFolder(prefix: string): string {
  const { bavail, bsize } = existsSync("/dev/shm") ? statfsSync("/dev/shm") : { bavail: 0, bsize: 0 };
  // A tmpfs tells its limit; what memory there is for it is MemAvailable.
  return mkdtempSync(join(Math.min(bavail * bsize, freemem()) >= RAM_BYTES_MIN ? "/dev/shm" : tmpdir(), prefix));
}

/** A container has no seat, no console and no graphics: labwc draws into memory. */
const PLAYER_UNIT = ["[Service]", "TTYPath=", "TTYReset=no", "TTYVHangup=no", "TTYVTDisallocate=no", "StandardInput=null", "Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1"];

/** A script that lets the player's unit start in a container. */
export const PLAYER_IN_A_CONTAINER = `mkdir -p /etc/systemd/system/vitrine-player.service.d && printf '%s\\n' '${PLAYER_UNIT.join("' '")}' > /etc/systemd/system/vitrine-player.service.d/container.conf`;

/** A container in which the player's unit can run. `prepare`: a script of sh. The plain root has programs that only wait, in place of compositor and browser. */
export function container(name: RootName = "plain", prepare = ":"): GroundKind {
  return {
    arch: MACHINE_ARCH,
    async open() {
      const root = await BootedRoot.boot(name);
      try {
        await root.read(prepare);
        await root.read(PLAYER_IN_A_CONTAINER);
        if (name === "plain") await root.installStandIns();
        return root;
      } catch (thrown) {
        await root.close();
        throw thrown;
      }
    },
  };
}

/**
 * A booted copy of `packageRoot` in a container of systemd-nspawn: its own systemd is process 1, on an overlay that is gone
 * afterwards. It shares the machine's network, except the one with a NetworkManager, which would take hold of it.
 */
export class BootedRoot extends Ground {
  readonly slowness = 1;
  readonly trialMinutes = 3;
  readonly #lower: string;
  readonly #folder: string;
  readonly #ownNetwork: boolean;
  #container: ChildProcess | undefined;
  #leader = "";

  private constructor(lower: string, folder: string, ownNetwork: boolean) {
    super();
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
    running.add(this);
    await this.#waitForBoot();
  }

  run(script: string, limitMs = 300_000): Promise<Ran> {
    return new Promise((resolve, reject) => {
      execFile("nsenter", this.#inside(script), { timeout: limitMs, env: ENV, maxBuffer: OUTPUT_BYTES_MAX }, (error, output) => {
        const status = error === null ? 0 : error.code;
        if (typeof status === "number") resolve({ status, output });
        else reject(new Error(`not run to its end: ${script}\n${output}`, { cause: error }));
      });
    });
  }

  /** Runs programs as one of the container's users. */
  runner(user: string): CommandRunner {
    const run = commandRunner(ENV);
    return (program, args, timeoutMs, input) => run("nsenter", ["--target", this.#leader, "--all", "setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", program, ...args], timeoutMs, input);
  }

  /** A file of the container, as this machine reaches it: also one of a file system that is mounted there, and a socket. */
  path(file: string): string {
    return join("/proc", this.#leader, "root", file);
  }

  give(file: string): Promise<string> {
    copyFileSync(file, join(this.path("/root"), basename(file)));
    return Promise.resolve(basename(file));
  }

  /** It shares the machine's network. */
  reach(): Promise<void> {
    return Promise.resolve();
  }

  playerSocket(): Promise<NetConnectOpts> {
    return Promise.resolve({ path: this.path("/run/vitrine/run/player.sock") });
  }

  /** Packages in place of compositor and browser, in dpkg's order before ours. */
  async installStandIns(): Promise<void> {
    const given = ["labwc", "chromium"].map((name) => this.give(buildStandInDeb(this.#folder, name)));
    await this.read(`dpkg --force-unsafe-io --install ${(await Promise.all(given)).join(" ")}`);
  }

  /** For the end of this process, which waits for nothing: as `powerOff`, and its disk is gone too. */
  endNow(): void {
    if (this.#container?.exitCode === null && this.#container.signalCode === null) {
      if (this.#leader !== "") process.kill(Number(this.#leader), "SIGKILL");
      this.#container.kill("SIGTERM");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    running.delete(this);
    // timeout passes it on to systemd-nspawn, which stops the container.
    this.#container?.kill("SIGTERM");
    await this.#ended();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #inside(script: string): string[] {
    return ["--target", this.#leader, "--all", "sh", "-c", `cd /root; exec 2>&1 < /dev/null\n${script}`];
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
