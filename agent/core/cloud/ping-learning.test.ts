import { describe, expect, test } from "vitest";
import type { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { DEFAULT_PING_POLICY as POLICY, freshPing, lookAgain, lookAgainMs, noteSessionEnd, pingFromStored, pingIntervalOf, storedPing, type PingMemory } from "./ping-learning.ts";
import { answerWell, type Peer } from "./testing/scripted-transport.ts";
import { LinkBench } from "./testing/link-bench.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A load balancer that cuts idle connections. `mute`: it drops frames silently instead of closing. */
class Balancer {
  idleMs: number | undefined;
  mute = false;
  pings = 0;
  onlineMs = 0;
  readonly bench: LinkBench;
  readonly #movedMs = new Map<Peer, number>();

  private constructor(bench: LinkBench) {
    this.bench = bench;
    bench.cloud.behave = () => ({
      message: (peer, message) => {
        if (this.mute && this.#isOver(peer)) return;
        this.#movedMs.set(peer, bench.time.monotonicMs());
        if (message.t === "ping") this.pings += 1;
        answerWell(peer, message);
      },
    });
  }

  static async make(idleMs: number, options: { readonly mute?: boolean; readonly before?: LinkBench } = {}): Promise<Balancer> {
    const bench = await LinkBench.make(options.before === undefined ? {} : { time: options.before.time, over: { documents: options.before.documents } });
    const balancer = new Balancer(bench);
    balancer.idleMs = idleMs;
    balancer.mute = options.mute ?? false;
    await bench.start(0);
    return balancer;
  }

  /** Runs second by second; returns the fraction of the time online, 0 to 1. */
  async pass(ms: number): Promise<number> {
    const time: VirtualTime = this.bench.time;
    this.onlineMs = 0;
    this.pings = 0;
    for (let left = ms; left > 0; left -= 1_000) {
      await time.advance(1_000);
      if (this.bench.link.status().kind === "online") this.onlineMs += 1_000;
      const { peers } = this.bench.cloud;
      const peer = peers.at(-1);
      if (!this.mute && peer?.open === true && this.#isOver(peer)) peer.drop();
    }
    return this.onlineMs / ms;
  }

  #isOver(peer: Peer): boolean {
    return this.idleMs !== undefined && this.bench.time.monotonicMs() - (this.#movedMs.get(peer) ?? Number.POSITIVE_INFINITY) >= this.idleMs;
  }
}

describe("a load balancer that cuts idle connections", () => {
  test("after 30 s cuts none, because pings come earlier", async () => {
    const balancer = await Balancer.make(30_000);
    expect(await balancer.pass(HOUR_MS)).toBe(1);
    expect(balancer.bench.cloud.attempts).toHaveLength(1);
    await balancer.bench.end();
  });

  test.each([20_000, 12_000, 8_000])("after %i ms costs two short sessions, and then none", async (idleMs) => {
    const balancer = await Balancer.make(idleMs);
    await balancer.pass(180_000);
    const attempts = balancer.bench.cloud.attempts.length;
    expect(attempts).toBeLessThanOrEqual(3);
    expect(await balancer.pass(HOUR_MS)).toBe(1);
    expect(balancer.bench.cloud.attempts).toHaveLength(attempts);
    await balancer.bench.end();
  });

  test("without closing them is learned too", async () => {
    const balancer = await Balancer.make(20_000, { mute: true });
    await balancer.pass(600_000);
    expect(await balancer.pass(HOUR_MS)).toBe(1);
    await balancer.bench.end();
  });

  test("is remembered after a restart, without losing another session", async () => {
    const first = await Balancer.make(20_000);
    await first.pass(180_000);
    await first.bench.end();
    const second = await Balancer.make(20_000, { before: first.bench });
    expect(await second.pass(HOUR_MS)).toBeGreaterThan(0.99);
    expect(second.bench.cloud.attempts).toHaveLength(1);
    await second.bench.end();
  });

  test("and disappears is noticed: the interval grows back, with a few disk writes a week", async () => {
    const balancer = await Balancer.make(20_000);
    await balancer.pass(180_000);
    const { puts } = balancer.bench.documents;
    await balancer.pass(600_000);
    expect(balancer.pings).toBeGreaterThanOrEqual(39);
    balancer.idleMs = undefined;
    await balancer.bench.time.advance(3.5 * DAY_MS);
    await balancer.pass(600_000);
    expect(balancer.pings).toBeLessThanOrEqual(24);
    expect(balancer.bench.cloud.attempts.length).toBeLessThanOrEqual(3);
    expect(balancer.bench.documents.puts - puts).toBeLessThanOrEqual(5);
    await balancer.bench.end();
  });
});

describe("the learned interval", () => {
  const end = (memory: PingMemory, gapMs: number, livedMs = gapMs): PingMemory => noteSessionEnd(memory, { gapMs, livedMs, silent: false }, POLICY);

  test("needs two similar ends in a row; busy ends, long sessions and differing gaps teach nothing", () => {
    const fresh = freshPing(POLICY);
    expect(pingIntervalOf(end(end(fresh, 20_000), 20_500), 25_000)).toBe(15_000);
    for (const [first, second] of [[20_000, 9_000], [20_000, 100]] as const) expect(end(end(fresh, first), second).intervalMs).toBeUndefined();
    expect(end(end(end(fresh, 20_000), 100), 20_000).intervalMs).toBeUndefined();
    expect(end(end(fresh, 20_000, HOUR_MS), 20_000, HOUR_MS).intervalMs).toBeUndefined();
  });

  test("is never below the floor or above the cloud's, and a longer one does not replace a shorter", () => {
    const short = end(end(freshPing(POLICY), 4_000), 4_000);
    expect(short.intervalMs).toBe(POLICY.floorMs);
    expect(pingIntervalOf({ ...short, intervalMs: 60_000 }, 25_000)).toBe(25_000);
    expect(end(end(short, 20_000), 20_000).intervalMs).toBe(POLICY.floorMs);
  });

  test("is lengthened on trial after a day online; after a failed trial the next comes later", () => {
    const learnt = end(end(freshPing(POLICY), 20_000), 20_000);
    expect(lookAgainMs(learnt, 0, POLICY)).toBe(DAY_MS);
    const trial = lookAgain(learnt, 25_000, POLICY);
    expect([trial.intervalMs, lookAgainMs(trial, 0, POLICY)]).toEqual([18_750, POLICY.trialMs]);
    expect(storedPing(trial)?.intervalMs).toBe(15_000);
    const failed = end(trial, 18_750);
    expect(failed).toMatchObject({ intervalMs: 15_000, relaxAfterMs: 2 * DAY_MS });
    expect(lookAgain(trial, 25_000, POLICY)).toMatchObject({ intervalMs: 18_750 });
    expect(storedPing(lookAgain(trial, 25_000, POLICY))?.intervalMs).toBe(18_750);
  });

  test("is read from disk within its bounds, whatever is stored there", () => {
    expect(pingFromStored({ intervalMs: 1, relaxAfterMs: 1 }, POLICY)).toMatchObject({ intervalMs: POLICY.floorMs, relaxAfterMs: POLICY.relaxAfterMs });
    for (const stored of [undefined, {}, { intervalMs: "x", relaxAfterMs: 1 }, { intervalMs: -5, relaxAfterMs: 1 }]) expect(pingFromStored(stored, POLICY)).toEqual(freshPing(POLICY));
  });
});
