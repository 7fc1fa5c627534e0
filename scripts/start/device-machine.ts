import { sleep } from "../../platform/runtime/sleep.ts";
import { afterAgentEnd, type AfterAgent } from "./after-agent-end.ts";
import { lastWords, POWER_CUT, RestartPause, runOnce, type KeepDeps, type ProgramUp, type Run } from "./keep-running.ts";
import type { StartProgram } from "./program.ts";

export interface DeviceMachineDeps extends KeepDeps {
  readonly startAgent: StartProgram;
  /** Resolves when the agent may start: before its cloud answers, it would only wait to retry. Absent: at once. */
  readonly agentMayStart?: (signal: AbortSignal) => Promise<void>;
  /** Keeps the player host running until `power` aborts. */
  readonly keepPlayer: (deps: KeepDeps, power: AbortSignal) => Promise<void>;
  /** The simulated machine's boot id from its world file; `undefined` while there is none. */
  readonly bootId: () => string | undefined;
  /** Resolves to true once the just started agent answers, to false when `signal` aborts first. */
  readonly agentUp: ProgramUp;
}

/** Time a simulated machine takes from power-on to the start of our software. */
export const BOOT_MS = 2_000;

/** How a period with power ended. */
type PowerEnd = Extract<AfterAgent, { kind: "reboot" | "off" }> | { readonly kind: "asked" };

/**
 * One simulated machine: an agent and a player host, restarted as by systemd, which go down together when the machine
 * reboots, is shut down or loses power.
 */
export class DeviceMachine {
  readonly #name: string;
  readonly #deps: DeviceMachineDeps;
  #agentStarts = 0;

  constructor(name: string, deps: DeviceMachineDeps) {
    this.#name = name;
    this.#deps = { ...deps, say: (line) => deps.say(`device ${name}: ${line}`) };
  }

  /** Resolves once `signal` has aborted and nothing is running. */
  async run(signal: AbortSignal): Promise<void> {
    const { say, timers } = this.#deps;
    while (!signal.aborted) {
      const end = await this.#powered(signal);
      if (end.kind === "reboot") {
        say(end.cut ? "lost power; it boots again in 2 s" : "reboots");
        await sleep(timers, `start.boot.${this.#name}`, BOOT_MS, signal);
      } else if (end.kind === "off") {
        say("was shut down and stays off until the next npm start");
        await untilAborted(signal);
      }
    }
  }

  /** Runs agent and player from power-on to power-off. */
  async #powered(signal: AbortSignal): Promise<PowerEnd> {
    const power = new AbortController();
    const off = (): void => power.abort();
    if (signal.aborted) off();
    signal.addEventListener("abort", off, { once: true });
    const player = this.#deps.keepPlayer(this.#deps, power.signal);
    const end = await this.#keepAgent(power.signal);
    signal.removeEventListener("abort", off);
    power.abort(end.kind === "reboot" && end.cut ? POWER_CUT : undefined);
    await player;
    return end;
  }

  async #keepAgent(power: AbortSignal): Promise<PowerEnd> {
    const pause = new RestartPause("the agent", this.#deps);
    if (this.#deps.agentMayStart !== undefined) await this.#deps.agentMayStart(power);
    while (!power.aborted) {
      const { run, newBoot } = await this.#runAgent(power);
      if (power.aborted) break;
      const next = afterAgentEnd(run.end, newBoot);
      if (next.kind === "reboot" || next.kind === "off") return next;
      if (next.kind === "restart") await pause.wait(run, next.atOnce, power);
      else {
        this.#deps.say(`the agent is not restarted: ${next.why}${lastWords(run.end)}`);
        await untilAborted(power);
      }
    }
    return { kind: "asked" };
  }

  async #runAgent(power: AbortSignal): Promise<{ readonly run: Run; readonly newBoot: boolean }> {
    const { clock, bootId, agentUp, say } = this.#deps;
    let bootBefore: string | undefined;
    const again = (this.#agentStarts += 1) > 1;
    const over = new AbortController();
    // An agent that answers has opened its world and completed any boot of its own.
    const looked = agentUp(AbortSignal.any([power, over.signal])).then((up) => {
      if (up) bootBefore = bootId();
      if (up && again) say("the agent is up again");
    });
    const run = await runOnce(this.#deps.startAgent, power, clock);
    over.abort();
    await looked;
    return { run, newBoot: bootBefore !== undefined && bootId() !== bootBefore };
  }
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
