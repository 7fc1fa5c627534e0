import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { damageFile } from "../../../agent/node/sqlite/testing/damage-files.ts";
import { STREAMS } from "../../../agent/protocol/records.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { AgentProcess, pauseMs, type AgentPlace } from "../harness/agent-process.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { copyData, filesIn, type Template } from "./template.ts";

export interface DamageCase {
  readonly damage: string;
  readonly startMs: number;
  /** Plays and events that were waiting and did not come. */
  readonly missing: number;
  /** How the device said that something was lost or set aside. */
  readonly said: readonly string[];
  readonly sameDevice: boolean;
  readonly violations: readonly string[];
}

const START_MS_MAX = 10_000;
const DRAIN_MS = 25_000;
/** Files whose damage may cost records that wait. */
const OUTBOX = /^outbox\.sqlite/;
const IDENTITY = /^identity\//;

/** Damages one or two files of a copy, starts the real agent on it, and looks at what came back. */
export async function runDamageCase(template: Template, cloud: ProofCloud, random: SeededRandom): Promise<DamageCase> {
  const { rig } = template;
  const data = join(rig.folder, "case");
  rmSync(data, { recursive: true, force: true });
  copyData(template.folder, data);
  const files = filesIn(data);
  const chosen = pick(random, files, random.chance(0.1) ? 2 : 1);
  const damage = chosen.map((file) => harm(data, file, random));
  // The cloud begins anew as well, so that each case is judged by what this start brings.
  const { store } = cloud.dev.cloud.context;
  store.transaction(() => {
    store.removeDevice(template.deviceId);
  });
  const place: AgentPlace = { ...rig.place, data };
  const agent = new AgentProcess(place);
  const violations: string[] = [];
  let startMs = 0;
  let missing = 0;
  const said = new Set<string>();
  let sameDevice = true;
  try {
    const status = await agent.ready(START_MS_MAX);
    startMs = performance.now() - agent.startedMs;
    if (status === undefined) {
      const end = agent.end;
      violations.push(end === undefined ? `no answer within ${START_MS_MAX} ms` : `the agent ended with ${end.code ?? end.signal ?? "nothing"}`);
    } else {
      sameDevice = status.deviceId === template.deviceId;
      const keysHurt = chosen.filter((file) => IDENTITY.test(file)).length;
      if (!sameDevice && keysHurt < 2) violations.push(`the device became another one (${keysHurt} of its key files was damaged)`);
      if (!(await drained(agent))) violations.push(`the cloud did not get what waits: ${JSON.stringify((await agent.status())?.outbox)} ${JSON.stringify((await agent.status())?.link)}`);
      for (const alarm of cloud.records(status.deviceId)) if (alarm.alarm !== undefined) said.add(alarm.alarm);
      const records = cloud.records(status.deviceId);
      const there = new Set(records.map(({ page }) => page));
      missing = [...template.waiting].filter((id) => !there.has(id)).length;
      const named = records.reduce((sum, { gap }) => sum + (gap === undefined || gap.reason === "rate" ? 0 : gap.count), 0);
      if (named > 0) said.add(`gap of ${named}`);
      for (const stream of STREAMS) if (hasTwice(records.filter((record) => record.stream === stream).map(({ page }) => page))) violations.push(`a ${stream} came twice`);
      if (missing > 0 && !chosen.some((file) => OUTBOX.test(file))) violations.push(`${missing} records are missing and no file of the outbox was damaged`);
      if (missing > named && ![...said].some((code) => /^(storage|outbox)\./.test(code))) violations.push(`${missing} records are missing, ${named} are named by gaps, and no alarm says that more is lost`);
    }
  } finally {
    agent.kill("SIGKILL");
    await agent.ended;
  }
  if (existsSync(join(data, "quarantine")) && readdirSync(join(data, "quarantine")).length > 0) said.add("quarantine");
  return { damage: damage.join(" and "), startMs, missing, said: [...said], sameDevice, violations };
}

async function drained(agent: AgentProcess): Promise<boolean> {
  const status = await agent.until(({ link, outbox }) => link.kind === "online" && (["outcome", "alarm", "play", "event"] as const).every((stream) => outbox[stream].oldest > outbox[stream].newest), DRAIN_MS);
  // A gap record is owed for a second before it is written.
  await pauseMs(1_200);
  return status !== undefined && (await agent.until(({ outbox }) => outbox.alarm.oldest > outbox.alarm.newest, DRAIN_MS)) !== undefined;
}

/** Cuts, flips, overwrites or deletes. */
function harm(data: string, file: string, random: SeededRandom): string {
  const path = join(data, file);
  if (random.chance(0.2)) {
    rmSync(path);
    return `${file} deleted`;
  }
  if (random.chance(0.05)) {
    writeFileSync(path, random.bytes(random.integer(0, 4_000)));
    return `${file} replaced by garbage`;
  }
  const { kind, at, bytes } = damageFile(path, random);
  return `${file} ${kind} at ${at} (${bytes})`;
}

function pick(random: SeededRandom, files: readonly string[], count: number): readonly string[] {
  const left = [...files];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(random.integer(0, left.length - 1), 1)[0] ?? "");
}

function hasTwice(ids: readonly (string | undefined)[]): boolean {
  const known = ids.filter((id) => id !== undefined);
  return new Set(known).size !== known.length;
}
