import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";

/**
 * Frequencies of all faults. `…PerHour`: average per device or cloud. `…Chance`: probability at each opportunity. All 0: a
 * world without faults.
 */
export interface Faults {
  /** The agent's process is killed at a random moment. */
  readonly killPerHour: number;
  /** It is killed just before or after a port call, such as between a write and its consequence. */
  readonly killAtPortChance: number;
  /** The machine loses power; unsynced data may be lost. */
  readonly powerCutPerHour: number;
  /** The wall clock steps by seconds or years, in either direction. */
  readonly clockStepPerHour: number;
  /** The network cable is unplugged for a while. */
  readonly networkCutPerHour: number;
  /** A connection stays open on both sides but carries nothing. */
  readonly halfOpenPerHour: number;
  /** A connection delivers nothing for a while, and then everything. */
  readonly stallPerHour: number;
  /** A connection breaks; a side is notified or must detect it. */
  readonly dropPerHour: number;
  readonly connectRefusedChance: number;
  /** A connection attempt never ends. */
  readonly connectHangsChance: number;
  /** A connection carries only a few kilobytes per second. */
  readonly slowLinkChance: number;
  /** The disk refuses one write. */
  readonly writeFailsChance: number;
  /** The disk is in trouble for a while: full, failing, read-only or slow. */
  readonly diskTroublePerHour: number;
  /** The cloud's process is killed and comes back. */
  readonly cloudKillPerHour: number;
  /** It is killed right after a commit, before it has answered. */
  readonly cloudKillAtCommitChance: number;
  /** A commit of its store fails. */
  readonly cloudCommitFailsChance: number;
  /** It is restored from an old backup. */
  readonly cloudRestorePerHour: number;
  /** It misbehaves towards one device for a while: no acks, acks that go back, half-open, slow, nonsense, refusals. */
  readonly misbehavePerHour: number;
  /** It sends one hostile or nonsensical frame. */
  readonly misdeedPerHour: number;
  /** The player host disappears, and returns as the same process or a new one. */
  readonly playerVanishPerHour: number;
  /** The display is deaf, slow, lying, refusing or unplugged for a while. */
  readonly displayTroublePerHour: number;
  /** Somebody uses the remote control. */
  readonly remoteControlPerHour: number;
  /** Reboots are ignored or refused, or hang until they are forced, for a while. */
  readonly rebootTroublePerHour: number;
  /** For a while the machine refuses network settings, or applies them but reports a failure. */
  readonly networkTroublePerHour: number;
  /** For a while a wireless network at the site has another password, or a proxy is gone. */
  readonly siteTroublePerHour: number;
  /** The output of the page is off for a while, up to a night; the page may hang meanwhile. */
  readonly outputOffPerHour: number;
  /** The page hangs, whether its output is on or off. */
  readonly pageHangsPerHour: number;
  /** The player host ends and is not started again for hours, or until the machine boots. */
  readonly hostLostPerHour: number;
  /** The power fails before or after a step of the updater. */
  readonly cutInUpdateChance: number;
}

/** Frequencies of requests to the devices. */
export interface Workload {
  readonly commandsPerHour: number;
  /** Share of the commands that are canceled soon after they were sent. */
  readonly cancelChance: number;
  readonly desiredPerHour: number;
  readonly playsPerHour: number;
  readonly pageEventsPerHour: number;
  /** Bursts of page API calls. */
  readonly floodsPerHour: number;
  /** The owner moves a device to the other cloud, back, or to an address without a cloud. */
  readonly movesPerHour: number;
  /** The owner changes network settings (proxy, address, wireless network), half of which work at the device's site. */
  readonly networksPerHour: number;
  /** The owner changes who decides about the display: a fixed power, a schedule, a local rule, or several of them. */
  readonly regulatorsPerHour: number;
  /** Commands that switch the display, and some that end what was set by hand. */
  readonly powerCommandsPerHour: number;
  /** Somebody comes into or leaves the sight of the sensor that rules watch, opens or shuts a door, or presses a key. */
  readonly sensorPerHour: number;
  /** The owner sends a release: good ones, and bad ones of every kind. */
  readonly updatesPerHour: number;
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
  outputOffPerHour: 0.7,
  // In no seed by default, which leaves what older seeds do as it was.
  pageHangsPerHour: 0,
  hostLostPerHour: 0,
  cutInUpdateChance: 0.02,
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
  regulatorsPerHour: 1,
  powerCommandsPerHour: 3,
  sensorPerHour: 15,
  updatesPerHour: 2,
};

export const NO_FAULTS: Faults = scaled(WILD, () => 0);

/**
 * The faults of a seed. Each fault is absent in about half of the seeds and rare to frequent in the others, because one
 * fault may hide a bug that another one causes.
 */
export function faultsOf(random: SeededRandom): Faults {
  return scaled(WILD, () => (random.chance(0.45) ? 0 : 0.3 + random.next() * 2));
}

export function workloadOf(random: SeededRandom): Workload {
  const workload = scaled(BUSY, (name) => (RARE.has(name) && random.chance(0.6) ? 0 : 0.2 + random.next() * 1.5));
  // Rules give the display's orders no mark of their own, so most seeds are without what goes with them.
  return workload.regulatorsPerHour > 0 ? workload : { ...workload, powerCommandsPerHour: 0, sensorPerHour: 0 };
}

const RARE: ReadonlySet<string> = new Set<keyof Workload>(["movesPerHour", "networksPerHour", "regulatorsPerHour", "updatesPerHour"]);

function scaled<T extends object>(table: T, factor: (name: string) => number): T {
  return Object.fromEntries(
    Object.entries(table as Record<string, number>).map(([name, value]) => {
      const by = value * factor(name);
      return [name, name.endsWith("Chance") ? Math.min(0.5, by) : by];
    }),
  ) as T;
}
