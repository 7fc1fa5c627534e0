import { cpSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pauseMs } from "../harness/agent-process.ts";
import { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { ScriptedPlayer } from "../harness/scripted-player.ts";

/** A data folder as a real device leaves it: claimed, with a history, offline, and killed with a queue full of records. */
export interface Template {
  readonly rig: DeviceRig;
  readonly folder: string;
  readonly deviceId: string;
  /** Ids of plays and events that were answered and that the cloud has not got. */
  readonly waiting: ReadonlySet<string>;
}

const ONLINE_MS = 30_000;

/** Runs the real agent until there is something in every file of ours, and kills it. */
export async function makeTemplate(main: string, cloud: ProofCloud, prefix: string): Promise<Template> {
  const rig = new DeviceRig(main, cloud);
  const { data } = rig.place;
  writeFileSync(join(data, "config.json"), JSON.stringify({ log: { level: "info" }, device: { name: "Proof" } }));
  const player = new ScriptedPlayer(data, prefix, rig.ledger, 60);
  player.start();
  const agent = await rig.start();
  if ((await agent.until(({ link, owner }) => link.kind === "online" && owner.kind === "claimed", ONLINE_MS)) === undefined) throw new Error(`the device was not claimed: ${JSON.stringify((await agent.status())?.link)}`);
  const device = cloud.dev.cloud.context.store.device(rig.deviceId);
  if (device !== undefined) cloud.dev.cloud.desired.patch(device, { audio: { volume: 20 }, player: { config: { shop: "proof" } } });
  for (let n = 1; n <= 6; n += 1) {
    const sent = rig.command("level", "gpio.write", { line: "GPIO12", level: n % 2 }, { kind: "none" });
    if (sent !== undefined) await rig.outcome(sent.id, 5_000);
  }
  await pauseMs(2_500);
  const { misbehaviours, live } = cloud.dev.cloud.context;
  misbehaviours.set(rig.deviceId, { refuse: { code: "refused.busy" } });
  live.get(rig.deviceId)?.end("prove");
  await pauseMs(5_000);
  player.setRate(0);
  while (player.unanswered > 0) await pauseMs(50);
  agent.kill("SIGKILL");
  await agent.ended;
  player.stop();
  misbehaviours.forget(rig.deviceId);
  const stored = new Set(cloud.records(rig.deviceId).map(({ page }) => page));
  const waiting = new Set([...rig.ledger.pages.values()].filter(({ id, fate }) => fate.kind === "stored" && !stored.has(id)).map(({ id }) => id));
  const folder = join(rig.folder, "template");
  copyData(data, folder);
  return { rig, folder, deviceId: rig.deviceId, waiting };
}

/** Sockets cannot be copied, and a killed agent's are worth nothing. */
export function copyData(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => !lstatSync(path).isSocket() });
}

/** Every regular file below, as paths relative to `folder`. */
export function filesIn(folder: string, below = ""): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return filesIn(folder, path);
    return entry.isFile() && statSync(join(folder, path)).size >= 0 ? [path] : [];
  });
}
