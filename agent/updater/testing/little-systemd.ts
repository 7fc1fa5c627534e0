import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { UpdaterBench } from "./updater-bench.ts";

const ROLES = { "vitrine-agent.service": "agent", "vitrine-player.service": "player" } as const;
type Unit = keyof typeof ROLES;

const RESTART_MS = 200;
const LOOK_MS = 50;

/** Keeps the services of a bench running as systemd would: from the current release, restarted when they end or when the bench's `systemctl` asks. */
export class LittleSystemd {
  readonly #bench: UpdaterBench;
  readonly #children = new Map<Unit, ChildProcess>();
  readonly #restarts = new Map<Unit, number>();
  #handled = 0;
  #isOn = false;

  constructor(bench: UpdaterBench) {
    this.#bench = bench;
  }

  boot(): void {
    this.#isOn = true;
    this.#handled = this.#bench.calls().length;
    for (const unit of Object.keys(ROLES) as Unit[]) this.#start(unit, 0);
    void this.#listen();
  }

  /** SIGKILL for everything, as a power cut. */
  async off(): Promise<void> {
    this.#isOn = false;
    const children = [...this.#children.values()];
    this.#children.clear();
    for (const child of children) child.kill("SIGKILL");
    const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(running.map((child) => new Promise((resolve) => child.once("exit", resolve))));
  }

  #start(unit: Unit, restarts: number, exit: { code?: number | null; signal?: string | null } = {}): void {
    const current = join(this.#bench.releases, "current");
    const release = existsSync(join(current, "release.json")) ? realpathSync(current) : this.#bench.packaged;
    this.#restarts.set(unit, restarts);
    this.#bench.setUnit(unit, { restarts, ...(exit.code !== undefined && exit.code !== null && { code: "1", status: String(exit.code), result: "exit-code" }) });
    const child = spawn(join(release, "bin/launch"), [ROLES[unit], release], { stdio: "ignore" });
    this.#children.set(unit, child);
    child.once("exit", (code, signal) => {
      if (!this.#isOn || this.#children.get(unit) !== child) return;
      setTimeout(() => {
        if (this.#isOn && this.#children.get(unit) === child) this.#start(unit, (this.#restarts.get(unit) ?? 0) + 1, { code, signal });
      }, RESTART_MS);
    });
  }

  async #listen(): Promise<void> {
    while (this.#isOn) {
      const calls = this.#bench.calls();
      for (const call of calls.slice(this.#handled)) {
        for (const unit of Object.keys(ROLES) as Unit[]) if (call.startsWith("restart") && call.includes(unit)) this.#restart(unit);
      }
      this.#handled = calls.length;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  #restart(unit: Unit): void {
    const child = this.#children.get(unit);
    this.#children.delete(unit);
    const start = (): void => {
      if (this.#isOn) this.#start(unit, 0);
    };
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) start();
    else {
      child.once("exit", start);
      child.kill("SIGTERM");
    }
  }
}
