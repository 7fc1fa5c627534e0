import { expect, test } from "vitest";
import { EXIT } from "../../agent/node/exit-codes.ts";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { afterAgentEnd } from "./after-agent-end.ts";
import { DeviceMachine } from "./device-machine.ts";
import { keepRunning } from "./keep-running.ts";
import type { ProgramEnd, Running } from "./program.ts";

/** A program that runs until the test ends it or it is stopped. */
class FakeProgram {
  readonly runs: { end(end: Partial<ProgramEnd>): void; stopped: "stop" | "kill" | undefined }[] = [];

  readonly start = (): Running => {
    let settle: (end: ProgramEnd) => void = () => undefined;
    const ended = new Promise<ProgramEnd>((resolve) => (settle = resolve));
    const end = (part: Partial<ProgramEnd>): void => settle({ code: null, signal: null, tail: [], ...part });
    const run: FakeProgram["runs"][number] = { end, stopped: undefined };
    this.runs.push(run);
    const stop = (how: "stop" | "kill"): void => {
      run.stopped = how;
      end(how === "stop" ? { code: 0 } : { signal: "SIGKILL" });
    };
    return { ended, stop: () => stop("stop"), kill: () => stop("kill") };
  };

  last(): FakeProgram["runs"][number] {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error("was never started");
    return run;
  }
}

function machine({ cloudIsUp = true } = {}) {
  const time = new VirtualTime();
  const agent = new FakeProgram();
  const player = new FakeProgram();
  const said: string[] = [];
  const world = { bootId: "first", onCloudUp: (): void => undefined };
  const stop = new AbortController();
  const device = new DeviceMachine("1", {
    clock: time,
    timers: time,
    random: new SeededRandom(1),
    startAgent: agent.start,
    ...(cloudIsUp ? {} : { agentMayStart: () => new Promise<void>((resolve) => (world.onCloudUp = resolve)) }),
    keepPlayer: (deps, power) => keepRunning("the player host", player.start, (signal) => sleep(time, "player-up", 3_000, signal), deps, power),
    bootId: () => world.bootId,
    agentUp: (signal) => sleep(time, "agent-up", 2_000, signal),
    say: (line) => said.push(line),
  });
  const done = device.run(stop.signal);
  return { time, agent, player, said, world, stop, done };
}

test("an agent that keeps crashing is restarted after growing delays while its player continues", async () => {
  const { time, agent, player, stop, done } = machine();
  for (let crash = 1; crash <= 5; crash += 1) {
    agent.last().end({ code: 1 });
    await time.advance(30_000);
    expect(agent.runs).toHaveLength(crash + 1);
  }
  expect(player.runs).toHaveLength(1);
  stop.abort();
  await done;
  expect([agent.last().stopped, player.last().stopped]).toEqual(["stop", "stop"]);
});

test("a program whose end is reported is later reported as up again, unless it ends before", async () => {
  const { time, agent, player, said, stop, done } = machine();
  await time.advance(10_000);
  expect(said).toEqual([]);
  agent.last().end({ code: 1 });
  player.last().end({ code: 1 });
  await time.advance(10_000);
  expect(said.slice(2)).toEqual(["device 1: the agent is up again", "device 1: the player host is up again"]);
  player.last().end({ code: 1 });
  await time.advance(2_000);
  player.last().end({ code: 1 });
  await time.advance(10_000);
  expect(said.filter((line) => line.endsWith("player host is up again"))).toHaveLength(2);
  agent.last().end({ code: EXIT.machineReboot });
  await time.advance(10_000);
  expect(said.slice(-2)).toEqual(["device 1: reboots", "device 1: the agent is up again"]);
  stop.abort();
  await done;
});

test("the player starts at once, the agent when its cloud answers", async () => {
  const { time, agent, player, world, stop, done } = machine({ cloudIsUp: false });
  await time.advance(5_000);
  expect([agent.runs.length, player.runs.length]).toEqual([0, 1]);
  world.onCloudUp();
  await time.advance(0);
  expect(agent.runs).toHaveLength(1);
  stop.abort();
  await done;
});

test("a requested restart is immediate, unless the agent does nothing else", async () => {
  const { time, agent, stop, done } = machine();
  await time.advance(5_000);
  agent.last().end({ code: EXIT.restart });
  await time.advance(0);
  expect(agent.runs).toHaveLength(2);
  agent.last().end({ code: EXIT.restart });
  await time.advance(0);
  expect(agent.runs).toHaveLength(2);
  await time.advance(30_000);
  expect(agent.runs).toHaveLength(3);
  stop.abort();
  await done;
});

test("a reboot ends the player in order and starts both after two seconds", async () => {
  const { time, agent, player, stop, done } = machine();
  agent.last().end({ code: EXIT.machineReboot });
  await time.advance(1_900);
  expect([agent.runs.length, player.runs.length, player.last().stopped]).toEqual([1, 1, "stop"]);
  await time.advance(200);
  expect([agent.runs.length, player.runs.length]).toEqual([2, 2]);
  stop.abort();
  await done;
});

test("a power cut kills the player, but killing only the agent does not", async () => {
  const { time, agent, player, world, stop, done } = machine();
  await time.advance(10_000);
  agent.last().end({ signal: "SIGKILL" });
  await time.advance(10_000);
  expect([agent.runs.length, player.runs.length]).toEqual([2, 1]);
  world.bootId = "second";
  agent.last().end({ signal: "SIGKILL" });
  await time.advance(0);
  expect(player.last().stopped).toBe("kill");
  await time.advance(2_000);
  expect([agent.runs.length, player.runs.length]).toEqual([3, 2]);
  stop.abort();
  await done;
});

test("a machine that was shut down stays off and reports it", async () => {
  const { time, agent, player, said, stop, done } = machine();
  agent.last().end({ code: EXIT.machineOff });
  await time.advance(3_600_000);
  expect([agent.runs.length, player.runs.length, player.last().stopped]).toEqual([1, 1, "stop"]);
  expect(said).toEqual(["device 1: was shut down and stays off until the next npm start"]);
  stop.abort();
  await done;
});

test("stopping during a delay between two runs ends at once", async () => {
  const { time, agent, player, stop, done } = machine();
  agent.last().end({ code: 1 });
  await time.advance(0);
  stop.abort();
  await done;
  expect([agent.runs.length, player.last().stopped]).toEqual([1, "stop"]);
  expect(time.pending()).toEqual([]);
});

test.each([
  [{ code: EXIT.stopped }, false, "leave"],
  [{ code: EXIT.badConfiguration }, false, "leave"],
  [{ code: EXIT.failed }, false, "restart"],
  [{ code: 134 }, true, "restart"],
  [{ signal: "SIGSEGV" }, true, "restart"],
  [{ signal: "SIGKILL" }, true, "reboot"],
])("after an end with %j and a new boot id %s, the machine does: %s", (end, newBoot, kind) => {
  expect(afterAgentEnd({ code: null, signal: null, tail: [], ...end }, newBoot).kind).toBe(kind);
});
