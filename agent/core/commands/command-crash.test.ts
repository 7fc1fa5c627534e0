import { describe, expect, it } from "vitest";
import { CrashRig } from "./testing/crash-rig.ts";

const PULSE = { name: "gpio.pulse", params: { line: 4, durationMs: 5 } };

/** What happens in the world of one scenario; time passes between the steps. */
type Scenario = readonly ((rig: CrashRig) => void)[];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "one command": [(rig) => rig.command(rig.device.signedCommand({ id: "quick-1", ...PULSE }))],
  "one with an intent": [(rig) => rig.command(rig.device.signedCommand({ id: "intends-1", ...PULSE }))],
  "one that is idempotent": [(rig) => rig.command(rig.device.signedCommand({ id: "slow-1", name: "display.power", params: { on: true } }))],
  "one that is idempotent, in a machine that goes down": [
    (rig) => rig.command(rig.device.signedCommand({ id: "slow-1", name: "display.power", params: { on: true } })),
    (rig) => rig.command(rig.device.signedCommand({ id: "quick-2", name: "reboot", params: {} })),
  ],
  "one that only looks": [(rig) => rig.command(rig.device.signedCommand({ id: "quick-1" }))],
  "one that is rejected": [(rig) => rig.command(rig.device.signedCommand({ id: "quick-1", name: "gpio.pulse", params: {} }))],
  "one that fails and one that breaks": [
    (rig) => rig.command(rig.device.signedCommand({ id: "fails-1", ...PULSE })),
    (rig) => rig.command(rig.device.signedCommand({ id: "throws-1", ...PULSE })),
  ],
  "a reboot": [(rig) => rig.command(rig.device.signedCommand({ id: "quick-1", name: "reboot", params: {} }))],
  "a reboot with commands around it": [
    (rig) => rig.command(rig.device.signedCommand({ id: "slow-1", ...PULSE })),
    (rig) => rig.command(rig.device.signedCommand({ id: "quick-2", name: "reboot", params: {} })),
    (rig) => rig.command(rig.device.signedCommand({ id: "quick-3", ...PULSE })),
  ],
  "a cancel of a queued and of a running command": [
    (rig) => rig.command(rig.device.signedCommand({ id: "obeys-1", ...PULSE })),
    (rig) => rig.command(rig.device.signedCommand({ id: "quick-2", ...PULSE })),
    (rig) => rig.cancel(rig.device.signedCancel("quick-2")),
    (rig) => rig.cancel(rig.device.signedCancel("obeys-1")),
  ],
  "one that hangs, and the next": [
    (rig) => rig.command(rig.device.signedCommand({ id: "hangs-1", ...PULSE })),
    (rig) => rig.command(rig.device.signedCommand({ id: "quick-2", ...PULSE, ttlMs: 3_600_000 })),
  ],
};

/** Runs a scenario, killing the process after each of the given numbers of durable writes, each counted from the last kill. */
async function play(
  scenario: Scenario,
  crashPlan: readonly number[],
): Promise<{ readonly writes: number; readonly crashes: number; readonly problems: readonly string[] }> {
  const rig = new CrashRig();
  rig.device.crashPlan = crashPlan;
  await rig.heal();
  for (const act of scenario) {
    act(rig);
    await rig.pass(100);
  }
  await rig.settle();
  return { writes: rig.device.writes, crashes: rig.device.crashes, problems: await rig.problems() };
}

describe.each(Object.entries(SCENARIOS))("%s", (_name, scenario) => {
  it("has one effect and one outcome without a crash", async () => {
    const { writes, problems } = await play(scenario, []);
    expect(problems).toEqual([]);
    expect(writes).toBeGreaterThan(0);
  });

  it("has at most one effect and exactly one outcome after a crash at any write", async () => {
    const { writes } = await play(scenario, []);
    const wrong: string[] = [];
    for (let k = 1; k <= writes; k += 1) {
      const { crashes, problems } = await play(scenario, [k]);
      if (crashes !== 1) wrong.push(`write ${k} of ${writes} did not come`);
      wrong.push(...problems.map((problem) => `killed after write ${k} of ${writes}: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });

  it("has at most one effect and exactly one outcome after two crashes at any writes", async () => {
    const { writes } = await play(scenario, []);
    const wrong: string[] = [];
    for (let k = 1; k <= writes; k += 1) {
      for (const second of [1, 2, 3, 5]) {
        const { problems } = await play(scenario, [k, second]);
        wrong.push(...problems.map((problem) => `killed after write ${k} and ${second} writes later: ${problem}`));
      }
    }
    expect(wrong).toEqual([]);
  });
});
