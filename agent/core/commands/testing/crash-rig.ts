import { findCommand } from "../../../protocol/commands/catalog.ts";
import type { Signed } from "../../../protocol/signed.ts";
import { ok } from "../../../../platform/ports/result.ts";
import type { HostPower } from "../../../../platform/ports/host.ts";
import { sleep } from "../../../../platform/runtime/sleep.ts";
import type { Execution, ExecutionContext } from "../executor.ts";
import { rebootExecutor } from "../executors/machine-executors.ts";
import { TestDevice, type TestProcess } from "./test-device.ts";
import { tableOf } from "./test-executors.ts";

/** How the executor of one command behaves; part of its id, so that it is the same after a crash: `slow-3`. */
export type Behaviour = "quick" | "slow" | "intends" | "fails" | "throws" | "obeys" | "hangs";

const SLOW_MS = 2_000;
const REBOOT_TAKES_MS = 250;

/** A device with hardware that counts what was really done to it, and a cloud that sends everything again until it is answered. */
export class CrashRig {
  readonly device: TestDevice;
  /** Effects on hardware by `<id>:<attempt>`. */
  readonly effects = new Map<string, number>();
  /** What the cloud has sent, in order. */
  readonly delivered: Signed[] = [];
  readonly canceled: Signed[] = [];

  constructor() {
    this.device = new TestDevice((process) => ({
      ...tableOf({ run: (_name, _params, context) => this.#act(process, context) }),
      reboot: rebootExecutor(this.#powerOf(process)),
    }));
  }

  /** Starts the agent where it is not running, and the cloud sends everything again. */
  async heal(): Promise<void> {
    if (this.device.process !== undefined) return;
    const { service } = await this.device.start();
    for (const signed of this.delivered) service.command(signed);
    for (const signed of this.canceled) service.cancel(signed);
  }

  command(signed: Signed): void {
    this.delivered.push(signed);
    this.device.deliver(signed);
  }

  cancel(signed: Signed): void {
    this.canceled.push(signed);
    this.device.process?.service.cancel(signed);
  }

  /** Moves time on; a device that died on the way comes back after a second. */
  async pass(forMs: number): Promise<void> {
    await this.device.passHealed(forMs, 1_000, () => this.heal());
  }

  /** Until everything must be at its end. */
  async settle(): Promise<void> {
    this.device.diskError = undefined;
    this.device.sinkError = undefined;
    this.device.serverKnown = true;
    // Longest time-out (reboot), one restart of it, and every retry.
    for (let i = 0; i < 30; i += 1) {
      await this.pass(60_000);
      if (i >= 12 && (await this.device.disk.unfinished()).length === 0) return;
    }
  }

  /** What is wrong with the invariants, in words; empty when they hold. */
  async problems(): Promise<string[]> {
    const found: string[] = [];
    for (const signed of this.delivered) {
      const { id, attempt, name } = JSON.parse(signed.payload) as { id: string; attempt: number; name: string };
      const key = `${id}:${attempt}`;
      const records = [...this.device.outbox].filter(([, { outcome }]) => outcome.id === id && outcome.attempt === attempt);
      const effects = this.effects.get(key) ?? 0;
      if (records.length !== 1) found.push(`${key} has ${records.length} outcomes`);
      const state = records[0]?.[1].outcome.state;
      if (!changesNothing(name) && effects > 1) found.push(`${key} (${name}) had ${effects} effects`);
      // A machine that went down for another reason just then has restarted too, and that is what was asked for.
      if (state === "succeeded" && effects === 0 && name !== "reboot") found.push(`${key} succeeded without an effect`);
      if ((state === "rejected" || state === "expired") && effects > 0) found.push(`${key} is ${state} after ${effects} effects`);
    }
    const unfinished = await this.device.disk.unfinished();
    if (unfinished.length > 0) found.push(`unfinished: ${JSON.stringify(unfinished)}`);
    const open = this.device.process?.service.openCommands() ?? [];
    if (open.length > 0) found.push(`open: ${JSON.stringify(open)}`);
    return found;
  }

  async #act(process: TestProcess, context: ExecutionContext): Promise<Execution> {
    const behaviour = context.id.split("-")[0] as Behaviour;
    const effect = (): Promise<void> => process.act(() => this.#count(`${context.id}:${context.attempt}`));
    switch (behaviour) {
      case "quick":
        await effect();
        return { state: "succeeded", result: {} };
      case "slow":
        await effect();
        await sleep(process.timers, "test.slow", SLOW_MS, new AbortController().signal);
        return { state: "succeeded", result: {} };
      case "intends":
        await context.intend({ about: "to act" });
        await effect();
        return { state: "succeeded", result: {} };
      case "fails":
        await effect();
        return { state: "failed", error: { code: "gpio.io", message: "did not work" } };
      case "throws":
        throw new Error("a bug");
      case "obeys":
        await effect();
        if (await sleep(process.timers, "test.obeys", 60_000, context.signal)) return { state: "succeeded", result: {} };
        return { state: "failed", error: { code: "command.aborted", message: "stopped" } };
      case "hangs":
        await effect();
        return new Promise(() => {});
    }
  }

  #powerOf(process: TestProcess): HostPower {
    return {
      bootId: () => process.act(() => this.device.bootId),
      reboot: (reason) =>
        process.act(() => {
          this.#count(`${reason.replace("command ", "")}:1`);
          this.device.time.after("test.reboot", REBOOT_TAKES_MS, () => this.device.bootAnew());
          return ok(undefined);
        }),
      shutdown: () => process.act(() => ok(undefined)),
    };
  }

  #count(key: string): void {
    this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
  }
}

/** What is counted of such a command is how often it looked. */
function changesNothing(name: string): boolean {
  return findCommand(name)?.afterCrash === "run-again";
}
