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
  /** Another cloud of the same owner. */
  readonly other: ProofCloud;
  readonly contents: ContentServer;
  /** Rises with each run, so that every run requests something new. */
  readonly n: number;
}

/** A course of events during which the device is killed. */
export interface Scenario {
  readonly name: string;
  /** Each run starts with an empty data folder; other scenarios reuse one device. */
  readonly fresh: boolean;
  /** `prepare` leaves the agent ended; the kills fall into the next start. */
  readonly fromStart?: true;
  /** Brings the device to the initial state of a run, whatever the previous run left. No kills here. */
  prepare?(stage: Stage): Promise<void>;
  /** Starts the events. */
  act(stage: Stage): void;
  /** Whether the events are over, with nothing left to write. */
  done(stage: Stage): boolean;
}

/** Sets the device's desired document in `cloud`. */
export function want(stage: Stage, document: Json, cloud = stage.rig.cloud): void {
  const device = cloud.dev.cloud.context.store.device(stage.rig.deviceId);
  if (device === undefined) return;
  const put = cloud.dev.cloud.desired.put(device, document);
  if (!put.ok) stage.rig.ledger.faults.push(`the cloud refused a desired document: ${put.error.code} ${put.error.message}`);
}

/** The device's result for one key of the newest document; `undefined` while it reports on an older one. */
export function keyResult({ rig }: Stage, key: string): DesiredKeyResult | undefined {
  const { store } = rig.cloud.dev.cloud.context;
  const wanted = store.document(rig.deviceId, "desired")?.version ?? Infinity;
  const reported = store.document(rig.deviceId, "reported")?.document;
  const desired = reported?.["desired"] as unknown as DesiredReport | undefined;
  return desired?.version === wanted ? desired.keys[key] : undefined;
}

/** The cloud to which the device is connected. */
export function whereIs({ rig, other }: Pick<Stage, "rig" | "other">): ProofCloud | undefined {
  return [rig.cloud, other].find((cloud) => cloud.dev.cloud.context.live.get(rig.deviceId) !== undefined);
}

/** Waits until `holds` or the agent has ended; `late` when the time is over. */
export async function untilEither(rig: DeviceRig, holds: () => boolean, timeoutMs: number): Promise<"held" | "ended" | "late"> {
  const untilMs = performance.now() + timeoutMs;
  while (performance.now() < untilMs) {
    if (rig.agent?.end !== undefined) return "ended";
    if (holds()) return "held";
    await pauseMs(20);
  }
  return "late";
}
