import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { mountSmallDisk, type SmallDisk } from "../../../agent/node/sqlite/testing/small-disk.ts";
import { pauseMs } from "../harness/agent-process.ts";
import { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { ScriptedPlayer } from "../harness/scripted-player.ts";
import { CapWatch } from "./cap-watch.ts";
import { mountLoopDisk } from "./loop-disk.ts";

const DISK_BYTES = 24 * 1024 * 1024;
const CAP_BYTES = 4 * 1024 * 1024;
const FLAGS = ["--outbox-bytes-max", String(CAP_BYTES)];
const SHORT_MS = 4_000;
const RECOVER_MS = 90_000;

/** Runs the real agent on full, read-only and slow disks. Prints each violation and returns their number. */
export async function runDisks(main: string, cloud: ProofCloud): Promise<number> {
  let violations = 0;
  for (const [name, disk] of [["tmpfs", mountSmallDisk(DISK_BYTES)], ["ext4 on a loop device", mountLoopDisk(DISK_BYTES)]] as const) {
    if ("why" in disk) {
      console.log(`LEFT OUT: ${name}: ${disk.why}`);
      continue;
    }
    try {
      violations += print(name, await onSmallDisk(main, cloud, disk));
    } finally {
      disk.dispose();
    }
  }
  return violations + print("slow fsync (200 ms each)", await onSlowDisk(main, cloud));
}

function print(name: string, { notes, faults }: Course): number {
  console.log(`${name}: ${notes.join("; ")}`);
  for (const fault of faults) console.log(`  VIOLATION ${name}: ${fault}`);
  return faults.length;
}

interface Course {
  readonly notes: string[];
  readonly faults: string[];
}

async function onSmallDisk(main: string, cloud: ProofCloud, disk: SmallDisk): Promise<Course> {
  const course: Course = { notes: [], faults: [] };
  const rig = new DeviceRig(main, cloud);
  const data = join(disk.folder, "data");
  mkdirSync(data, { mode: 0o700 });
  // Outside the data folder, as on a device (/run): a read-only folder cannot hold sockets.
  const sockets = join(rig.folder, "s");
  mkdirSync(sockets, { mode: 0o700 });
  Object.assign(rig.place, { data, sockets });
  const player = new ScriptedPlayer(sockets, `disk-${rig.folder.slice(-6)}`, rig.ledger, 15);
  const watch = new CapWatch(data, CAP_BYTES);
  player.start();
  watch.start();
  try {
    await rig.start({ flags: FLAGS });
    await pauseMs(SHORT_MS);
    await phase(course, rig, player, "full while running", () => disk.fill(), () => disk.empty());
    await restart(course, rig, "start on the full disk", () => disk.fill());
    await pauseMs(SHORT_MS);
    disk.empty();
    await recovered(course, rig, player, "after the full start");
    // The kernel refuses this under a running agent (EBUSY: files open for writing), so the agent starts on it.
    await restart(course, rig, "start on the read-only disk", () => disk.remount("ro"));
    await says(course, rig, "read-only");
    await pauseMs(SHORT_MS);
    disk.remount("rw");
    await recovered(course, rig, player, "after the read-only start");
    player.setRate(0);
    await rig.drain(RECOVER_MS, () => player.unanswered);
    const { violations, acknowledged, refused, gapped } = rig.verdict();
    course.notes.push(`${acknowledged} records acknowledged, ${refused} refused, ${gapped} missing and named`);
    course.faults.push(...violations);
  } finally {
    player.stop();
    course.notes.push(watch.stop());
    course.faults.push(...watch.faults);
    rig.agent?.kill("SIGKILL");
    await rig.agent?.ended;
    rig.dispose();
  }
  return course;
}

async function phase(course: Course, rig: DeviceRig, player: ScriptedPlayer, name: string, begin: () => void, end: () => void): Promise<void> {
  begin();
  await says(course, rig, name);
  end();
  await recovered(course, rig, player, `after ${name}`);
}

/** Checks that the agent answers and that an alarm reports the disk. */
async function says(course: Course, rig: DeviceRig, name: string): Promise<void> {
  await pauseMs(SHORT_MS);
  const askedMs = performance.now();
  const status = await rig.agent?.status();
  const alarms = status?.alarms.map(({ code }) => code) ?? [];
  if (status === undefined) course.faults.push(`${name}: the agent does not answer`);
  else course.notes.push(`${name}: answers in ${Math.round(performance.now() - askedMs)} ms, ${status.link.kind}, says ${alarms.join(" ") || "nothing"}`);
  if (!alarms.some((code) => /^(outbox|storage)\./.test(code))) course.faults.push(`${name}: no alarm reports the disk`);
}

async function restart(course: Course, rig: DeviceRig, name: string, meanwhile: () => void): Promise<void> {
  rig.agent?.kill("SIGKILL");
  await rig.agent?.ended;
  meanwhile();
  const agent = rig.launch({ flags: FLAGS });
  const status = await agent.ready(10_000);
  if (status === undefined) course.faults.push(`${name}: no answer within 10 s (${agent.end === undefined ? "it runs" : `it ended with ${agent.end.code ?? agent.end.signal ?? ""}`})`);
  else course.notes.push(`${name}: answers after ${Math.round(performance.now() - agent.startedMs)} ms`);
}

/** Checks that a new record is acknowledged and reaches the cloud. */
async function recovered(course: Course, rig: DeviceRig, player: ScriptedPlayer, name: string): Promise<void> {
  const startMs = performance.now();
  const before = rig.ledger.pages.size;
  const untilMs = startMs + RECOVER_MS;
  while (performance.now() < untilMs) {
    if ([...rig.ledger.pages.values()].slice(before).some(({ fate }) => fate.kind === "stored")) break;
    await pauseMs(100);
  }
  const works = performance.now() < untilMs;
  if (works) course.notes.push(`${name}: records are taken again after ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
  else course.faults.push(`${name}: no record was taken within ${RECOVER_MS / 1_000} s (${player.unanswered} unanswered)`);
}

async function onSlowDisk(main: string, cloud: ProofCloud): Promise<Course> {
  const course: Course = { notes: [], faults: [] };
  const rig = new DeviceRig(main, cloud);
  const player = new ScriptedPlayer(rig.place.data, `slow-${rig.folder.slice(-6)}`, rig.ledger, 15);
  player.start();
  try {
    const agent = await rig.start({ slowSyncMs: 200 });
    const answersMs: number[] = [];
    for (let n = 0; n < 60; n += 1) {
      const askedMs = performance.now();
      if ((await agent.status()) === undefined) course.faults.push("the agent does not answer");
      answersMs.push(performance.now() - askedMs);
      await pauseMs(100);
    }
    answersMs.sort((a, b) => a - b);
    player.setRate(0);
    await rig.drain(RECOVER_MS, () => player.unanswered);
    const { violations, acknowledged } = rig.verdict();
    course.faults.push(...violations);
    course.notes.push(`${acknowledged} records acknowledged, all stored; status answered within p50 ${Math.round(answersMs[30] ?? 0)}, at most ${Math.round(answersMs.at(-1) ?? 0)} ms`);
  } finally {
    player.stop();
    rig.agent?.kill("SIGKILL");
    await rig.agent?.ended;
    rig.dispose();
  }
  return course;
}
