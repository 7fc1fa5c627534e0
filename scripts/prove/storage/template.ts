import { cpSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../platform/ports/log.ts";
import { PageSpool } from "../../../player-host/host/page-spool.ts";
import { FileSpoolStore } from "../../../player-host/node/file-spool-store.ts";
import type { DeviceRow, DocumentRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { pauseMs } from "../harness/agent-process.ts";
import { DeviceRig } from "../harness/device-rig.ts";
import { PictureHost } from "../harness/picture-host.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import type { ServedPackage } from "../harness/sample-package.ts";
import { ScriptedPlayer } from "../harness/scripted-player.ts";
import { releaseLines, rowsToRestore, sendOpen, sendStored, standing, type TemplateCommands } from "./template-commands.ts";

/** Data folder of a device that was claimed, with content and history, and was killed offline with a full outbox, amid commands. */
export interface Template {
  readonly rig: DeviceRig;
  readonly folder: string;
  readonly deviceId: string;
  /** Disconnects or reconnects the content server. */
  setContentDown(down: boolean): void;
  /** Ids of acknowledged plays and events that the cloud does not have. */
  readonly waiting: ReadonlySet<string>;
  /** Ids of plays and events in the player host's spool. */
  readonly spooled: ReadonlySet<string>;
  readonly commands: TemplateCommands;
  /** The cloud's data about the device besides its records. */
  readonly cloudRow: DeviceRow;
  readonly cloudDesired: DocumentRow;
}

const ONLINE_MS = 30_000;
const SPOOLED = 24;

/** Runs the real agent until each of its files has data, and kills it. */
export async function makeTemplate(main: string, cloud: ProofCloud, prefix: string, content: ServedPackage): Promise<Template> {
  const rig = new DeviceRig(main, cloud);
  const { data } = rig.place;
  writeFileSync(join(data, "config.json"), JSON.stringify({ log: { level: "info" }, device: { name: "Proof" } }));
  const agent = await rig.start();
  if ((await agent.until(({ link, owner }) => link.kind === "online" && owner.kind === "claimed", ONLINE_MS)) === undefined) throw new Error(`the device was not claimed: ${JSON.stringify((await agent.status())?.link)}`);
  const { store, misbehaviours, live } = cloud.dev.cloud.context;
  const device = store.device(rig.deviceId);
  if (device === undefined) throw new Error("a claimed device has a row");
  const wanted = { kind: "package", url: content.urlFor(prefix), sha256: content.sha256, bytes: content.bytes };
  cloud.dev.cloud.desired.patch(device, { audio: { volume: 20 }, player: { config: { shop: "proof" } }, content: wanted });
  await showPicture(data);
  const player = new ScriptedPlayer(data, prefix, rig.ledger, 60);
  player.start();
  const stored = await sendStored(rig);
  await pauseMs(2_500);
  const open = await sendOpen(rig);
  misbehaviours.set(rig.deviceId, { refuse: { code: "refused.busy" } });
  live.get(rig.deviceId)?.end("prove");
  await pauseMs(6_500);
  player.setRate(0);
  while (player.unanswered > 0) await pauseMs(50);
  agent.kill("SIGKILL");
  await agent.ended;
  player.stop();
  misbehaviours.forget(rig.deviceId);
  const commands = standing(rig, [...stored, ...open]);
  releaseLines(data);
  const inCloud = new Set(cloud.records(rig.deviceId).map(({ page }) => page));
  const waiting = new Set([...rig.ledger.pages.values()].filter(({ id, fate }) => fate.kind === "stored" && !inCloud.has(id)).map(({ id }) => id));
  const spooled = await fillSpool(data, prefix);
  leaveTraces(data);
  const folder = join(rig.folder, "template");
  copyData(data, folder);
  const cloudRow = store.device(rig.deviceId);
  const cloudDesired = store.document(rig.deviceId, "desired");
  if (cloudRow === undefined || cloudDesired === undefined) throw new Error("a claimed device has a row and a document");
  return { rig, folder, deviceId: rig.deviceId, setContentDown: (down) => content.setDown(prefix, down), waiting, spooled, commands, cloudRow, cloudDesired };
}

/** The host shows the content once, so that there is a scene, a log and a package on disk. */
async function showPicture(data: string): Promise<void> {
  const host = new PictureHost(data);
  host.start();
  const untilMs = performance.now() + ONLINE_MS;
  while (host.shell.drawn !== "picture" && performance.now() < untilMs) await pauseMs(50);
  const { drawn } = host.shell;
  await host.stop();
  if (drawn !== "picture" || host.faults.length > 0) throw new Error(`the template shows ${drawn}: ${host.faults.join(", ")}`);
}

/** Spools page messages with the host's own code, as while the agent is away. */
async function fillSpool(data: string, prefix: string): Promise<ReadonlySet<string>> {
  const spool = new PageSpool(new FileSpoolStore(join(data, "player", "spool.jsonl")), silentLog);
  await spool.open();
  const ids: string[] = [];
  for (let n = 1; n <= SPOOLED; n += 1) {
    const id = `${prefix}-spool-${n}`;
    const kept = await spool.append(
      n % 3 === 0
        ? { t: "page-event", id, name: id, data: { from: "spool" } }
        : { t: "page-play", id, play: { item: id, startedMs: 1_700_000_000_000, durationMs: 10_000, result: "completed" } },
    );
    if (!kept.ok) throw new Error(kept.error.message);
    ids.push(id);
  }
  await spool.close();
  return new Set(ids);
}

/** Adds traces of a longer history: stale locks and a quarantined file. */
function leaveTraces(data: string): void {
  writeFileSync(join(data, "player", "host.lock"), "99999999 1\n");
  mkdirSync(join(data, "quarantine"), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, "quarantine", "journal.sqlite.2026-01-01T00-00-00-000Z.1"), "an earlier accident\n".repeat(100));
}

/** Copies the template to the device's original place, because its files contain absolute paths. */
export function layOut(template: Template): string {
  const { data } = template.rig.place;
  rmSync(data, { recursive: true, force: true });
  copyData(template.folder, data);
  return data;
}

/** Makes the cloud forget the device's records, but not the device and its desired state. `again`: also the acknowledgements. */
export function forgetRecords(template: Template, cloud: ProofCloud, again: boolean): void {
  const { store } = cloud.dev.cloud.context;
  store.transaction(() => {
    store.removeDevice(template.deviceId);
    store.putDevice(template.cloudRow);
    store.putDocument(template.cloudDesired);
    for (const row of rowsToRestore(template.commands, again)) store.putCommand(row);
  });
}

/** Copies everything but sockets. */
export function copyData(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => !lstatSync(path).isSocket() });
}

/** Paths of all regular files below `folder`, relative to it. */
export function filesIn(folder: string, below = ""): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return filesIn(folder, path);
    return entry.isFile() ? [path] : [];
  });
}
