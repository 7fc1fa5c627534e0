import { expect, test } from "vitest";
import { ok } from "../../platform/ports/result.ts";
import { AGENT_UNIT, evidenceFrom, failingBetween, PLAYER_UNIT, type Services, type ServiceState } from "./services.ts";

const LINES = [
  `2026-11-30T12:00:00+00:00 pi systemd[1]: ${AGENT_UNIT}: Main process exited, code=killed, status=9/KILL`,
  `2026-11-30T12:00:01+00:00 pi systemd[1]: ${PLAYER_UNIT}: Main process exited, code=dumped, status=6/ABRT`,
  `2026-11-30T12:00:02+00:00 pi systemd[1]: ${AGENT_UNIT}: Main process exited, code=exited, status=70/SOFTWARE`,
  "2026-11-30T12:00:03+00:00 pi launch[12]: the last words",
];

/** `exit` and `restarts` of agent and player, as systemd shows them now. */
async function exits(agent: Partial<ServiceState>, player: Partial<ServiceState>): Promise<readonly (string | undefined)[]> {
  const shown = { state: "activating", restarts: 0, exit: "" };
  const services: Services = {
    states: () => Promise.resolve(ok({ [AGENT_UNIT]: { ...shown, ...agent }, [PLAYER_UNIT]: { ...shown, ...player } })),
    reload: () => Promise.resolve(ok(undefined)),
    restart: () => Promise.resolve(ok(undefined)),
    lastLines: () => Promise.resolve(ok(LINES)),
  };
  const { services: left } = await evidenceFrom(services);
  return [left[AGENT_UNIT]?.exit, left[PLAYER_UNIT]?.exit];
}

test("a service that systemd is starting again ended as its last line in the log says", async () => {
  expect(await exits({ restarts: 4 }, { restarts: 1 })).toEqual(["exited 70", "dumped core 6"]);
});

test("what systemd still knows counts, and a service that was never restarted did not end", async () => {
  expect(await exits({ restarts: 4, exit: "exited 71, exit-code" }, {})).toEqual(["exited 71, exit-code", ""]);
});

test.each<[string, Partial<ServiceState>, readonly string[]]>([
  ["runs on", {}, []],
  ["was restarted once, as by its owner,", { restarts: 4 }, []],
  ["was started by hand, so that its count began anew,", { restarts: 0 }, []],
  ["was restarted twice", { restarts: 5 }, [PLAYER_UNIT]],
  ["was given up", { state: "failed" }, [PLAYER_UNIT]],
])("a player that %s between two looks: those that keep failing are told", (_how, now, failing) => {
  const shown: ServiceState = { state: "active", restarts: 3, exit: "" };
  const agent: ServiceState = { ...shown, restarts: 9 };
  expect(failingBetween({ [AGENT_UNIT]: shown, [PLAYER_UNIT]: shown }, { [AGENT_UNIT]: agent, [PLAYER_UNIT]: { ...shown, ...now } })).toEqual(failing);
});
