import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { pauseMs } from "../harness/agent-process.ts";
import { DeviceRig } from "../harness/device-rig.ts";
import type { Ledger, Verdict } from "../harness/ledger.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { ScriptedPlayer } from "../harness/scripted-player.ts";
import { runCommandLoad, runDesiredLoad } from "./command-load.ts";

export interface RandomKills {
  readonly main: string;
  readonly cloud: ProofCloud;
  readonly kills: number;
  readonly seed: string;
  /** Longest run of the agent after it answers, ms. */
  readonly lifeMsMax: number;
  /** Plays and events offered per second. */
  readonly perSecond: number;
  readonly rebootEveryMs: number;
  /** Number of kills after which the outbox is drained and the ledger compared. */
  readonly drainEvery: number;
  progress(text: string): void;
}

export interface KillFigures {
  readonly ledger: Ledger;
  readonly verdict: Verdict;
  /** Folder for the analysis of violations. */
  readonly folder: string;
}

const DRAIN_MS = 120_000;
/** Approximate duration of a start. */
const START_MS = 900;

/** Kills the real agent under load at random moments, including its start. */
export async function runRandomKills(campaign: RandomKills): Promise<KillFigures> {
  const { main, cloud, kills, seed } = campaign;
  const random = new SeededRandom(seed);
  const rig = new DeviceRig(main, cloud);
  const player = new ScriptedPlayer(rig.place.data, seed, rig.ledger, campaign.perSecond);
  player.start();
  try {
    await rig.start();
    for (let done = 0; done < kills; ) {
      const batch = Math.min(campaign.drainEvery, kills - done);
      await underLoad(campaign, rig, random.fork(`load-${done}`), player, batch);
      done += batch;
      player.setRate(0);
      const drained = await rig.drain(DRAIN_MS, () => player.unanswered);
      campaign.progress(`${done} kills, ${rig.ledger.pages.size} records, ${rig.ledger.commands.size} commands, ${drained ? "drained" : "NOT drained"}, ${rig.ledger.faults.length} faults`);
      if (!drained) break;
      if (done < kills) player.setRate(campaign.perSecond);
    }
    // Time for telemetry and the effects of the last commands.
    await pauseMs(500);
    const verdict = rig.verdict();
    if (rig.agent?.end === undefined) await rig.agent?.stop();
    if (verdict.violations.length === 0) rig.dispose();
    return { ledger: rig.ledger, verdict, folder: rig.folder };
  } finally {
    player.stop();
    if (rig.agent?.end === undefined) rig.agent?.kill("SIGKILL");
  }
}

async function underLoad(campaign: RandomKills, rig: DeviceRig, random: SeededRandom, player: ScriptedPlayer, kills: number): Promise<void> {
  const stop = new AbortController();
  const load = Promise.all([runCommandLoad(rig, random.fork("commands"), campaign.rebootEveryMs, stop.signal), runDesiredLoad(rig, random.fork("desired"), stop.signal)]);
  for (let killed = 0; killed < kills; ) {
    const agent = rig.agent === undefined || rig.agent.end !== undefined ? rig.launch() : rig.agent;
    const ready = rig.noteReady(agent);
    // A quarter of all kills fall into the start, the others after it, however slow this machine is.
    const inStart = random.chance(0.25);
    const lifeMs = random.integer(0, inStart ? START_MS : campaign.lifeMsMax);
    if (!inStart) await ready;
    // If it has ended by itself (a reboot command), there is nothing to kill.
    const end = await Promise.race([agent.ended, pauseMs(lifeMs).then(() => undefined)]);
    if (end === undefined) agent.kill("SIGKILL");
    rig.noteEnd(await agent.ended);
    await ready;
    if (agent.end?.signal === "SIGKILL") killed += 1;
  }
  stop.abort();
  player.setRate(0);
  await rig.start();
  const lost = rig.agent;
  // A pending reboot command may end this run too; `drain` starts the next.
  await Promise.race([load, lost?.ended.then(() => undefined)]);
  await keptAlive(rig, load);
}

/** Restarts the agent whenever one of the last commands ends it, until every lane has its outcome. */
async function keptAlive(rig: DeviceRig, load: Promise<unknown>): Promise<void> {
  const state = { over: false };
  const done = load.then(() => {
    state.over = true;
  });
  while (!state.over) {
    const agent = rig.agent;
    if (agent === undefined || agent.end !== undefined) {
      if (agent?.end !== undefined) rig.noteEnd(agent.end);
      await rig.start();
    }
    await Promise.race([done, rig.agent?.ended, pauseMs(1_000)]);
  }
}
