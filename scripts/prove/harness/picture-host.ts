import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { socketPlaceOf } from "../../../platform/node/socket-folder.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { playerSocketPath } from "../../../player-host/contract/socket-path.ts";
import { composeHost } from "../../../player-host/node/compose-host.ts";
import { hostLog, RotatingFile } from "../../../player-host/node/host-log.ts";
import { takeInstanceLock } from "../../../player-host/node/instance-lock.ts";
import { DrawingShell } from "./drawing-shell.ts";

/**
 * The real player host on a device's data folder (lock, log, scene, spool, stage, link: everything but a browser), composed
 * as in a shell's `main.ts`.
 */
export class PictureHost {
  readonly shell = new DrawingShell();
  /** Failures to start or to run. Empty on success. */
  readonly faults: string[] = [];
  readonly #data: string;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(data: string) {
    this.#data = data;
  }

  start(): void {
    this.#running = this.#run().catch((thrown: unknown) => void this.faults.push(`the player host broke: ${messageOf(thrown)}`));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const data = this.#data;
    // Exists from an earlier start, unless something else is in its place: then the host cannot start.
    mkdirSync(join(data, "player"), { recursive: true, mode: 0o700 });
    const lock = await takeInstanceLock(join(data, "player", "host.lock"));
    if (!lock.ok && lock.error.code !== "host.lock-unwritable") {
      this.faults.push(`the player host did not start: ${lock.error.message}`);
      return;
    }
    const file = new RotatingFile(join(data, "logs", "player.log"));
    try {
      const socket = playerSocketPath(socketPlaceOf(data));
      const host = await composeHost({
        dataDir: data, socket, socketsDir: data, shell: this.shell, browser: { why: "drawn by the proof", sandbox: true, passedOver: [] }, trial: false,
        clock: systemClock, timers: new SystemTimers(systemClock), random: systemRandom, log: hostLog(file, { write: () => true }, "info", systemClock),
        env: {},
      });
      await host.run(this.#stop.signal);
    } finally {
      if (lock.ok) await lock.value.release();
      file.close();
    }
  }
}
