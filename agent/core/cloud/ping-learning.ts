/**
 * How often to ping where something between device and cloud ends connections that carry nothing, as balancers do after 20 or 30 s: learnt
 * from sessions that die while they are quiet, kept on disk, and tried longer again from time to time. Pure.
 */
export interface PingMemory {
  /** Learnt; absent: as the cloud or the configuration says. */
  readonly intervalMs?: number;
  /** What was learnt before, while a longer interval is on trial. */
  readonly beforeMs?: number;
  /** Online for this long, a longer interval is tried. Doubled by each trial in vain. */
  readonly relaxAfterMs: number;
  /** Of `relaxAfterMs`, in sessions that are over. */
  readonly livedMs: number;
  /** How long the last sessions that died were quiet before. */
  readonly gapsMs: readonly number[];
}

export interface PingPolicy {
  /** Never more often. */
  readonly floorMs: number;
  /** Part of the shortest gap that a session died of. */
  readonly ratio: number;
  /** The same where the connection did not end but carried nothing more: how long the gap was is known at most, and never below that floor. */
  readonly silentRatio: number;
  readonly silentFloorMs: number;
  /** Two gaps may differ by this part and be of one cause. */
  readonly likeRatio: number;
  /** A session that lived this long did not die of being quiet. */
  readonly survivedMs: number;
  readonly relaxAfterMs: number;
  readonly relaxAfterMaxMs: number;
  readonly relaxFactor: number;
  /** A longer interval that held this long is kept. */
  readonly trialMs: number;
}

export const DEFAULT_PING_POLICY: PingPolicy = {
  floorMs: 5_000,
  ratio: 0.75,
  silentRatio: 0.6,
  silentFloorMs: 10_000,
  likeRatio: 0.25,
  survivedMs: 600_000,
  relaxAfterMs: 86_400_000,
  relaxAfterMaxMs: 7 * 86_400_000,
  relaxFactor: 1.25,
  trialMs: 3_600_000,
};

export function freshPing(policy: PingPolicy): PingMemory {
  return { relaxAfterMs: policy.relaxAfterMs, livedMs: 0, gapsMs: [] };
}

/** The interval of a link where cloud or configuration say `toldMs`. */
export function pingIntervalOf({ intervalMs }: PingMemory, toldMs: number): number {
  return Math.min(toldMs, intervalMs ?? toldMs);
}

/** When, in a session that began at `sinceMs`, `lookAgain` is due. */
export function lookAgainMs(memory: PingMemory, sinceMs: number, policy: PingPolicy): number {
  if (memory.beforeMs !== undefined) return sinceMs + policy.trialMs;
  return memory.intervalMs === undefined ? Number.POSITIVE_INFINITY : sinceMs + Math.max(0, memory.relaxAfterMs - memory.livedMs);
}

/** The session went well for so long: a trial is over, or a longer interval is tried. */
export function lookAgain(memory: PingMemory, toldMs: number, policy: PingPolicy): PingMemory {
  const { beforeMs, ...rest } = memory;
  if (beforeMs !== undefined) return { ...rest, livedMs: 0 };
  const { intervalMs, ...longest } = rest;
  if (intervalMs === undefined) return memory;
  const longerMs = Math.round(intervalMs * policy.relaxFactor);
  return longerMs >= toldMs ? { ...longest, beforeMs: intervalMs, livedMs: 0 } : { ...rest, intervalMs: longerMs, beforeMs: intervalMs, livedMs: 0 };
}

/** A session that was not ended by us and not by a word of the cloud. */
export interface SessionEnd {
  readonly livedMs: number;
  /** How long no frame had gone either way. */
  readonly gapMs: number;
  /** It did not end, but carried nothing more. */
  readonly silent: boolean;
}

export function noteSessionEnd(memory: PingMemory, end: SessionEnd, policy: PingPolicy): PingMemory {
  const { beforeMs, ...lived } = { ...memory, livedMs: memory.livedMs + end.livedMs };
  const quiet = end.gapMs >= policy.floorMs * policy.ratio;
  if (beforeMs !== undefined && quiet) {
    // The trial of a longer one failed; the next comes later.
    return { intervalMs: beforeMs, relaxAfterMs: Math.min(memory.relaxAfterMs * 2, policy.relaxAfterMaxMs), livedMs: 0, gapsMs: [] };
  }
  const still = beforeMs === undefined ? lived : { ...lived, beforeMs };
  if (!quiet || end.livedMs >= policy.survivedMs) return { ...still, gapsMs: [] };
  const last = memory.gapsMs.at(-1);
  const like = last !== undefined && Math.abs(last - end.gapMs) <= policy.likeRatio * Math.max(last, end.gapMs);
  if (!like) return { ...still, gapsMs: [end.gapMs] };
  const [ratio, floorMs] = end.silent ? [policy.silentRatio, policy.silentFloorMs] : [policy.ratio, policy.floorMs];
  const learntMs = Math.max(floorMs, Math.round(Math.min(last, end.gapMs) * ratio));
  const { intervalMs } = memory;
  if (intervalMs !== undefined && intervalMs <= learntMs) return { ...still, gapsMs: [end.gapMs] };
  return { ...lived, intervalMs: learntMs, livedMs: 0, gapsMs: [] };
}

/** An attempt came to no session: the network or the server is in trouble, and what died before may have died of that. */
export function noteFailedAttempt(memory: PingMemory): PingMemory {
  return memory.gapsMs.length === 0 ? memory : { ...memory, gapsMs: [] };
}

/** What is kept on disk; `undefined`: nothing was learnt. */
export function storedPing({ intervalMs, beforeMs, relaxAfterMs }: PingMemory): { readonly intervalMs: number; readonly relaxAfterMs: number } | undefined {
  const kept = beforeMs ?? intervalMs;
  return kept === undefined ? undefined : { intervalMs: kept, relaxAfterMs };
}

/** What was on disk, within its bounds; whatever else is there counts as nothing. */
export function pingFromStored(stored: Readonly<Record<string, unknown>> | undefined, policy: PingPolicy): PingMemory {
  const intervalMs = stored?.["intervalMs"];
  const relaxAfterMs = stored?.["relaxAfterMs"];
  if (!isMs(intervalMs) || !isMs(relaxAfterMs)) return freshPing(policy);
  return {
    ...freshPing(policy),
    intervalMs: Math.max(policy.floorMs, intervalMs),
    relaxAfterMs: Math.min(policy.relaxAfterMaxMs, Math.max(policy.relaxAfterMs, relaxAfterMs)),
  };
}

function isMs(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
