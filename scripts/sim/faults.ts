import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";

/**
 * Everything that can go wrong, each with its own name. `…PerHour`: how often on average, per device or cloud.
 * `…Chance`: probability each time the thing could happen. All 0: a world in which nothing goes wrong.
 */
export interface Faults {
  /** The agent's process is killed at a moment of its own. */
  readonly killPerHour: number;
  /** It is killed just before or just after a call of a port: between a write and what was to follow it. */
  readonly killAtPortChance: number;
  /** The machine loses its power; what was not synced may be gone. */
  readonly powerCutPerHour: number;
  /** The wall clock jumps, by seconds or by years, either way. */
  readonly clockStepPerHour: number;
  /** The cable is out for a while. */
  readonly networkCutPerHour: number;
  /** A connection stays open on both sides and carries nothing any more. */
  readonly halfOpenPerHour: number;
  /** A connection delivers nothing for a while, and then everything. */
  readonly stallPerHour: number;
  /** A connection dies; each side hears of it or has to find out. */
  readonly dropPerHour: number;
  readonly connectRefusedChance: number;
  /** A connection attempt that never comes to anything. */
  readonly connectHangsChance: number;
  /** A connection that carries a few kilobytes a second. */
  readonly slowLinkChance: number;
  /** One write is refused by the disk. */
  readonly writeFailsChance: number;
  /** The disk is in trouble for a while: full, failing, read-only or slow. */
  readonly diskTroublePerHour: number;
  /** The cloud's process is killed and comes back. */
  readonly cloudKillPerHour: number;
  /** It is killed right after a commit, before anybody was told. */
  readonly cloudKillAtCommitChance: number;
  /** Its store does not take a commit. */
  readonly cloudCommitFailsChance: number;
  /** It is restored from an old backup. */
  readonly cloudRestorePerHour: number;
  /** It misbehaves towards one device for a while: never acks, acks go back, half-open, slow, nonsense, refuses. */
  readonly misbehavePerHour: number;
  /** It sends one hostile or senseless frame. */
  readonly misdeedPerHour: number;
  /** The player host goes away, and comes back as it was or as a new one. */
  readonly playerVanishPerHour: number;
  /** The display is deaf, slow, lying or unplugged for a while. */
  readonly displayTroublePerHour: number;
  /** Somebody uses the remote control. */
  readonly remoteControlPerHour: number;
  /** Reboots are ignored or refused for a while. */
  readonly rebootTroublePerHour: number;
  /** The machine takes no network settings for a while, or takes them and says that it failed. */
  readonly networkTroublePerHour: number;
  /** At the site, a wireless network gets another password or a proxy goes, for a while. */
  readonly siteTroublePerHour: number;
}

/** What is asked of the devices, so that there is something to go wrong. */
export interface Workload {
  readonly commandsPerHour: number;
  /** Of the commands, this part is canceled soon after it was sent. */
  readonly cancelChance: number;
  readonly desiredPerHour: number;
  readonly playsPerHour: number;
  readonly pageEventsPerHour: number;
  /** Bursts of a page that floods its API. */
  readonly floodsPerHour: number;
  /** The owner moves a device to the other cloud, or back, or to an address that is not there. */
  readonly movesPerHour: number;
  /** The owner wants other network settings: a proxy, an address, a wireless network, of which half work where the device stands. */
  readonly networksPerHour: number;
}

const WILD: Faults = {
  killPerHour: 4,
  killAtPortChance: 0.0006,
  powerCutPerHour: 3,
  clockStepPerHour: 2,
  networkCutPerHour: 3,
  halfOpenPerHour: 3,
  stallPerHour: 4,
  dropPerHour: 6,
  connectRefusedChance: 0.15,
  connectHangsChance: 0.08,
  slowLinkChance: 0.15,
  writeFailsChance: 0.004,
  diskTroublePerHour: 2,
  cloudKillPerHour: 2,
  cloudKillAtCommitChance: 0.002,
  cloudCommitFailsChance: 0.005,
  cloudRestorePerHour: 0.4,
  misbehavePerHour: 3,
  misdeedPerHour: 8,
  playerVanishPerHour: 3,
  displayTroublePerHour: 3,
  remoteControlPerHour: 6,
  rebootTroublePerHour: 1,
  networkTroublePerHour: 0.5,
  siteTroublePerHour: 0.7,
};

const BUSY: Workload = {
  commandsPerHour: 40,
  cancelChance: 0.15,
  desiredPerHour: 8,
  playsPerHour: 120,
  pageEventsPerHour: 120,
  floodsPerHour: 0.5,
  movesPerHour: 0.7,
  networksPerHour: 1.5,
};

export const NO_FAULTS: Faults = scaled(WILD, () => 0);

/**
 * What goes wrong under this seed. Each fault is absent in about half of the seeds and rare to frequent in the others:
 * a bug that needs one fault often shows only where another does not hide it.
 */
export function faultsOf(random: SeededRandom): Faults {
  return scaled(WILD, () => (random.chance(0.45) ? 0 : 0.3 + random.next() * 2));
}

export function workloadOf(random: SeededRandom): Workload {
  return scaled(BUSY, (name) => ((name === "movesPerHour" || name === "networksPerHour") && random.chance(0.6) ? 0 : 0.2 + random.next() * 1.5));
}

function scaled<T extends object>(table: T, factor: (name: string) => number): T {
  return Object.fromEntries(
    Object.entries(table as Record<string, number>).map(([name, value]) => {
      const by = value * factor(name);
      return [name, name.endsWith("Chance") ? Math.min(0.5, by) : by];
    }),
  ) as T;
}
