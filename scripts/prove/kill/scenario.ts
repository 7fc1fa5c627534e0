import type { DesiredKeyResult, DesiredReport } from "../../../agent/protocol/desired.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { pauseMs } from "../harness/agent-process.ts";
import type { ContentServer } from "../harness/content-server.ts";
import type { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import type { ScriptedPlayer } from "../harness/scripted-player.ts";

export interface Stage {
  readonly rig: DeviceRig;
  readonly player: ScriptedPlayer;
  /** A second cloud of the same owner. */
  readonly other: ProofCloud;
  readonly contents: ContentServer;
  /** Rises with each run, so that every run asks for something new. */
  readonly n: number;
}

/** Something the device goes through, in the middle of which it is killed. */
export interface Scenario {
  readonly name: string;
  /** From an empty data folder each time; the other scenarios go on with one device. */
  readonly fresh: boolean;
  /** `prepare` ends with the agent ended: the kills fall into the start after it. */
  readonly fromStart?: true;
  /** Brings the device to where each run begins, whatever the run before left. Nobody kills it here. */
  prepare?(stage: Stage): Promise<void>;
  /** Asks for it. */
  act(stage: Stage): void;
  /** Whether it is over, with nothing left to write for it. */
  done(stage: Stage): boolean;
}

/** Puts a desired document before the device, in the cloud it is in. */
export function want(stage: Stage, document: Json, cloud = stage.rig.cloud): void {
  const device = cloud.dev.cloud.context.store.device(stage.rig.deviceId);
  if (device === undefined) return;
  const put = cloud.dev.cloud.desired.put(device, document);
  if (!put.ok) stage.rig.ledger.faults.push(`the cloud refused a desired document: ${put.error.code} ${put.error.message}`);
}

/** What the device answered to one key of the newest document; `undefined` while it answers to an older one. */
export function keyResult({ rig }: Stage, key: string): DesiredKeyResult | undefined {
  const { store } = rig.cloud.dev.cloud.context;
  const wanted = store.document(rig.deviceId, "desired")?.version ?? Infinity;
  const reported = store.document(rig.deviceId, "reported")?.document;
  const desired = reported?.["desired"] as unknown as DesiredReport | undefined;
  return desired?.version === wanted ? desired.keys[key] : undefined;
}

/** In which of the two clouds the device is. */
export function whereIs({ rig, other }: Pick<Stage, "rig" | "other">): ProofCloud | undefined {
  return [rig.cloud, other].find((cloud) => cloud.dev.cloud.context.live.get(rig.deviceId) !== undefined);
}

/** Until `holds` or the agent has ended; `late` when the time was over. */
export async function untilEither(rig: DeviceRig, holds: () => boolean, timeoutMs: number): Promise<"held" | "ended" | "late"> {
  const untilMs = performance.now() + timeoutMs;
  while (performance.now() < untilMs) {
    if (rig.agent?.end !== undefined) return "ended";
    if (holds()) return "held";
    await pauseMs(20);
  }
  return "late";
}
