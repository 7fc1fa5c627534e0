import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { isFinal } from "../../dev-cloud/sessions/cloud-store.ts";
import { AgentProcess, effectsFile, notedBytes, pauseMs } from "../harness/agent-process.ts";
import { PictureHost } from "../harness/picture-host.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { damageSome } from "./damages.ts";
import { BAD, judgeCase } from "./judge-case.ts";
import { commandsSeen } from "./template-commands.ts";
import { filesIn, forgetRecords, layOut, type Template } from "./template.ts";

export interface DamageCase {
  readonly damage: string;
  readonly area: string;
  /** Time from its start to its first answer, without the time it waited for a processor. */
  readonly startMs: number;
  readonly tookMs: number;
  /** Records acknowledged before the damage that did not arrive. */
  readonly missing: number;
  /** Those of them that no gap record counts. */
  readonly uncounted: number;
  /** How the device reported lost or quarantined data. */
  readonly said: readonly string[];
  readonly sameDevice: boolean;
  /** The customer's picture was on screen at the end. */
  readonly picture: boolean;
  readonly violations: readonly string[];
}

const START_MS_MAX = 10_000;
/** Includes waits for a processor on a shared machine. */
const START_WALL_MS_MAX = 40_000;
const DRAIN_MS = 40_000;
/** Share of the cases with damaged content that have no network. */
const CONTENT_DOWN = 0.25;
/** Share of the cases in which the cloud has lost the acknowledgements and sends the commands again. */
const SENT_AGAIN = 0.5;
/** Time in which commands must end; lost ones never do. */
const COMMANDS_MS = 6_000;
const LOOK_EVERY_MS = 100;
/** A gap record is written with a delay of one second. */
const GAP_OWED_MS = 1_200;

/** Damages one or two places of a copy, starts the real agent and the real host on it, and judges the result. */
export async function runDamageCase(template: Template, cloud: ProofCloud, random: SeededRandom): Promise<DamageCase> {
  const { rig } = template;
  const beganMs = performance.now();
  const data = layOut(template);
  const damages = damageSome(data, filesIn(data), random);
  const contentUp = !damages.some(({ area: hit }) => hit === "content") || !random.chance(CONTENT_DOWN);
  template.setContentDown(!contentUp);
  const again = random.chance(SENT_AGAIN);
  forgetRecords(template, cloud, again);
  const notedBefore = notedBytes(effectsFile(rig.place));
  const agent = new AgentProcess(rig.place);
  const host = new PictureHost(data);
  host.start();
  const damage = damages.map(({ text }) => text).join(" and ") + (contentUp ? "" : ", nothing can be fetched") + (again ? ", commands are sent again" : "");
  const area = damages.map((one) => one.area).join("+");
  const nothing = { damage, area, missing: 0, uncounted: 0, said: [], sameDevice: true, picture: false };
  try {
    const status = await agent.ready(START_WALL_MS_MAX);
    const startMs = performance.now() - agent.startedMs - waitedForProcessorMs(agent.pid);
    if (status === undefined) {
      const { end } = agent;
      const fault = end === undefined ? `no answer within ${START_WALL_MS_MAX} ms` : `the agent ended with ${end.code ?? end.signal ?? "nothing"}`;
      return { ...nothing, startMs, tookMs: performance.now() - beganMs, violations: [fault] };
    }
    const last = await settled(agent, host, data, () => contentUp || !BAD.includes(verdictAt(cloud, status.deviceId)));
    const sameDevice = status.deviceId === template.deviceId;
    await commandsOver(template, cloud);
    const records = cloud.records(status.deviceId);
    const judged = judgeCase({
      startMs,
      startMsMax: START_MS_MAX,
      damages,
      waiting: template.waiting,
      spooled: template.spooled,
      records,
      commands: commandsSeen(rig, template.commands, notedBefore, records, again),
      sameDevice,
      ...(!isDrained(last) && { notBrought: `${JSON.stringify(last?.outbox)} ${JSON.stringify(last?.link)}` }),
      hostFaults: host.faults,
      drawn: host.shell.drawn,
      contentUp,
      verdict: verdictAt(cloud, status.deviceId),
    });
    const aside = existsSync(join(data, "quarantine")) && hasFiles(join(data, "quarantine"));
    return {
      damage, area, startMs, tookMs: performance.now() - beganMs, sameDevice, picture: host.shell.drawn === "picture",
      ...judged, said: [...judged.said, ...(aside ? ["quarantine"] : [])],
    };
  } finally {
    agent.kill("SIGKILL");
    await Promise.all([agent.ended, host.stop()]);
  }
}

/** Time the process's main thread waited for a processor, from the second field of `schedstat` (ns). 0 when unknown. */
function waitedForProcessorMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1] ?? 0) / 1e6;
  } catch (thrown) {
    // It has ended, or the kernel has no such figure.
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw thrown;
  }
}

/** Whether the salvage left files, besides the template's own. */
function hasFiles(folder: string): boolean {
  try {
    return readdirSync(folder).length > 1;
  } catch (thrown) {
    // A file is in its place: one of the damages.
    if ((thrown as NodeJS.ErrnoException).code === "ENOTDIR") return false;
    throw thrown;
  }
}

/** Waits until the cloud has everything, the host's spool included, and the picture is on, or the time is over. Returns the last status. */
async function settled(agent: AgentProcess, host: PictureHost, data: string, needsPicture: () => boolean): Promise<StatusAnswer | undefined> {
  const untilMs = performance.now() + DRAIN_MS;
  let quietSinceMs: number | undefined;
  let status: StatusAnswer | undefined;
  while (agent.end === undefined && performance.now() < untilMs) {
    status = await agent.status();
    const spoolIsEmpty = status?.player !== undefined && status.player.kind !== "absent" && !existsSync(join(data, "player", "spool.jsonl"));
    const done = isDrained(status) && spoolIsEmpty && (host.shell.drawn === "picture" || !needsPicture());
    if (!done) quietSinceMs = undefined;
    else if (quietSinceMs === undefined) quietSinceMs = performance.now();
    else if (performance.now() - quietSinceMs >= GAP_OWED_MS) return status;
    await pauseMs(LOOK_EVERY_MS);
  }
  return status;
}

/** Waits for resent commands, which may run one after another: a second run must have started to be noticed. */
async function commandsOver({ rig, commands }: Template, cloud: ProofCloud): Promise<void> {
  const { store } = cloud.dev.cloud.context;
  const untilMs = performance.now() + COMMANDS_MS;
  const isOpen = ({ row }: Template["commands"]["commands"][number]): boolean => {
    const now = store.command(rig.deviceId, row.id);
    return now !== undefined && !isFinal(now.state);
  };
  while (commands.commands.some(isOpen) && performance.now() < untilMs) await pauseMs(LOOK_EVERY_MS);
}

/** The screen's verdict in the reported state. */
function verdictAt(cloud: ProofCloud, deviceId: string): string {
  const screen = cloud.dev.cloud.context.store.document(deviceId, "reported")?.document["screen"];
  const verdict = isJsonObject(screen) ? screen["verdict"] : undefined;
  return typeof verdict === "string" ? verdict : "nothing";
}

function isDrained(status: StatusAnswer | undefined): boolean {
  if (status === undefined || status.link.kind !== "online") return false;
  return (["outcome", "alarm", "play", "event"] as const).every((stream) => status.outbox[stream].oldest > status.outbox[stream].newest);
}
