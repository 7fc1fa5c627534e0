import { readFileSync } from "node:fs";
import { EXIT } from "../../../agent/node/exit-codes.ts";
import { pauseMs, pointsFile, type AgentOptions } from "../harness/agent-process.ts";
import type { ContentServer } from "../harness/content-server.ts";
import { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { ScriptedPlayer } from "../harness/scripted-player.ts";
import { untilEither, whereIs, type Scenario, type Stage } from "./scenario.ts";
import { MIGRATION } from "./scenarios.ts";

export interface WriteKills {
  readonly main: string;
  readonly cloud: ProofCloud;
  readonly other: ProofCloud;
  readonly contents: ContentServer;
  readonly scenario: Scenario;
  /** Before the write reaches the kernel, or after. */
  readonly when: "before" | "after";
  /** Maximum number of kills; 0 means all. */
  readonly writesMax: number;
}

export interface WriteKillFigures {
  readonly scenario: string;
  readonly when: "before" | "after";
  /** Names of the durable writes of one undisturbed run. */
  readonly counted: readonly string[];
  /** Number of kills: one at each durable write. */
  readonly kills: number;
  /** Every durable write was covered: the scenario ended before reaching another one. */
  readonly complete: boolean;
  readonly violations: readonly string[];
  /** Folders kept for the analysis of violations. */
  readonly folders: readonly string[];
}

const SCENARIO_MS = 30_000;
const DRAIN_MS = 60_000;
/** Time before the harness cuts the power for a reboot that was perhaps never requested. */
const REBOOT_PATIENCE_MS = 2_500;
/** Time for the last writes: acknowledgements and clean-up. */
const AFTER_MS = 300;
/** Coalesced writes make a run shorter, so it is repeated up to this often before a counted write is taken as absent. */
const AGAIN_MAX = 8;
/** Upper limit for the durable writes of a scenario. */
const WRITES_MAX = 400;

/** Counts the durable writes of a scenario, then repeats it, killing the agent at the first write, the second, and so on. */
export async function killAtWrites(campaign: WriteKills): Promise<WriteKillFigures> {
  return campaign.scenario.fresh ? killFresh(campaign) : killOneDevice(campaign);
}

async function killFresh(campaign: WriteKills): Promise<WriteKillFigures> {
  const violations: string[] = [];
  const folders: string[] = [];
  let counted: readonly string[] = [];
  let kills = 0;
  let complete = false;
  for (let k = 0; k <= (campaign.writesMax || WRITES_MAX) && !complete; k += 1) {
    const life = await freshLife(campaign, k);
    if (k === 0) counted = life.points;
    else if (life.killed) kills += 1;
    else complete = true;
    violations.push(...life.violations.map((text) => `${campaign.scenario.name}, ${campaign.when} write ${k} (${life.points.at(-1) ?? ""}): ${text}`));
    if (life.violations.length > 0) folders.push(life.folder);
  }
  return { scenario: campaign.scenario.name, when: campaign.when, counted, kills, complete, violations, folders };
}

/** A new device, killed at its `k`-th durable write; 0: not killed. */
async function freshLife({ main, cloud, other, contents, scenario, when }: WriteKills, k: number) {
  const rig = new DeviceRig(main, cloud);
  const player = new ScriptedPlayer(rig.place.data, `f${k}`, rig.ledger, 0);
  player.start();
  const stage: Stage = { rig, player, other, contents, n: k };
  const done = (): boolean => scenario.done(stage);
  const agent = rig.launch({ arm: "start", ...killOf(k, when) });
  await rig.noteReady(agent);
  const how = await untilEither(rig, done, SCENARIO_MS);
  if (how === "held") await Promise.race([agent.ended, pauseMs(AFTER_MS)]);
  const points = pointsOf(rig);
  const killed = agent.end !== undefined;
  if (agent.end !== undefined) {
    rig.noteEnd(agent.end);
    await rig.start();
    if ((await untilEither(rig, done, SCENARIO_MS)) !== "held") rig.ledger.faults.push("the scenario was not completed after the kill");
  } else if (how === "late") rig.ledger.faults.push("the scenario was not completed");
  await rig.drain(DRAIN_MS, () => player.unanswered);
  const { violations } = rig.verdict();
  await discard(rig, player, violations.length === 0);
  return { points, killed, violations, folder: rig.folder };
}

async function killOneDevice({ main, cloud, other, contents, scenario, when, writesMax }: WriteKills): Promise<WriteKillFigures> {
  const rig = new DeviceRig(main, cloud);
  const player = new ScriptedPlayer(rig.place.data, `${scenario.name.replaceAll(/[^a-z]/g, "")}${when}`, rig.ledger, 0);
  player.start();
  const found: string[] = [];
  let counted: readonly string[] = [];
  let kills = 0;
  let complete = false;
  let clean = false;
  let again = 0;
  try {
    for (let k = 0; k <= (writesMax || WRITES_MAX) && !complete; k += 1) {
      const stage: Stage = { rig, player, other, contents, n: k + 1 };
      await rig.start({ arm: "signal", ...(scenario.fromStart ? {} : killOf(k, when)) });
      if (!(await settled(stage))) found.push(`${when} write ${k - 1} (${pointsOf(rig).at(-1) ?? ""}): the device did not come back`);
      await scenario.prepare?.(stage);
      if (scenario.fromStart) await rig.noteReady(rig.launch({ arm: "start", ...killOf(k, when) }));
      const how = await oneRun(stage, scenario);
      const end = rig.agent?.end;
      if (k === 0) counted = pointsOf(rig);
      else if (end?.signal === "SIGKILL") kills += 1;
      else if (k <= counted.length && (again += 1) <= AGAIN_MAX) k -= 1;
      else complete = end === undefined ? how === "held" : end.code === REBOOTED;
      if (how === "late") found.push(`${when} write ${k}: the scenario was not completed`);
      await endLife(rig);
    }
    await rig.start();
    await settled({ rig, player, other, contents, n: 0 });
    const { violations } = rig.verdict(scenario === MIGRATION ? other : undefined);
    const all = [...found, ...violations].map((text) => `${scenario.name}, ${when}: ${text}`);
    clean = all.length === 0;
    return { scenario: scenario.name, when, counted, kills, complete, violations: all, folders: clean ? [] : [rig.folder] };
  } finally {
    await discard(rig, player, clean);
  }
}

async function oneRun(stage: Stage, scenario: Scenario): Promise<"held" | "ended" | "late"> {
  const { rig, player } = stage;
  if (scenario.fromStart !== true) {
    rig.agent?.kill("SIGUSR2");
    // Counting starts when the agent has handled the signal, not when it was sent.
    await armed(rig);
  }
  scenario.act(stage);
  const how = await untilEither(rig, () => scenario.done(stage), SCENARIO_MS);
  player.setRate(0);
  if (how === "held") await Promise.race([rig.agent?.ended, pauseMs(AFTER_MS)]);
  return how;
}

async function armed(rig: DeviceRig): Promise<void> {
  for (let tries = 0; tries < 200 && rig.agent?.end === undefined && !armedSince(rig); tries += 1) await pauseMs(5);
}

/** Ends a run that survived the scenario. */
async function endLife(rig: DeviceRig): Promise<void> {
  const { agent } = rig;
  if (agent === undefined) return;
  const survived = agent.end === undefined;
  if (survived) agent.kill("SIGKILL");
  rig.noteEnd(await agent.ended);
  if (survived) rig.ledger.kills -= 1;
}

async function discard(rig: DeviceRig, player: ScriptedPlayer, clean: boolean): Promise<void> {
  player.stop();
  rig.agent?.kill("SIGKILL");
  await rig.agent?.ended;
  if (clean) rig.dispose();
}

/** Waits until the device is online in one of the clouds with no open command and an empty queue. */
async function settled(stage: Stage): Promise<boolean> {
  const { rig, player } = stage;
  const untilMs = performance.now() + DRAIN_MS;
  let waitsSinceMs: number | undefined;
  while (performance.now() < untilMs) {
    if (rig.agent?.end !== undefined) {
      rig.noteEnd(rig.agent.end);
      await rig.start({ ...rig.agent.options });
      waitsSinceMs = undefined;
      continue;
    }
    const status = await rig.agent?.status();
    const open = rig.cloud.dev.cloud.context.store.openCommands(rig.deviceId);
    const empty = status?.link.kind === "online" && (["outcome", "alarm", "play", "event"] as const).every((stream) => status.outbox[stream].oldest > status.outbox[stream].newest);
    if (empty && open.length === 0 && player.unanswered === 0 && whereIs(stage) !== undefined) return true;
    const [first] = open;
    // Counted from when it could have reported the outcome: a slow start must not cause a power cut.
    if (first?.name === "reboot" && status?.link.kind === "online") waitsSinceMs ??= performance.now();
    if (first?.name === "reboot" && performance.now() - (waitsSinceMs ?? Infinity) > REBOOT_PATIENCE_MS) {
      await rig.cutPower(first.id);
      waitsSinceMs = undefined;
    }
    await pauseMs(30);
  }
  return false;
}

/** The agent's exit code for a reboot. */
const REBOOTED = EXIT.machineReboot;

function killOf(k: number, when: "before" | "after"): Pick<AgentOptions, "kill"> {
  return k === 0 ? {} : { kill: `${k}:${when}` };
}

/** Names of the durable writes of the last armed run. */
function pointsOf(rig: DeviceRig): readonly string[] {
  const lines = readFileSync(pointsFile(rig.place), "utf8").trimEnd().split("\n");
  return lines.slice(lines.lastIndexOf("armed") + 1).filter((line) => line !== "");
}

function armedSince(rig: DeviceRig): boolean {
  const lines = readFileSync(pointsFile(rig.place), "utf8").trimEnd().split("\n");
  return lines.lastIndexOf("armed") > lines.lastIndexOf("start");
}
