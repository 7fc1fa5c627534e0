import { describe, expect, test } from "vitest";
import { planTrial, stepTrial, Trial, trialAfterStart, triedOf, type Settled, type TrialEvent, type TrialState } from "./trial.ts";
import type { Issue } from "../../../platform/ports/result.ts";

type State = TrialState<string, string>;
const error: Issue = { code: "network.change-failed", message: "no" };
const words: Parameters<typeof trialAfterStart>[2] = { interrupted: { code: "network.change-interrupted", message: "cut short" }, otherwise: { code: "network.refused", message: "no words" } };
const pauseMs = (failures: number): number => failures * 100;

const settled: State = { kind: "settled", committed: "old" };
const trying: State = { kind: "trying", committed: "old", wanted: "new", failures: 2 };
const reverting: State = { ...trying, kind: "reverting", error };
const failed: Settled<string, string> = { kind: "settled", committed: "old", failure: { wanted: "new", error, failures: 3, failedMs: 1_000, notBeforeMs: 1_300 } };

describe("the steps of a trial", () => {
  test.each<[string, State, TrialEvent<string, string>, State, string]>([
    ["begins on disk", failed, { kind: "try", wanted: "new", failures: 2 }, trying, "first"],
    ["is proven on disk", trying, { kind: "commit", committed: "new" }, { kind: "settled", committed: "new" }, "first"],
    ["is not needed for settings in force", failed, { kind: "commit", committed: "new" }, { kind: "settled", committed: "new" }, "first"],
    ["fails without a write", trying, { kind: "fail", error }, reverting, "same"],
    ["is undone even if the write fails", reverting, { kind: "undone", nowMs: 1_000, pauseMs: 300 }, failed, "then"],
    ["keeps its failure when the committed record is amended", failed, { kind: "amend", committed: "Old", forget: false }, { ...failed, committed: "Old" }, "then"],
    ["is forgotten", failed, { kind: "amend", committed: "old", forget: true }, settled, "then"],
  ])("it %s", (_what, state, event, next, disk) => {
    expect(stepTrial(state, event)).toEqual({ state: next, disk });
  });

  test.each<[State, TrialEvent<string, string>]>([
    [trying, { kind: "try", wanted: "other", failures: 0 }],
    [reverting, { kind: "try", wanted: "other", failures: 0 }],
    [reverting, { kind: "commit", committed: "new" }],
    [reverting, { kind: "fail", error }],
    [settled, { kind: "fail", error }],
    [settled, { kind: "undone", nowMs: 0, pauseMs: 0 }],
    [trying, { kind: "undone", nowMs: 0, pauseMs: 0 }],
    [trying, { kind: "amend", committed: "x", forget: true }],
  ])("$0.kind: $1.kind is a bug and throws", (state, event) => {
    expect(() => stepTrial(state, event)).toThrow(event.kind);
  });
});

test("a failed change is retried after its delay, and its count goes on; a new one is tried at once", () => {
  const { failure } = failed;
  expect(planTrial(undefined, 0)).toEqual({ kind: "try", failures: 0 });
  expect(planTrial(failure, 1_299)).toEqual({ kind: "failed", failure });
  expect(planTrial(failure, 1_300)).toEqual({ kind: "try", failures: 3 });
  expect(planTrial(failure, 1_100, 1_050)).toEqual({ kind: "try", failures: 3 });
});

test("a disk that refuses prevents a trial from beginning and from being committed, but not from ending", async () => {
  let refuses: typeof error | undefined = error;
  const trial = new Trial<string, string>(settled, () => Promise.resolve(refuses));
  expect([await trial.step({ kind: "try", wanted: "new", failures: 0 }), trial.state]).toEqual([error, settled]);
  refuses = undefined;
  await trial.step({ kind: "try", wanted: "new", failures: 2 });
  refuses = error;
  expect([await trial.step({ kind: "commit", committed: "new" }), trial.state]).toEqual([error, trying]);
  trial.fail(error);
  expect([await trial.step({ kind: "undone", nowMs: 1_000, pauseMs: 300 }), trial.state]).toEqual([error, failed]);
});

class PowerCut extends Error {}

/** A device that after a power cut has only its disk and the settings in force. */
class Device {
  disk = JSON.stringify({ committed: "old" });
  inForce = "old";
  proved = false;
  #stepsLeft: number;

  constructor(steps: number) {
    this.#stepsLeft = steps;
  }

  /** Runs a trial to its end; the power is cut after the given number of steps. */
  async change(proves: boolean): Promise<"cut" | "done"> {
    const trial = new Trial<string, string>(this.start(), (state) => this.#write(state));
    try {
      await trial.step({ kind: "try", wanted: "new", failures: 0 });
      await this.#does(() => (this.inForce = "new"));
      if (proves) {
        await this.#does(() => (this.proved = true));
        await trial.step({ kind: "commit", committed: "new" });
        return "done";
      }
      trial.fail(error);
      await this.#does(() => (this.inForce = trial.state.committed));
      await trial.step({ kind: "undone", nowMs: 0, pauseMs: 0 });
      return "done";
    } catch (thrown) {
      if (!(thrown instanceof PowerCut)) throw thrown;
      return "cut";
    }
  }

  start(): State {
    const { committed, ...tried } = JSON.parse(this.disk) as { committed: string; wanted?: string; tried?: { failures: number; open: boolean } };
    const { wanted } = tried;
    return trialAfterStart(committed, wanted === undefined || tried.tried === undefined ? undefined : { wanted, tried: tried.tried }, words, 0, pauseMs);
  }

  async #write(state: State): Promise<undefined> {
    await this.#does(() => (this.disk = JSON.stringify({ committed: state.committed, ...triedOf(state) })));
  }

  /** The power is cut before or after a step, never during it. */
  async #does(act: () => void): Promise<void> {
    for (const when of ["before", "after"]) {
      if (this.#stepsLeft <= 0) throw new PowerCut();
      this.#stepsLeft -= 1;
      if (when === "before") act();
    }
    await Promise.resolve();
  }
}

test.each([true, false])("after a power cut at any moment of a change (proven: %s) the next start reverts it, or keeps it once it is proven", async (proves) => {
  const ends = new Set<string>();
  let cuts = 0;
  for (let steps = 0; ; steps += 1) {
    const device = new Device(steps);
    const how = await device.change(proves);
    const state = device.start();
    // What a device does after a start that finds an interrupted trial.
    if (state.kind === "reverting") device.inForce = state.committed;
    expect([steps, device.inForce]).toEqual([steps, state.committed]);
    if (state.kind === "trying") throw new Error("a trial goes on over a power cut");
    expect([steps, state.committed === "new" && !device.proved]).toEqual([steps, false]);
    ends.add(`${state.committed} ${state.kind === "settled" ? (state.failure?.error.code ?? "nothing") : state.error.code}`);
    if (how === "done") break;
    cuts += 1;
  }
  expect(cuts).toBe(8);
  expect([...ends].sort()).toEqual(proves ? ["new nothing", "old network.change-interrupted", "old nothing"] : ["old network.change-failed", "old network.change-interrupted", "old nothing"]);
});
