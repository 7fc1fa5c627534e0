import { execFile } from "node:child_process";
import type { Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";

export interface SystemdDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timers: Timers;
  readonly log: Log;
  /** True while the agent's own loops make progress; independent of the cloud. */
  healthy(): boolean;
  /** Replaces `execFile` in tests. */
  readonly run?: (program: string, args: readonly string[]) => Promise<void>;
}

/**
 * Readiness and watchdog for systemd (sd_notify(3)), if it started the agent. Node cannot open datagram Unix sockets, so
 * `systemd-notify` sends the messages; the unit needs `NotifyAccess=all`. The watchdog is fed at half of `WATCHDOG_USEC`:
 * one short process a minute with the shipped unit.
 */
export class Systemd {
  readonly #deps: SystemdDeps;
  #timer: Timer | undefined;

  constructor(deps: SystemdDeps) {
    this.#deps = deps;
  }

  /** Whether systemd expects notifications from this process. */
  get present(): boolean {
    return this.#deps.env["NOTIFY_SOCKET"] !== undefined;
  }

  /** Watchdog timeout in ms; `undefined` without a watchdog. */
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
      // Only logged: without notifications systemd restarts the agent by itself.
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
