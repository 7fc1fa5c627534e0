import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linuxSoftwareUpdater } from "../../../platform/linux/linux-software-updater.ts";
import type { SoftwareUpdater } from "../../../platform/ports/software.ts";
import { built } from "./built.ts";
import { makeDeb, RELEASE_KEY, signRelease, writeTree, type TestRelease } from "./test-release.ts";
import type { InstallRequest } from "../../../platform/ports/software.ts";
import type { ReleaseManifest } from "../../protocol/release.ts";

/** `systemctl` that shows what `units/<unit>` says and notes what else it is asked. */
const SYSTEMCTL = `#!/bin/sh
here=$(dirname "$0")
verb=$1; shift
if [ "$verb" = show ]; then
  shift
  for unit; do cat "$here/units/$unit"; echo; done
  exit
fi
echo "$verb $*" >> "$here/calls"
[ ! -x "$here/on-$verb" ] || exec "$here/on-$verb" "$@"
`;
const JOURNALCTL = `#!/bin/sh
echo "2026-11-30T12:00:00+00:00 pi vitrine-agent[12]: Error: the last words of this release"
`;

/** A machine with a packaged release 1.0.0 and real updater processes. */
export class UpdaterBench {
  readonly root = mkdtempSync(join(tmpdir(), "vitrine-updater-"));
  readonly releases = join(this.root, "releases");
  readonly packaged = join(this.root, "packaged");
  readonly socket = join(this.root, "updater.sock");
  readonly updater: SoftwareUpdater = linuxSoftwareUpdater(this.socket);
  #child: ChildProcess | undefined;
  /** What the updaters logged. */
  output = "";

  constructor() {
    writeTree(this.packaged, { version: "1.0.0" });
    mkdirSync(join(this.root, "keys"));
    writeFileSync(join(this.root, "keys/test.pub"), `# test\n${RELEASE_KEY}\n`);
    mkdirSync(join(this.root, "units"));
    for (const unit of ["vitrine-agent.service", "vitrine-player.service"]) this.setUnit(unit, {});
    for (const [name, text] of [["systemctl", SYSTEMCTL], ["journalctl", JOURNALCTL]] as const) {
      writeFileSync(join(this.root, name), text);
      chmodSync(join(this.root, name), 0o755);
    }
    this.boot("boot-1");
  }

  boot(id: string): void {
    writeFileSync(join(this.root, "boot-id"), `${id}\n`);
  }

  setUnit(unit: string, { state = "active", restarts = 0, code = "0", status = "0", result = "success" }: { state?: string; restarts?: number; code?: string; status?: string; result?: string }): void {
    const path = join(this.root, "units", unit);
    writeFileSync(`${path}.tmp`, `Id=${unit}\nActiveState=${state}\nNRestarts=${restarts}\nResult=${result}\nExecMainCode=${code}\nExecMainStatus=${status}\n`);
    // Whole, because an updater may be reading it.
    renameSync(`${path}.tmp`, path);
  }

  /** Starts an updater process. `dieAtStep`: it is killed there, as by a power cut. */
  async start({ dieAtStep, lookMs = 100, idleMs = 60_000 }: { dieAtStep?: number; lookMs?: number; idleMs?: number } = {}): Promise<void> {
    rmSync(this.socket, { force: true });
    const child = spawn(process.execPath, [
      await built("agent/updater/main.ts"), "--releases", this.releases, "--packaged", this.packaged, "--keys", join(this.root, "keys"), "--in-use", join(this.root, "in-use"), "--systemctl", join(this.root, "systemctl"), "--journalctl", join(this.root, "journalctl"),
      "--boot-id", join(this.root, "boot-id"), "--socket", this.socket, "--look-ms", String(lookMs), "--idle-ms", String(idleMs), "--keep-free-bytes", "65536", ...(dieAtStep === undefined ? [] : ["--die-at-step", String(dieAtStep)]),
    ], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    // The socket's file is there a moment before anybody listens on it.
    await Promise.race([until(() => isListenedOn(this.socket)), this.ended()]);
  }

  /** Resolves when the process has ended: its code, or the signal that killed it. */
  ended(): Promise<number | string | null> {
    const child = this.#child;
    if (child === undefined) return Promise.resolve(null);
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.signalCode ?? child.exitCode);
    return new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
  }

  async stop(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.ended();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  async request(job: string, release: TestRelease, change: Partial<ReleaseManifest> = {}, deadlineMs = 60_000): Promise<InstallRequest> {
    const deb = makeDeb(this.root, release);
    return { job, release: await signRelease(deb, release.version, change), package: deb, deadlineMs };
  }

  /** The player was started from this release, as its launcher notes it. */
  playerRunsFrom(version: string): void {
    rmSync(join(this.root, "in-use"), { force: true });
    symlinkSync(join(this.releases, version), join(this.root, "in-use"));
  }

  /** The services were restarted for the trial, and that is on disk. */
  untilRestarted(): Promise<void> {
    return until(() => readFileSync(join(this.releases, "trial.json"), "utf8").includes('"restarted":true'));
  }

  calls(): readonly string[] {
    const path = join(this.root, "calls");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  link(name: "current" | "confirmed"): string | undefined {
    return existsSync(join(this.releases, name)) ? readlinkSync(join(this.releases, name)) : undefined;
  }
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Polls; the test's own time limit ends a wait that never comes true. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}
