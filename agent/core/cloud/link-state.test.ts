import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { ENDPOINT_SCHEMES as schemes } from "../../protocol/values.ts";
import { DEFAULT_LINK_POLICY as POLICY } from "./link-policy.ts";
import { initialLinkState, nextTickMs, stepLink, type LinkEffect, type LinkEvent, type LinkState } from "./link-state.ts";
import type { LinkIssue } from "./cloud-port.ts";

const A = "wss://a.test/";
const B = "wss://b.test/";
const random = new SeededRandom(7);
const lost: LinkIssue = { code: "link.network", message: "gone" };

/** The state machine with a clock and a record of its effects. */
class Machine {
  state: LinkState;
  nowMs = 1_000;
  heardMs = 0;
  sentMs = 0;
  pongMs = Number.NEGATIVE_INFINITY;
  readonly effects: LinkEffect[] = [];
  policy = POLICY;

  constructor(...urls: string[]) {
    this.state = initialLinkState(urls, this.nowMs);
  }

  event(event: LinkEvent): this {
    const { state, effects } = stepLink(this.state, event, { nowMs: this.nowMs, policy: this.policy, random, schemes });
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  get attempt(): number {
    return this.state.attempt;
  }

  /** Lets time pass, ticking whenever it is due. */
  pass(ms: number): this {
    const endMs = this.nowMs + ms;
    for (let ticks = 0; ; ticks += 1) {
      if (ticks > 10_000) throw new Error("ticks without end");
      const dueMs = nextTickMs(this.state, this.heardMs, this.sentMs, POLICY);
      if (dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.event({ kind: "tick", heardMs: this.heardMs, sentMs: this.sentMs, pongMs: this.pongMs });
    }
    this.nowMs = endMs;
    return this;
  }

  untilConnecting(): this {
    for (let i = 0; i < 10_000 && this.state.phase.kind !== "connecting"; i += 1) this.pass(1_000);
    return this;
  }

  /** Completes the handshake at once. */
  welcome(): this {
    this.untilConnecting();
    const { attempt } = this;
    for (const kind of ["opened", "challenged", "hello-sent"] as const) this.event({ kind, attempt });
    this.hear();
    return this.event({ kind: "welcomed", attempt, session: "s" });
  }

  hear(): this {
    this.heardMs = this.nowMs;
    this.sentMs = this.nowMs;
    this.pongMs = this.nowMs;
    return this;
  }

  /** Keeps a healthy session for a time. */
  live(ms: number): this {
    for (let left = ms; left > 0; left -= 5_000) this.pass(Math.min(5_000, left)).hear();
    return this;
  }

  dialed(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === "connect" ? [effect.endpoint] : []));
  }

  waitMs(): number {
    return this.state.phase.kind === "waiting" ? this.state.phase.untilMs - this.nowMs : -1;
  }
}

const started = (...urls: string[]): Machine => new Machine(...urls).event({ kind: "start", spreadMs: 0 }).pass(0);

describe("the link's schedule", () => {
  test("waits grow with each network failure up to the cap; only a stable session resets them", () => {
    const machine = started(A);
    for (let i = 0; i < 12; i += 1) machine.untilConnecting().event({ kind: "lost", attempt: machine.attempt, error: lost });
    expect(machine.state.book[0]?.failures).toBe(12);
    expect(machine.waitMs()).toBeLessThanOrEqual(POLICY.failure.capMs);
    machine.welcome().live(50_000).event({ kind: "lost", attempt: machine.attempt, error: lost });
    expect(machine.state.book[0]?.failures).toBe(13);
    machine.welcome().live(61_000).event({ kind: "lost", attempt: machine.attempt, error: lost });
    expect(machine.state.book[0]?.failures).toBe(1);
    expect(machine.waitMs()).toBeLessThanOrEqual(POLICY.failure.firstMs);
  });

  test("refusals use the slow schedule and failures the fast one, whatever their codes", () => {
    const wait = (kind: "lost" | "refused"): number => {
      const machine = started(A);
      return machine.event({ kind, attempt: machine.attempt, error: { code: "link.network", message: "" } }).waitMs();
    };
    expect(wait("refused")).toBeGreaterThanOrEqual(POLICY.refusal.floorMs);
    expect(wait("lost")).toBeLessThanOrEqual(POLICY.failure.firstMs);
  });

  test("a refusal that names a new endpoint is followed once, like a goaway", () => {
    const machine = started(A);
    machine.event({ kind: "refused", attempt: machine.attempt, error: { code: "link.http-308", message: "", refusal: "moved" }, endpoint: B });
    expect(machine.state.lastError).toMatchObject({ code: "link.http-308", refusal: "moved" });
    expect(machine.waitMs()).toBeLessThanOrEqual(POLICY.failover.capMs);
    machine.untilConnecting();
    expect(machine.dialed()).toEqual([A, B]);
    machine.event({ kind: "lost", attempt: machine.attempt, error: lost }).untilConnecting();
    expect(machine.dialed().at(-1)).toBe(A);
    const out = started(A);
    out.event({ kind: "refused", attempt: out.attempt, error: lost, endpoint: "ws://plain.test/" }).untilConnecting();
    expect(out.dialed()).toEqual([A, A]);
  });

  test("an address with a scheme that the transport does not support is not followed", () => {
    const machine = started(A).welcome();
    machine.event({ kind: "goaway", attempt: machine.attempt, reason: "", endpoint: "https://b.test/" }).untilConnecting();
    expect(machine.dialed()).toEqual([A, A]);
  });

  test("retryAfterMs replaces the device's own schedule, with jitter, up to its limit", () => {
    const machine = started(A);
    machine.event({ kind: "refused", attempt: machine.attempt, error: lost, retryAfterMs: 100_000 });
    expect(machine.waitMs()).toBeGreaterThanOrEqual(100_000);
    expect(machine.waitMs()).toBeLessThanOrEqual(125_000);
    const year = started(A);
    year.event({ kind: "refused", attempt: year.attempt, error: lost, retryAfterMs: 365 * 86_400_000 });
    expect(year.waitMs()).toBeLessThanOrEqual(POLICY.retryAfterMaxMs + POLICY.retryAfterJitterMaxMs);
  });

  test("a short retryAfterMs replaces a longer schedule, for a refusal and a goaway, but cannot cause a storm", () => {
    const machine = started(A);
    for (let i = 0; i < 8; i += 1) machine.untilConnecting().event({ kind: "lost", attempt: machine.attempt, error: lost });
    for (let i = 0; i < POLICY.retryAfterShorterMax; i += 1) {
      machine.untilConnecting().event({ kind: "refused", attempt: machine.attempt, error: lost, retryAfterMs: 1_000 });
      expect(machine.waitMs()).toBeGreaterThanOrEqual(1_000);
      expect(machine.waitMs()).toBeLessThanOrEqual(1_250);
    }
    const waits = Array.from({ length: 20 }, () => machine.untilConnecting().event({ kind: "refused", attempt: machine.attempt, error: lost, retryAfterMs: 0 }).waitMs());
    expect(Math.max(...waits)).toBeGreaterThan(30_000);
    machine.welcome().live(62_000).event({ kind: "goaway", attempt: machine.attempt, reason: "", retryAfterMs: 500 });
    expect(machine.waitMs()).toBeGreaterThanOrEqual(500);
    expect(machine.waitMs()).toBeLessThanOrEqual(625);
    machine.welcome().event({ kind: "goaway", attempt: machine.attempt, reason: "", retryAfterMs: 0 });
    expect(machine.waitMs()).toBeGreaterThanOrEqual(POLICY.failure.floorMs);
    expect(machine.waitMs()).toBeLessThanOrEqual(POLICY.failure.floorMs * 1.25);
  });

  test("an endpoint that is down does not slow the other, and the device returns to the preferred one", () => {
    const machine = started(A, B);
    machine.event({ kind: "lost", attempt: machine.attempt, error: lost }).untilConnecting();
    expect(machine.dialed()).toEqual([A, B]);
    machine.welcome().live(POLICY.preferredReturn.firstMs + 60_000);
    expect(machine.dialed().slice(0, 3)).toEqual([A, B, A]);
    expect(machine.effects.find((effect) => effect.kind === "close" && effect.bye === "reconnecting")).toBeDefined();
    const failedReturn = machine.event({ kind: "lost", attempt: machine.attempt, error: lost }).welcome();
    expect(failedReturn.dialed()[3]).toBe(B);
    expect(failedReturn.state.returns).toBe(1);
  });

  test("a goaway's endpoint is followed for one attempt, and a circle of them is not followed forever", () => {
    const machine = started(A);
    for (let hop = 1; hop <= 6; hop += 1) {
      machine.welcome().event({ kind: "goaway", attempt: machine.attempt, reason: "", endpoint: `wss://hop-${hop}.test/` });
    }
    machine.untilConnecting();
    expect(machine.dialed()).toEqual([A, "wss://hop-1.test/", "wss://hop-2.test/", "wss://hop-3.test/", A, A, A]);
    machine.welcome().live(61_000).event({ kind: "goaway", attempt: machine.attempt, reason: "", endpoint: B }).untilConnecting();
    expect(machine.dialed().at(-1)).toBe(B);
    machine.event({ kind: "lost", attempt: machine.attempt, error: lost }).untilConnecting();
    expect(machine.dialed().at(-1)).toBe(A);
  });

  test("a goaway never leads out of TLS", () => {
    const away = started(A).welcome();
    away.event({ kind: "goaway", attempt: away.attempt, reason: "", endpoint: "ws://plain.test/" }).untilConnecting();
    expect(away.dialed()).toEqual([A, A]);
  });

  test("a goaway leads from plain text only to loopback or TLS, unless plain text is allowed", () => {
    const home = "ws://127.0.0.1:1/";
    const lan = "ws://10.0.0.5/";
    const followed = (endpoint: string, policy = POLICY): string | undefined => {
      const machine = started(home).welcome();
      machine.policy = policy;
      return machine.event({ kind: "goaway", attempt: machine.attempt, reason: "", endpoint }).untilConnecting().dialed().at(-1);
    };
    expect([followed(lan), followed("ws://[::1]:2/"), followed(A), followed("nonsense")]).toEqual([home, "ws://[::1]:2/", A, home]);
    expect(followed(lan, { ...POLICY, plainAllowed: true })).toBe(lan);
  });

  test("the first attempt's delay is random and bounded, and a change of endpoints does not skip it", () => {
    const waits = Array.from({ length: 50 }, () => new Machine(A).event({ kind: "start", spreadMs: 600_000 }).waitMs());
    expect(Math.max(...waits)).toBeLessThanOrEqual(600_000);
    expect(new Set(waits).size).toBeGreaterThan(40);
    const machine = new Machine(A).event({ kind: "start", spreadMs: 600_000 });
    const wait = machine.waitMs();
    expect(machine.event({ kind: "endpoints", urls: [B] }).waitMs()).toBe(wait);
  });

  test("a nudge shortens a wait after a network failure, but not a retryAfterMs or a wait after a refusal", () => {
    const machine = started(A);
    for (let i = 0; i < 10; i += 1) machine.untilConnecting().event({ kind: "lost", attempt: machine.attempt, error: lost });
    expect(machine.event({ kind: "nudge" }).waitMs()).toBeLessThanOrEqual(POLICY.failover.capMs);
    const asked = started(A);
    asked.event({ kind: "refused", attempt: asked.attempt, error: lost, retryAfterMs: 100_000 }).event({ kind: "nudge" });
    expect(asked.waitMs()).toBeGreaterThanOrEqual(100_000);
    const refused = started(A);
    refused.event({ kind: "refused", attempt: refused.attempt, error: lost }).event({ kind: "nudge" });
    expect(refused.waitMs()).toBeGreaterThanOrEqual(POLICY.refusal.floorMs);
  });

  test("a link to a server that sends but answers no ping is replaced", () => {
    const machine = started(A).welcome();
    for (let i = 0; i < 40 && machine.state.phase.kind === "online"; i += 1) {
      machine.pass(5_000);
      machine.heardMs = machine.nowMs;
      if (machine.state.phase.kind === "online") machine.sentMs = machine.state.phase.pingedMs;
    }
    expect(machine.state.lastError?.code).toBe("link.unanswered");
  });

  test("a device that sends constantly to a silent server still pings, and detects the silence", () => {
    const machine = started(A).welcome();
    for (let i = 0; i < 40 && machine.state.phase.kind === "online"; i += 1) {
      machine.pass(2_000);
      machine.sentMs = machine.nowMs;
    }
    expect(machine.effects.filter((effect) => effect.kind === "ping").length).toBeGreaterThanOrEqual(2);
    expect(machine.state.lastError?.code).toBe("link.silent");
  });

  test("without an endpoint it waits until there is one", () => {
    const machine = started();
    machine.pass(3_600_000);
    expect(machine.dialed()).toEqual([]);
    machine.event({ kind: "endpoints", urls: [A] }).pass(0);
    expect(machine.dialed()).toEqual([A]);
  });

  test("changing the endpoints keeps a connection that is still listed, and the schedules of endpoints that stay", () => {
    const machine = started(A, B).welcome();
    machine.event({ kind: "endpoints", urls: [B, A] });
    expect(machine.state.phase).toMatchObject({ kind: "online", endpoint: A });
    expect(machine.state.phase).toHaveProperty("returnAtMs");
    machine.event({ kind: "lost", attempt: machine.attempt, error: lost });
    const record = machine.state.book.find(({ url }) => url === A);
    for (let i = 0; i < 5; i += 1) machine.event({ kind: "endpoints", urls: [B] }).event({ kind: "endpoints", urls: [B, A] });
    expect(record?.failures).toBe(1);
    expect(machine.dialed()).toHaveLength(1);
  });
});

const anyEvent = (attempt: number): fc.Arbitrary<LinkEvent> => {
  const near = fc.constantFrom(attempt, attempt, attempt, attempt - 1, attempt + 1);
  const error = fc.constantFrom(lost, { code: "link.http-403", message: "", refusal: "not-authorised" }, { code: "link.silent", message: "" });
  const after = fc.option(fc.integer({ min: 0, max: 10_000_000_000 }), { nil: undefined });
  return fc.oneof(
    fc.record({ kind: fc.constantFrom("opened", "challenged", "hello-sent"), attempt: near }),
    fc.record({ kind: fc.constant("welcomed"), attempt: near, session: fc.constant("s"), pingIntervalMs: fc.option(fc.integer({ min: 5_000, max: 300_000 }), { nil: undefined }) }),
    fc.record({ kind: fc.constant("refused"), attempt: near, error, retryAfterMs: after, endpoint: fc.constantFrom(undefined, undefined, B, "wss://x.test/") }),
    fc.record({ kind: fc.constant("goaway"), attempt: near, reason: fc.constant(""), retryAfterMs: after, endpoint: fc.constantFrom(undefined, A, "wss://x.test/") }),
    fc.record({ kind: fc.constant("lost"), attempt: near, error }),
    fc.record({ kind: fc.constant("limited"), attempt: near, pingIntervalMs: fc.integer({ min: 5_000, max: 300_000 }) }),
    fc.record({ kind: fc.constant("endpoints"), urls: fc.constantFrom([A], [A, B], [B, A], []) }),
    fc.record({ kind: fc.constant("reconnect"), reason: fc.constantFrom("moving", "reconnecting") }),
    fc.constant({ kind: "nudge" }),
    fc.constant({ kind: "stop" }),
    fc.constant({ kind: "start", spreadMs: 60_000 }),
  ) as fc.Arbitrary<LinkEvent>;
};

describe("after any sequence of events", () => {
  test("at most one attempt is alive, each has a new number, and ticks never repeat endlessly", () => {
    const steps = fc.array(fc.record({ events: fc.infiniteStream(fc.nat()), pick: fc.nat(), passMs: fc.integer({ min: 0, max: 400_000 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer(), (script, seed) => {
        const machine = started(A, B);
        for (const { pick, passMs } of script) {
          const [event] = fc.sample(anyEvent(machine.attempt), { seed: seed + pick, numRuns: 1 });
          if (event !== undefined) machine.event(event);
          machine.pass(passMs);
        }
        expect(faultsOf(machine.effects)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

/** The effects that break the rule of one attempt at a time, each with the next number. */
function faultsOf(effects: readonly LinkEffect[]): string[] {
  const faults: string[] = [];
  let alive: number | undefined;
  let last = 0;
  for (const { kind, attempt } of effects) {
    if (kind === "connect") {
      if (alive !== undefined) faults.push(`attempt ${attempt} began while ${alive} was alive`);
      if (attempt !== last + 1) faults.push(`attempt ${attempt} follows ${last}`);
      [alive, last] = [attempt, attempt];
    } else if (attempt !== alive) faults.push(`${kind} of ${attempt}, which is not alive`);
    else if (kind === "close") alive = undefined;
  }
  return faults;
}
