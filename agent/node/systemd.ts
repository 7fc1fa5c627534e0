import { execFile } from "node:child_process";
import type { Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";

export interface SystemdDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timers: Timers;
  readonly log: Log;
  /** True while the agent's own loops make progress; never asks the cloud. */
  healthy(): boolean;
  /** Runs a program; replaced in tests. */
  readonly run?: (program: string, args: readonly string[]) => Promise<void>;
}

/**
 * Readiness and watchdog for systemd (sd_notify(3)), where it started us. Node cannot open the datagram
 * socket itself, so `systemd-notify` does it; the unit needs `NotifyAccess=all`. At half of
 * `WATCHDOG_USEC` that is one short process a minute with the unit we ship.
 */
export class Systemd {
  readonly #deps: SystemdDeps;
  #timer: Timer | undefined;

  constructor(deps: SystemdDeps) {
    this.#deps = deps;
  }

  /** Whether systemd waits for word from this process. */
  get present(): boolean {
    return this.#deps.env["NOTIFY_SOCKET"] !== undefined;
  }

  /** Milliseconds systemd waits between two signs of life; `undefined`: no watchdog. */
  get watchdogMs(): number | undefined {
    const { WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = this.#deps.env;
    if (usec === undefined || (pid !== undefined && Number(pid) !== process.pid)) return undefined;
    const ms = Number(usec) / 1000;
    return Number.isFinite(ms) && ms > 0 ? ms : undefined;
  }

  ready(): void {
    if (!this.present) return;
    this.#notify("--ready");
    const everyMs = this.watchdogMs;
    if (everyMs !== undefined) this.#feed(everyMs / 2);
  }

  stopping(): void {
    this.#timer?.cancel();
    if (this.present) this.#notify("STOPPING=1");
  }

  #feed(everyMs: number): void {
    if (this.#deps.healthy()) this.#notify("WATCHDOG=1");
    else this.#deps.log.error({}, "the agent's loops are stuck; systemd's watchdog is not fed");
    this.#timer = this.#deps.timers.after("systemd.watchdog", everyMs, () => this.#feed(everyMs));
  }

  #notify(message: string): void {
    const run = this.#deps.run ?? runProgram;
    run("systemd-notify", [message]).catch((thrown: unknown) => {
      // Systemd will restart us when it hears nothing; that is its decision, here it is only told.
      this.#deps.log.error({ error: String(thrown), message }, "systemd could not be notified");
    });
  }
}

function runProgram(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: 10_000 }, (error) => {
      if (error === null) resolve();
      else reject(new Error(`${program} ${args.join(" ")}: ${error.message}`, { cause: error }));
    });
  });
}
