import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Ids nobody has; to the kernel a user is a number, so no account has to be made on this machine. */
export const AGENT = 61_234;
export const PLAYER = 61_235;
export const STRANGER = 61_236;
export const LINK_GROUP = 61_237;

const root = resolve(import.meta.dirname, "../../..");
export const AGENT_MAIN = join(root, "agent/node/main.ts");
export const PLAYER_MAIN = join(root, "player-host/shells/chromium/main.ts");

export interface OtherUser {
  readonly uid: number;
  /** Its own group; default: of the same number. */
  readonly gid?: number;
  readonly groups?: readonly number[];
}

/** The command line that runs a program as this user, as systemd would: no capabilities, no new privileges. */
export function asUser({ uid, gid = uid, groups = [] }: OtherUser, program: string, args: readonly string[]): readonly [string, ...string[]] {
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, groups.length > 0 ? `--groups=${groups.join(",")}` : "--clear-groups"];
  return ["setpriv", ...identity, "--no-new-privs", "--bounding-set=-all", program, ...args];
}

/** Why this machine cannot take on other users; `undefined`: it can. */
export function whyNoOtherUsers(): string | undefined {
  if (process.getuid?.() !== 0) return "other users can only be taken on as root";
  const [program, ...args] = asUser({ uid: PLAYER }, process.execPath, ["-e", `require("node:fs").accessSync(${JSON.stringify(AGENT_MAIN)})`]);
  const tried = spawnSync(program, args, { encoding: "utf8" });
  if (tried.error !== undefined) return "setpriv (util-linux) is not there";
  return tried.status === 0 ? undefined : "another user cannot read this tree";
}

/** The folders of a device with two users, with the owners and modes that the units and tmpfiles.conf give them. */
export class TwoUserPlace {
  readonly root = mkdtempSync(join(tmpdir(), "vitrine-users-"));

  constructor() {
    chmodSync(this.root, 0o755);
    const folders = [
      ["agent", AGENT, AGENT, 0o700], ["sockets", AGENT, AGENT, 0o711], ["content", AGENT, LINK_GROUP, 0o2750],
      ["player", PLAYER, LINK_GROUP, 0o700], ["player-logs", PLAYER, LINK_GROUP, 0o750],
    ] as const;
    for (const [name, uid, gid, mode] of folders) {
      const folder = this.path(name);
      mkdirSync(folder);
      chownSync(folder, uid, gid);
      chmodSync(folder, mode);
    }
  }

  path(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  startAgent(): ChildProcess {
    const [program, ...args] = asUser({ uid: AGENT, groups: [LINK_GROUP] }, process.execPath, [
      AGENT_MAIN, "--data", this.path("agent"), "--platform", "simulated", "--sockets-dir", this.path("sockets"), "--content-dir", this.path("content"),
      "--player-group", String(LINK_GROUP), "--player-logs-dir", this.path("player-logs"),
    ]);
    return spawn(program, args, { stdio: "ignore", env: { PATH: process.env["PATH"] } });
  }

  startPlayer(browser: string): ChildProcess {
    const [program, ...args] = asUser({ uid: PLAYER, gid: LINK_GROUP }, process.execPath, [
      PLAYER_MAIN, "--data", this.path("player"), "--logs", this.path("player-logs"), "--browser", browser, "--headless",
    ]);
    return spawn(program, args, { stdio: "ignore", env: { PATH: process.env["PATH"], HOME: this.path("player"), VITRINE_SOCKETS_DIR: this.path("sockets") } });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** Asks it to end and waits until it has. */
export async function endProcess(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await ended;
}
