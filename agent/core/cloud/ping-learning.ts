/**
 * Learns how often to ping when something between device and cloud cuts idle connections, as load balancers do after 20 or
 * 30 s. Learned from sessions that die while quiet, stored on disk, with longer intervals tried from time to time. Pure.
 */
export interface PingMemory {
  /** Learned interval; absent: that of the cloud or the configuration. */
  readonly intervalMs?: number;
  /** The previous learned interval, while a longer one is on trial. */
  readonly beforeMs?: number;
  /** Time online after which a longer interval is tried. Doubled by each failed trial. */
  readonly relaxAfterMs: number;
  /** The part of `relaxAfterMs` already spent, in ended sessions. */
  readonly livedMs: number;
  /** Quiet time before the end of the last sessions that died of it. */
  readonly gapsMs: readonly number[];
}

export interface PingPolicy {
  /** Shortest interval. */
  readonly floorMs: number;
  /** The interval as a fraction of the shortest gap that a session died of. */
  readonly ratio: number;
  /** The same for connections that went silent without closing. Their gap is only an upper bound, so the floor is higher. */
  readonly silentRatio: number;
  readonly silentFloorMs: number;
  /** Two gaps that differ by at most this fraction have the same cause. */
  readonly likeRatio: number;
  /** A session that lasted this long was not cut for being quiet. */
  readonly survivedMs: number;
  readonly relaxAfterMs: number;
  readonly relaxAfterMaxMs: number;
  readonly relaxFactor: number;
  /** A longer interval is kept when it worked for this long. */
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

/** The interval to use. `toldMs`: that of the cloud or the configuration. */
export function pingIntervalOf({ intervalMs }: PingMemory, toldMs: number): number {
  return Math.min(toldMs, intervalMs ?? toldMs);
}

/** When `lookAgain` is due, counted from `sinceMs`. */
export function lookAgainMs(memory: PingMemory, sinceMs: number, policy: PingPolicy): number {
  if (memory.beforeMs !== undefined) return sinceMs + policy.trialMs;
  return memory.intervalMs === undefined ? Number.POSITIVE_INFINITY : sinceMs + Math.max(0, memory.relaxAfterMs - memory.livedMs);
}

/** Call when due: ends a trial as successful, or begins one with a longer interval. */
export function lookAgain(memory: PingMemory, toldMs: number, policy: PingPolicy): PingMemory {
  const { beforeMs, ...rest } = memory;
  if (beforeMs !== undefined) return { ...rest, livedMs: 0 };
  const { intervalMs, ...longest } = rest;
  if (intervalMs === undefined) return memory;
  const longerMs = Math.round(intervalMs * policy.relaxFactor);
  return longerMs >= toldMs ? { ...longest, beforeMs: intervalMs, livedMs: 0 } : { ...rest, intervalMs: longerMs, beforeMs: intervalMs, livedMs: 0 };
}

/** End of a session that neither the device nor the cloud ended on purpose. */
export interface SessionEnd {
  readonly livedMs: number;
  /** Time since the last frame in either direction. */
  readonly gapMs: number;
  /** The connection went silent without closing. */
  readonly silent: boolean;
}

export function noteSessionEnd(memory: PingMemory, end: SessionEnd, policy: PingPolicy): PingMemory {
  const { beforeMs, ...lived } = { ...memory, livedMs: memory.livedMs + end.livedMs };
  const quiet = end.gapMs >= policy.floorMs * policy.ratio;
  if (beforeMs !== undefined && quiet) {
    // The trial failed; wait longer before the next.
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

/** An attempt failed: the network or the server is in trouble, which may also have ended the earlier sessions. */
export function noteFailedAttempt(memory: PingMemory): PingMemory {
  return memory.gapsMs.length === 0 ? memory : { ...memory, gapsMs: [] };
}

/** The stored form; `undefined` when nothing was learned. */
export function storedPing({ intervalMs, beforeMs, relaxAfterMs }: PingMemory): { readonly intervalMs: number; readonly relaxAfterMs: number } | undefined {
  const kept = beforeMs ?? intervalMs;
  return kept === undefined ? undefined : { intervalMs: kept, relaxAfterMs };
}

/** Reads the stored form, clamped to its bounds. Anything invalid counts as nothing learned. */
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
