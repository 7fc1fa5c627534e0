import { readFileSync } from "node:fs";
import { pauseMs, pointsFile } from "../harness/agent-process.ts";
import { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { ScriptedPlayer } from "../harness/scripted-player.ts";
import { MIGRATION, untilEither, whereIs, type Scenario, type Stage } from "./scenarios.ts";

export interface WriteKills {
  readonly main: string;
  readonly cloud: ProofCloud;
  readonly other: ProofCloud;
  readonly scenario: Scenario;
  /** Before the write reaches the kernel, or after. */
  readonly when: "before" | "after";
  /** More writes than this in one scenario are not gone through. */
  readonly writesMax: number;
}

export interface WriteKillFigures {
  readonly scenario: string;
  readonly when: "before" | "after";
  /** Kills made: one at each durable write. */
  readonly kills: number;
  /** The scenario came to its end before the next write was reached: every one was gone through. */
  readonly complete: boolean;
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

const SCENARIO_MS = 20_000;
const DRAIN_MS = 60_000;
/** A reboot whose request was perhaps not made waits for somebody who pulls the plug. */
const REBOOT_PATIENCE_MS = 2_500;
/** What is written once all is said: acknowledgements and clean-up come within this. */
const AFTER_MS = 300;

/** Runs a scenario again and again, killing the agent at its first durable write, its second, and so on. */
export async function killAtWrites(campaign: WriteKills): Promise<WriteKillFigures> {
  return campaign.scenario.fresh ? killFresh(campaign) : killOneDevice(campaign);
}

async function killFresh({ main, cloud, other, scenario, when, writesMax }: WriteKills): Promise<WriteKillFigures> {
  const violations: string[] = [];
  let kills = 0;
  let complete = false;
  for (let k = 1; k <= writesMax && !complete; k += 1) {
    const rig = new DeviceRig(main, cloud);
    const player = new ScriptedPlayer(rig.place.data, `f${k}`, rig.ledger, 0);
    player.start();
    const stage: Stage = { rig, player, other, n: k };
    const agent = rig.launch({ kill: `${k}:${when}`, arm: "start" });
    await rig.noteReady(agent);
    const how = await untilEither(rig, () => scenario.done(stage), SCENARIO_MS);
    if (how === "ended") {
      rig.noteEnd(await agent.ended);
      kills += 1;
      await rig.start();
      if ((await untilEither(rig, () => scenario.done(stage), SCENARIO_MS)) !== "held") rig.ledger.faults.push("the device did not get there after the kill");
    } else if (how === "held") complete = true;
    else rig.ledger.faults.push("the scenario did not come to its end");
    await rig.drain(DRAIN_MS, () => player.unanswered);
    violations.push(...rig.verdict().violations.map((text) => `${scenario.name}, ${when} write ${k} (${lastPoint(rig)}): ${text}`));
    player.stop();
    rig.agent?.kill("SIGKILL");
    await rig.agent?.ended;
    rig.dispose();
  }
  return { scenario: scenario.name, when, kills, complete, acknowledged: 0, violations };
}

async function killOneDevice({ main, cloud, other, scenario, when, writesMax }: WriteKills): Promise<WriteKillFigures> {
  const rig = new DeviceRig(main, cloud);
  const player = new ScriptedPlayer(rig.place.data, `${scenario.name.replaceAll(/[^a-z]/g, "")}${when}`, rig.ledger, 0);
  player.start();
  const found: string[] = [];
  let kills = 0;
  let complete = false;
  try {
    for (let k = 1; k <= writesMax && !complete; k += 1) {
      const stage: Stage = { rig, player, other, n: k };
      await rig.start({ kill: `${k}:${when}`, arm: "signal" });
      if (!(await settled(stage))) found.push(`${when} write ${k - 1} (${lastPoint(rig)}): the device did not come back`);
      rig.agent?.kill("SIGUSR2");
      scenario.act(stage);
      const how = await untilEither(rig, () => scenario.done(stage), SCENARIO_MS);
      player.setRate(0);
      if (how === "held") await Promise.race([rig.agent?.ended, pauseMs(AFTER_MS)]);
      const end = rig.agent?.end;
      if (end?.signal === "SIGKILL") kills += 1;
      else complete = end === undefined ? how === "held" : rebootedBefore(rig);
      if (how === "late") found.push(`${when} write ${k}: the scenario did not come to its end`);
      if (end === undefined) rig.agent?.kill("SIGKILL");
      if (rig.agent !== undefined) rig.noteEnd(await rig.agent.ended);
      if (complete && end === undefined) rig.ledger.kills -= 1;
    }
    await rig.start();
    await settled({ rig, player, other, n: 0 });
    const { violations, acknowledged } = rig.verdict(scenario === MIGRATION ? other : undefined);
    return { scenario: scenario.name, when, kills, complete, acknowledged, violations: [...found, ...violations].map((text) => `${scenario.name}: ${text}`) };
  } finally {
    player.stop();
    rig.agent?.kill("SIGKILL");
    await rig.agent?.ended;
    rig.dispose();
  }
}

/** Online somewhere, with nothing open and nothing waiting. */
async function settled(stage: Stage): Promise<boolean> {
  const { rig, player } = stage;
  const untilMs = performance.now() + DRAIN_MS;
  let patientMs = performance.now() + REBOOT_PATIENCE_MS;
  while (performance.now() < untilMs) {
    if (rig.agent?.end !== undefined) {
      rig.noteEnd(rig.agent.end);
      await rig.start({ ...(rig.agent.options) });
      continue;
    }
    const status = await rig.agent?.status();
    const open = rig.cloud.dev.cloud.context.store.openCommands(rig.deviceId);
    const empty = status?.link.kind === "online" && (["outcome", "alarm", "play", "event"] as const).every((stream) => status.outbox[stream].oldest > status.outbox[stream].newest);
    if (empty && open.length === 0 && player.unanswered === 0 && whereIs(stage) !== undefined) return true;
    const [first] = open;
    if (first?.name === "reboot" && performance.now() > patientMs) {
      await rig.cutPower(first.id);
      patientMs = performance.now() + REBOOT_PATIENCE_MS;
    }
    await pauseMs(50);
  }
  return false;
}

/** The agent ended for a reboot although a later write was to kill it: there is none. */
function rebootedBefore(rig: DeviceRig): boolean {
  return rig.agent?.end?.code === 76;
}

/** The write at which the last armed process was, by name. */
function lastPoint(rig: DeviceRig): string {
  return readFileSync(pointsFile(rig.place), "utf8").trimEnd().split("\n").at(-1) ?? "";
}
