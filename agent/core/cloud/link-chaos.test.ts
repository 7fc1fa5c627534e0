import fc from "fast-check";
import { expect, test } from "vitest";
import { fail, ok } from "../../../platform/ports/result.ts";
import { answerWell, NONCE, welcomeOf, type Behaviour } from "./testing/scripted-transport.ts";
import { LinkBench } from "./testing/link-bench.ts";

const ENDPOINTS = ["wss://a.test/d", "wss://b.test/d", "wss://c.test/d"];
const DAY_MS = 86_400_000;

/** Servers that are down, slow, mute, hostile or confused, one per attempt. */
const WORLD: Readonly<Record<string, Behaviour>> = {
  dns: { connect: { code: "link.dns", message: "no such name" } },
  refused: { connect: { code: "link.refused", message: "nobody listens" } },
  tls: { connect: { code: "link.tls", message: "bad certificate" } },
  forbidden: { connect: { kind: "refused", reason: "not-authorised", code: "link.http-403", message: "no" } },
  full: { connect: { kind: "refused", reason: "too-busy", code: "link.http-503", message: "full", retryAfterMs: 40_000 } },
  moved: { connect: { kind: "refused", reason: "moved", code: "link.http-308", message: "moved", endpoint: "wss://elsewhere.test/d" } },
  hang: { connect: "hang" },
  mute: { opened: () => {} },
  babble: { opened: (peer) => { for (let i = 0; i < 50; i += 1) peer.raw("{]"); } },
  otherVersion: { opened: (peer) => peer.send({ t: "challenge", versions: [9], nonce: NONCE }) },
  dropsOnHello: { message: (peer) => peer.drop() },
  ignoresHello: { message: () => {} },
  busy: { message: (peer) => peer.send({ t: "refused", code: "refused.busy", message: "", retryAfterMs: 40_000 }) },
  eager: { message: (peer) => peer.send({ t: "refused", code: "refused.busy", message: "", retryAfterMs: 0 }) },
  sendsAwayAtOnce: { message: (peer, message) => { answerWell(peer, message); peer.send({ t: "goaway", reason: "", retryAfterMs: 0 }); } },
  never: { message: (peer) => peer.send({ t: "refused", code: "refused.blocked", message: "", retryAfterMs: 365 * DAY_MS }) },
  blocked: { message: (peer) => peer.send({ t: "refused", code: "refused.blocked", message: "" }) },
  dropsAtOnce: { message: (peer, message) => { answerWell(peer, message); peer.drop(); } },
  goesSilent: { message: (peer, message) => { if (message.t === "hello") answerWell(peer, message); } },
  sendsAway: { message: (peer, message) => { answerWell(peer, message); peer.send({ t: "goaway", reason: "", endpoint: "wss://elsewhere.test/d" }); } },
  sendsAwayForAYear: { message: (peer, message) => { answerWell(peer, message); peer.send({ t: "goaway", reason: "", retryAfterMs: 365 * DAY_MS }); } },
  pingsRarely: { message: (peer, message) => { if (message.t === "hello") peer.send(welcomeOf("s", { limits: { pingIntervalMs: 300_000 } })); } },
  floods: { message: (peer, message) => { answerWell(peer, message); for (let i = 0; i < 1_500; i += 1) peer.raw('{"t":"welcome"}'); } },
  well: {},
};

const chaos = fc.record({
  seed: fc.integer(),
  script: fc.array(fc.constantFrom(...Object.keys(WORLD)), { minLength: 1, maxLength: 30 }),
  acceptsOwner: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  endpoints: fc.integer({ min: 1, max: 3 }),
  nudges: fc.boolean(),
});

test("under any chaos there is one connection at a time and no storm, and the device is online in bounded time afterwards", async () => {
  await fc.assert(
    fc.asyncProperty(chaos, async ({ seed, script, acceptsOwner, endpoints, nudges }) => {
      const bench = await LinkBench.make({ seed, endpoints: ENDPOINTS.slice(0, endpoints) });
      let healed = false;
      bench.cloud.behave = (_url, attempt) => (healed ? {} : (WORLD[script[(attempt - 1) % script.length] ?? "well"] ?? {}));
      let asked = 0;
      bench.handlers.accept = async () => (healed || acceptsOwner[asked++ % acceptsOwner.length] ? ok(undefined) : fail("owner.key-mismatch", "another owner"));
      await bench.start();
      for (let minute = 0; minute < 30; minute += 1) {
        await bench.time.advance(60_000);
        if (nudges && minute % 3 === 0) bench.link.nudge();
        if (minute === 10) bench.time.stepWall(20 * 365 * DAY_MS);
        if (minute === 20) bench.time.stepWall(-40 * 365 * DAY_MS);
      }
      expect(mostIn(bench.cloud.attempts.map((attempt) => attempt.atMs), 60_000)).toBeLessThanOrEqual(24);
      healed = true;
      // The longest wait a server may impose is an hour plus jitter; a dying session takes some minutes more.
      await bench.time.advance(3_600_000 + 60_000 + 15 * 60_000);
      expect(bench.link.status()).toMatchObject({ kind: "online" });
      expect(bench.cloud.aliveMax).toBe(1);
      await bench.end();
      expect(bench.time.pending()).toEqual([]);
    }),
    { numRuns: 120 },
  );
}, 60_000);

test("a day's outage causes few attempts, and its end is noticed within minutes", async () => {
  const bench = await LinkBench.make({ seed: 3 });
  let healed = false;
  bench.cloud.behave = () => (healed ? {} : { connect: { code: "link.refused", message: "down" } });
  await bench.start(DAY_MS);
  expect(bench.cloud.attempts.length).toBeLessThan(800);
  healed = true;
  await bench.time.advance(310_000);
  expect(bench.link.status().kind).toBe("online");
  await bench.end();
});

/** Most times that fall into any window of the given length. */
function mostIn(timesMs: readonly number[], windowMs: number): number {
  return Math.max(0, ...timesMs.map((startMs) => timesMs.filter((timeMs) => timeMs >= startMs && timeMs < startMs + windowMs).length));
}
