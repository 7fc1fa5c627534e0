import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { damageFile } from "../../../agent/node/sqlite/testing/damage-files.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";

/** The damaged area, which decides what may be missing afterwards. */
export type Area = "outbox" | "reserve" | "marks" | "journal" | "journal-marks" | "state" | "identity" | "config" | "log" | "content" | "scene" | "spool" | "lock" | "quarantine" | "world" | "socket" | "other";

export interface Damage {
  readonly area: Area;
  /** For people: file, kind, place. */
  readonly text: string;
  /** Number of damaged copies of the identity key. */
  readonly keysHurt: number;
}

const AREAS: readonly (readonly [RegExp, Area])[] = [
  [/^journal\.sqlite\.marks$/, "journal-marks"],
  [/\.marks?$/, "marks"],
  [/^outbox\.sqlite\.reserve$/, "reserve"],
  [/^outbox\.sqlite/, "outbox"],
  [/^journal\.sqlite/, "journal"],
  [/^state\.sqlite/, "state"],
  [/^identity(\/|$)/, "identity"],
  [/^config\.json$/, "config"],
  [/^logs(\/|$)/, "log"],
  [/^content(\/|$)/, "content"],
  [/^player\/scene/, "scene"],
  [/^player\/spool/, "spool"],
  [/^agent\.lock$|^player\/host\.lock$/, "lock"],
  [/^quarantine(\/|$)/, "quarantine"],
  [/^simulated-world/, "world"],
  [/^run(\/|$)/, "socket"],
];

export function areaOf(path: string): Area {
  return AREAS.find(([pattern]) => pattern.test(path))?.[1] ?? "other";
}

/** Relative frequency of each area. Highest for the outbox, which cannot be fetched again. */
const WEIGHTS: Readonly<Record<Area, number>> = {
  outbox: 30, reserve: 3, marks: 6, journal: 12, "journal-marks": 4, state: 10, identity: 6, config: 3, log: 3, content: 12, scene: 5, spool: 6, lock: 3, quarantine: 3, world: 2, socket: 6, other: 1,
};

/** Places besides a template's files: future sockets, and our folders. */
const SOCKETS = ["run/agent.sock", "run/player.sock"] as const;
const FOLDERS = ["run", "logs", "quarantine", "content"] as const;

/** Damages one or two places of the data folder. `files`: the template's files. */
export function damageSome(data: string, files: readonly string[], random: SeededRandom): readonly Damage[] {
  const first = damageOne(data, files, random);
  if (!random.chance(0.1)) return [first];
  return [first, damageOne(data, files, random)];
}

function damageOne(data: string, files: readonly string[], random: SeededRandom): Damage {
  const area = pickArea(files, random);
  if (area === "socket") return harmSocket(data, random);
  const ofArea = files.filter((file) => areaOf(file) === area);
  const folder = FOLDERS.find((name) => areaOf(name) === area);
  if (folder !== undefined && random.chance(0.15)) return replaceFolder(data, folder);
  return harmFile(data, ofArea[random.integer(0, ofArea.length - 1)] ?? "", area, random);
}

function pickArea(files: readonly string[], random: SeededRandom): Area {
  const there = new Set<Area>([...files.map(areaOf), "socket"]);
  const areas = (Object.keys(WEIGHTS) as Area[]).filter((area) => there.has(area));
  let left = random.integer(1, areas.reduce((sum, area) => sum + WEIGHTS[area], 0));
  for (const area of areas) {
    left -= WEIGHTS[area];
    if (left <= 0) return area;
  }
  return "other";
}

/** Truncates, flips bits, overwrites, deletes or replaces. */
function harmFile(data: string, file: string, area: Area, random: SeededRandom): Damage {
  const path = join(data, file);
  const done = (text: string): Damage => ({ area, text: `${file} ${text}`, keysHurt: area === "identity" ? 1 : 0 });
  // The first of two damages may have removed it.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return done("was gone already");
  if (random.chance(0.15)) {
    rmSync(path);
    return done("deleted");
  }
  if (random.chance(0.05)) {
    writeFileSync(path, random.bytes(random.integer(0, 4_000)));
    return done("replaced by garbage");
  }
  if (random.chance(0.05)) {
    rmSync(path);
    mkdirSync(path);
    if (random.chance(0.5)) writeFileSync(join(path, "something"), "x");
    return done("replaced by a folder");
  }
  const { kind, at, bytes } = damageFile(path, random);
  return done(`${kind} at ${at} (${bytes})`);
}

function harmSocket(data: string, random: SeededRandom): Damage {
  if (random.chance(0.15)) return replaceFolder(data, "run");
  const name = SOCKETS[random.integer(0, SOCKETS.length - 1)] ?? SOCKETS[0];
  const path = join(data, name);
  rmSync(path, { recursive: true, force: true });
  const folder = dirname(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return { area: "socket", text: `${basename(folder)} was gone already`, keysHurt: 0 };
  if (random.chance(0.5)) {
    writeFileSync(path, random.bytes(random.integer(0, 100)));
    return { area: "socket", text: `${name} is a file`, keysHurt: 0 };
  }
  mkdirSync(path);
  const filled = random.chance(0.5);
  if (filled) writeFileSync(join(path, "something"), "x");
  return { area: "socket", text: `${name} is ${filled ? "a folder with something in it" : "an empty folder"}`, keysHurt: 0 };
}

function replaceFolder(data: string, folder: string): Damage {
  rmSync(join(data, folder), { recursive: true, force: true });
  writeFileSync(join(data, folder), "not a folder\n");
  return { area: areaOf(folder), text: `${folder} is a file`, keysHurt: 0 };
}
