/** For every command: one that is running when the agent ends runs at most once, unless repeating it is harmless. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { COMMANDS, type CommandName } from "../../protocol/commands/catalog.ts";
import type { Execution, NotStarted, Unknown } from "./executor.ts";
import { TestDevice } from "./testing/test-device.ts";
import { SUCCESS, tableOf } from "./testing/test-executors.ts";

const PARAMS: { readonly [N in CommandName]?: JsonObject } = {
  "display.power": { on: true },
  "display.input": { input: "hdmi-1" },
  "display.brightness": { percent: 40 },
  "display.orientation": { degrees: 90 },
  "display.mode": { mode: "1920x1080@60" },
  "audio.volume": { percent: 40 },
  "audio.mute": { mute: true },
  "gpio.write": { line: 4, level: 1 },
  "gpio.pulse": { line: 4, durationMs: 5 },
  "gpio.read": { line: 4 },
  "cec.send": { destination: 0 },
  "telemetry.burst": { minutes: 1 },
  "page.message": { message: 1 },
  "software.update": { release: { payload: "{}", key: "0".repeat(32), signature: "A".repeat(86) } },
};

/** Delivers the command, ends the agent or the machine while it runs, and starts again with `answer` from `resolve`. */
async function crashed(name: CommandName, answer: Execution | NotStarted | Unknown, how: "agent" | "machine") {
  const runs: string[] = [];
  const device = new TestDevice(() =>
    tableOf({
      run: (_name, _params, { id }) => {
        runs.push(id);
        return runs.length === 1 ? new Promise(() => {}) : Promise.resolve(SUCCESS);
      },
      resolve: () => Promise.resolve(answer),
    }),
  );
  await device.start();
  device.deliver(device.signedCommand({ id: "a", name, params: PARAMS[name] ?? {} }));
  await device.time.advance(0);
  expect((await device.disk.get("a", 1))?.state.kind).toBe("running");
  if (how === "agent") device.kill();
  else device.bootAnew();
  await device.start();
  await device.time.advance(0);
  return { runs: runs.length, outcome: device.outcomeOf("a"), outcomes: device.outcomes.length };
}

describe.each(["agent", "machine"] as const)("when the %s ends during the command, it runs at most once unless repeating it is harmless:", (how) => {
  it.each(Object.keys(COMMANDS) as CommandName[])("%s", async (name) => {
    const again = COMMANDS[name].afterCrash === "run-again";
    const unknown = await crashed(name, { state: "unknown", seen: "observed something else" }, how);
    expect(unknown).toMatchObject(
      again
        ? { runs: 2, outcomes: 1, outcome: { state: "succeeded" } }
        : { runs: 1, outcomes: 1, outcome: { state: "failed", error: { code: "outcome-unknown" } } },
    );
    expect(await crashed(name, SUCCESS, how)).toMatchObject({ runs: 1, outcomes: 1, outcome: { state: "succeeded" } });
    // Certainly not begun, so it may run.
    expect(await crashed(name, { state: "not-started" }, how)).toMatchObject({ runs: 2, outcomes: 1, outcome: { state: "succeeded" } });
  });
});
