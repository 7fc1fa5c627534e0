import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fail } from "../../../platform/ports/result.ts";
import { CrashRig, type Behaviour } from "./testing/crash-rig.ts";

type Action =
  | { readonly do: "send"; readonly behaviour: Behaviour; readonly command: number; readonly ttlMs: number | undefined }
  | { readonly do: "resend" | "cancel"; readonly which: number }
  | { readonly do: "pass"; readonly forMs: number }
  | { readonly do: "crash" | "boot" | "stop" | "disk-fails" | "outbox-fails" | "all-well" | "lose-time" | "learn-time" }
  | { readonly do: "step-wall"; readonly byMs: number };

/** Lanes: gpio, display, player, machine. */
const COMMANDS = [
  { name: "gpio.pulse", params: { line: 4, durationMs: 5 } },
  { name: "gpio.read", params: { line: 4 } },
  { name: "display.power", params: { on: true } },
  { name: "reload-player", params: {} },
  { name: "reboot", params: {} },
] as const;

const BEHAVIOURS: readonly Behaviour[] = ["quick", "slow", "intends", "fails", "throws", "obeys", "hangs"];

const send: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("send" as const),
  behaviour: fc.constantFrom(...BEHAVIOURS),
  command: fc.nat({ max: COMMANDS.length - 1 }),
  ttlMs: fc.constantFrom(undefined, 50, 5_000),
});
const again: fc.Arbitrary<Action> = fc.record({
  do: fc.constantFrom("resend" as const, "cancel" as const),
  which: fc.nat({ max: 7 }),
});
const pass: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("pass" as const),
  forMs: fc.constantFrom(0, 10, 400, 5_001, 70_000),
});
const fault: fc.Arbitrary<Action> = fc.record({
  do: fc.constantFrom("crash", "boot", "stop", "disk-fails", "outbox-fails", "all-well", "lose-time", "learn-time"),
});
const wall: fc.Arbitrary<Action> = fc.record({ do: fc.constant("step-wall" as const), byMs: fc.constantFrom(-1e11, 1e11) });

const actions = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: send },
    { weight: 2, arbitrary: again },
    { weight: 3, arbitrary: pass },
    { weight: 3, arbitrary: fault },
    { weight: 1, arbitrary: wall },
  ),
  { minLength: 1, maxLength: 25 },
);

/** Plans that once found a fault. */
const FAILED_ONCE: readonly (readonly Action[])[] = [
  // A command of unknown age after a reboot set a timer beyond the range of timers.
  [
    { do: "send", behaviour: "obeys", command: 2, ttlMs: undefined },
    { do: "send", behaviour: "quick", command: 2, ttlMs: undefined },
    { do: "lose-time" },
    { do: "send", behaviour: "quick", command: 4, ttlMs: undefined },
    { do: "pass", forMs: 0 },
  ],
];

async function act(rig: CrashRig, action: Action): Promise<void> {
  const { device } = rig;
  switch (action.do) {
    case "send": {
      const { behaviour, command, ttlMs } = action;
      const chosen = COMMANDS[command] ?? COMMANDS[0];
      return rig.command(
        device.signedCommand({
          id: `${behaviour}-${rig.delivered.length}`,
          ...chosen,
          ...(ttlMs === undefined ? {} : { ttlMs }),
        }),
      );
    }
    case "resend": {
      const signed = rig.delivered[action.which];
      return signed === undefined ? undefined : device.deliver(signed);
    }
    case "cancel": {
      const signed = rig.delivered[action.which];
      return signed === undefined
        ? undefined
        : rig.cancel(device.signedCancel((JSON.parse(signed.payload) as { id: string }).id));
    }
    case "pass":
      return rig.pass(action.forMs);
    case "crash":
      return device.kill();
    case "boot":
      return device.bootAnew();
    case "stop":
      await device.stop();
      return undefined;
    case "disk-fails":
      device.diskError = { code: "storage.io", message: "input/output error" };
      return undefined;
    case "outbox-fails":
      device.sinkError = fail("outbox.full", "no room");
      return undefined;
    case "all-well":
      device.diskError = undefined;
      device.sinkError = undefined;
      return undefined;
    case "lose-time":
      device.serverKnown = false;
      return undefined;
    case "learn-time":
      device.serverKnown = true;
      device.process?.service.timeLearnt();
      return undefined;
    case "step-wall":
      device.time.stepWall(action.byMs);
      return undefined;
  }
}

describe("any sequence of deliveries, redeliveries, cancels, crashes, reboots, faults and time steps", () => {
  it("ends with at most one effect and exactly one outcome for every command", async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (plan) => {
        const rig = new CrashRig();
        await rig.heal();
        for (const action of plan) {
          await act(rig, action);
          await rig.pass(0);
        }
        await rig.settle();
        // The cloud sends again what the failing disk refused.
        for (const signed of rig.delivered) rig.device.deliver(signed);
        await rig.settle();
        expect(await rig.problems()).toEqual([]);
        await rig.device.stop();
        expect(
          rig.device.time
            .pending()
            .map(({ name }) => name)
            .filter((name) => name.startsWith("command.")),
        ).toEqual([]);
      }),
      { numRuns: 150, examples: FAILED_ONCE.map((plan) => [[...plan]]) },
    );
  }, 60_000);
});
