import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { WlrCompositor } from "../../../platform/linux/compositor/wlr-compositor.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { compositorRoot, LIBRARIES } from "../../../scripts/compositor/compositor-root.ts";
import type { PixelSample } from "../../stage/shell.ts";
import { decodePng } from "../cdp/tiny-png.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
/** An ordinary user in the root: Chromium's sandbox and labwc both refuse root. */
const USER = 1_234;
const START_TIMEOUT_MS = 30_000;

const VERSION_TIMEOUT_MS = 60_000;

/** The Debian 13 in which the tests run, which need not be the machine's own system. Entering it needs root. `undefined` when it cannot be entered. */
export function findRoomRoot(): string | undefined {
  const root = process.getuid?.() === 0 ? compositorRoot() : undefined;
  return root !== undefined && spawnSync("unshare", ["-m", "true"]).status === 0 ? root : undefined;
}

/** A Chromium that runs in the root. */
export interface RoomBrowser {
  readonly name: string;
  /** Path inside the root. */
  readonly path: string;
  /** Folder of the machine that is at `/mnt/browser` inside; the root's own browser has none. */
  readonly folder?: string;
  /** Files of the machine for what the browser needs and the root has not. */
  readonly libraries: readonly string[];
}

/** The Chromium of the root itself. */
export const ROOT_BROWSER: RoomBrowser = { name: "the root's Chromium", path: "/usr/bin/chromium", libraries: [] };

/** A browser of the machine for use in the root; `undefined` when `path` is only a script that starts it from elsewhere. */
export function roomBrowser(path: string, root: string): RoomBrowser | undefined {
  const folder = dirname(path);
  if (!existsSync(join(folder, "icudtl.dat"))) return undefined;
  const needs = spawnSync("ldd", [path], { encoding: "utf8" }).stdout.matchAll(/^\s*(\S+) => (\/\S+)/gm);
  const libraries = [...needs].filter(([, name = ""]) => !existsSync(join(root, LIBRARIES, name))).map(([, , file = ""]) => file);
  return { name: path, path: `/mnt/browser/${basename(path)}`, folder, libraries };
}

/** What the browser says of its version inside the root. Errors: it does not start there. */
export function versionInRoom(root: string, browser: RoomBrowser): { readonly major: number } | { readonly why: string } {
  const shared = mkdtempSync(join(tmpdir(), "vitrine-room-"));
  const { stdout, stderr, status } = spawnSync("unshare", enter(root, shared, browser, [browser.path, "--version"]), { encoding: "utf8", timeout: VERSION_TIMEOUT_MS, env: environment(shared) });
  rmSync(shared, { recursive: true, force: true });
  const major = /\b(\d+)\.\d+\./.exec(stdout)?.[1];
  return major === undefined ? { why: `it does not start in the Debian 13 (${status}): ${stderr.trim().slice(-300)}` } : { major: Number(major) };
}

/**
 * Makes the root the system of this process alone: a mount namespace of its own, so that nothing stays mounted, and pivot_root, because
 * Chromium's sandbox does not work in a chroot. Arguments: root, repository, folder of Node, shared folder, folder of the browser or
 * nothing, its libraries with spaces between them, user, command.
 */
const ENTER = `set -e
root=$1; repository=$2; node=$3; shared=$4; browser=$5; libraries=$6; user=$7; shift 7
mount --make-rprivate /
mount --rbind "$root" "$root"; cd "$root"
mount --rbind /dev dev; mount --rbind /proc proc; mount --rbind /sys sys
mount -t tmpfs -o mode=1777 tmp tmp; mount -t tmpfs mnt mnt
mkdir -p mnt/repository mnt/node mnt/browser mnt/libraries mnt/old ".$shared"
if [ -n "$browser" ]; then mount --bind "$browser" mnt/browser; fi
for library in $libraries; do cp -L "$library" mnt/libraries/; done
mount --bind "$repository" mnt/repository; mount --bind "$node" mnt/node; mount --bind "$shared" ".$shared"
pivot_root . mnt/old; umount -l mnt/old
exec setpriv --pdeathsig KILL --reuid "$user" --regid "$user" --clear-groups "$@"`;

function enter(root: string, shared: string, { folder = "", libraries }: RoomBrowser, command: readonly string[]): readonly string[] {
  return ["-m", "sh", "-c", ENTER, "sh", root, REPOSITORY, dirname(process.execPath), shared, folder, libraries.join(" "), String(USER), ...command];
}

function environment(shared: string): Readonly<Record<string, string>> {
  return {
    PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
    HOME: shared,
    LANG: "C.UTF-8",
    LD_LIBRARY_PATH: "/mnt/libraries",
    XDG_RUNTIME_DIR: join(shared, "run"),
    WAYLAND_DISPLAY: "wayland-0",
  };
}

/** A real labwc without a graphics card, and the programs that run under it. Outputs: `HEADLESS-1`, `HEADLESS-2`. */
export class WaylandRoom {
  /** Seen under the same path inside and outside the root; belongs to the user inside. */
  readonly shared = mkdtempSync(join(tmpdir(), "vitrine-room-"));
  readonly compositor: WlrCompositor;
  readonly #root: string;
  readonly #browser: RoomBrowser;
  readonly #running = new Set<ChildProcess>();
  readonly #timers = new SystemTimers(systemClock);

  constructor(root: string, browser: RoomBrowser) {
    this.#root = root;
    this.#browser = browser;
    this.folder("run");
    chownSync(this.shared, USER, USER);
    this.compositor = new WlrCompositor({ socketPath: this.#socketPath, clock: systemClock, timers: this.#timers });
  }

  get #socketPath(): string {
    return join(this.shared, "run/wayland-0");
  }

  /** A folder that belongs to the user inside. */
  folder(name: string): string {
    const path = join(this.shared, name);
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, USER, USER);
    return path;
  }

  /** Lets the user inside use a socket that this process has made. */
  open(path: string): void {
    chmodSync(path, 0o666);
  }

  async start(outputs = 1): Promise<void> {
    const labwc = this.run(["labwc"], { WLR_BACKENDS: "headless", WLR_RENDERER: "pixman", WLR_LIBINPUT_NO_DEVICES: "1", WLR_HEADLESS_OUTPUTS: String(outputs) });
    const deadlineMs = systemClock.monotonicMs() + START_TIMEOUT_MS;
    while (!(await this.compositor.outputs()).ok) {
      if (labwc.exitCode !== null || systemClock.monotonicMs() > deadlineMs) throw new Error(`labwc did not start (exit code ${labwc.exitCode})`);
      await this.pause(100);
    }
  }

  /** Starts a program inside, as a process group of its own. */
  run(command: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn("unshare", enter(this.#root, this.shared, this.#browser, command), { stdio: "ignore", detached: true, env: { ...environment(this.shared), ...env } });
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    return child;
  }

  /** The player host with this room's browser. */
  host(dataDir: string): ChildProcess {
    return this.run(["/mnt/node/node", "/mnt/repository/player-host/shells/chromium/main.ts", "--data", dataDir, "--browser", this.#browser.path, "--log-level", "warn"]);
  }

  /** What the compositor shows, taken by grim. */
  async capture(output?: string): Promise<PixelSample> {
    const path = join(this.shared, `capture-${Math.round(systemClock.monotonicMs())}.png`);
    const grim = this.run(["grim", ...(output === undefined ? [] : ["-o", output]), path]);
    const code = await exitOf(grim);
    if (code !== 0) throw new Error(`grim ended with code ${code}`);
    const picture = decodePng(readFileSync(path));
    rmSync(path);
    if (!picture.ok) throw new Error(picture.error.message);
    return picture.value;
  }

  pause(delayMs: number): Promise<unknown> {
    return sleep(this.#timers, "room.pause", delayMs, new AbortController().signal);
  }

  async close(): Promise<void> {
    const ended = [...this.#running].map((child) => exitOf(child));
    for (const child of this.#running) killGroup(child);
    await Promise.all(ended);
    rmSync(this.shared, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (thrown) {
    // The group has ended meanwhile.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}
