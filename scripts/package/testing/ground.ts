import type { NetConnectOpts } from "node:net";
import { pauseMs } from "../../prove/harness/agent-process.ts";
import type { Arch } from "../parts.ts";

const LOOK_MS = 200;
const SCRIPT_MS_MAX = 300_000;

export interface Ran {
  readonly status: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

/** How to come to a ground. */
export interface GroundKind {
  readonly arch: Arch;
  open(): Promise<Ground>;
}

/**
 * What a device of the package's tests runs on: a container or an emulated machine, with a systemd, a dpkg and a disk of its own. Nothing of
 * ours is installed yet, or another version of it. Time limits are for a container; a slower ground takes a multiple of them.
 */
export abstract class Ground {
  /** Its time for anything, as a multiple of a container's. */
  abstract readonly slowness: number;
  /** Within which a good release confirms itself here, minutes. */
  abstract readonly trialMinutes: number;

  /** Runs a script of sh as root in `/root`. Throws when the machine is gone or does not answer in time. */
  abstract run(script: string, limitMs?: number): Promise<Ran>;
  /** Copies a file to `/root`, and returns its name. */
  abstract give(file: string): Promise<string>;
  /** Makes a port of this machine's loopback the same one of the device's own, over boots. */
  abstract reach(port: number): Promise<void>;
  /** Where this machine reaches the socket for the device's player; valid until the power goes. */
  abstract playerSocket(): Promise<NetConnectOpts>;
  /** Ends every process at once. */
  abstract powerOff(): Promise<void>;
  /** Boots from what is on the disk; settles when scripts can be run. */
  abstract powerOn(): Promise<void>;
  abstract close(): Promise<void>;

  async powerCut(): Promise<void> {
    await this.powerOff();
    await this.powerOn();
  }

  /** The output of a script that must succeed. */
  async read(script: string, limitMs = SCRIPT_MS_MAX): Promise<string> {
    const { status, output } = await this.run(script, limitMs);
    if (status !== 0) throw new Error(`ended with ${String(status)}: ${script}\n${output}`);
    return output.trim();
  }

  /** Waits until a script succeeds, and returns its output. */
  async until(script: string, limitMs = 60_000): Promise<string> {
    const untilMs = performance.now() + limitMs * this.slowness;
    for (;;) {
      const { status, output } = await this.run(script, SCRIPT_MS_MAX);
      if (status === 0) return output.trim();
      if (performance.now() > untilMs) throw new Error(`not within ${(limitMs * this.slowness) / 1_000} s: ${script}\n${output}`);
      await pauseMs(LOOK_MS);
    }
  }
}
