import { describe, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { fail, ok } from "../../platform/ports/result.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { readAutoboot, writeAutoboot } from "./autoboot.ts";
import { judgeSlot, type SlotMachine } from "./slot-judge.ts";
import type { SlotOutcome, SlotRecord } from "./slot-record.ts";
import type { SlotStatus } from "./slot-state.ts";

const AUTOBOOT = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n";
const GOOD: SlotStatus = { isClaimed: true, isOnline: true, verdict: "showing", hasPlayer: true };

class PowerCut extends Error {}

/** A Raspberry Pi with two slots: the firmware starts what `autoboot.txt` says, and tries the other one once. */
class FakePi implements SlotMachine {
  text: string | undefined = AUTOBOOT;
  stored: SlotRecord | undefined;
  boots = 0;
  tries = true;
  /** The power is cut in place of this write. */
  cutAt = Infinity;
  writes = 0;
  readonly rebooted: string[] = [];

  /** Which boot partition the firmware started. */
  get slot(): number | undefined {
    const read = readAutoboot(this.text ?? "");
    return read.ok ? (this.tries ? read.value.attempt : read.value.ordinary) : undefined;
  }

  /** Off and on: an ordinary boot. */
  start(): void {
    this.boots += 1;
    this.tries = false;
  }

  bootId = (): Promise<string> => Promise.resolve(`boot-${this.boots}`);
  isTry = (): Promise<boolean> => Promise.resolve(this.tries);
  autoboot = (): Promise<string | undefined> => Promise.resolve(this.text);
  record = (): Promise<SlotRecord | undefined> => Promise.resolve(this.stored);
  writeAutoboot = (text: string): Promise<void> => this.#write(() => (this.text = text));
  writeRecord = (record: SlotRecord): Promise<void> => this.#write(() => (this.stored = record));
  /** What becomes of the next requests for a reboot, in order; then the machine reboots. */
  readonly rebootAnswers: ("refused" | "hangs")[] = [];
  reboot = async () => {
    const answer = this.rebootAnswers.shift();
    if (answer !== undefined) this.rebooted.push(answer);
    if (answer === "refused") return fail("program.failed", "systemctl reboot: refused");
    if (answer === "hangs") return ok(undefined);
    await this.#write(() => this.rebooted.push(`from ${String(this.slot)}`));
    throw new PowerCut();
  };

  #write(effect: () => unknown): Promise<void> {
    this.writes += 1;
    if (this.writes === this.cutAt) return Promise.reject(new PowerCut());
    effect();
    return Promise.resolve();
  }
}

/** The agent's queue outlives both slots. */
class FakeAgent {
  status_: SlotStatus | undefined = GOOD;
  isReachable = true;
  readonly stored = new Map<string, SlotOutcome[]>();

  status = (): Promise<SlotStatus | undefined> => Promise.resolve(this.status_);
  report = (id: string, outcome: SlotOutcome) => {
    if (!this.isReachable) return Promise.resolve(fail("local.no-agent", "no agent"));
    // As the outbox does with a repeated key.
    if (!this.stored.has(id)) this.stored.set(id, [outcome]);
    return Promise.resolve(ok(undefined));
  };
  get outcomes(): readonly string[] {
    return [...this.stored.values()].flat().map(({ state, code }) => (code === undefined ? state : `${state} ${code}`));
  }
}

/** Runs the judge until it ends, the power is cut, or `ms` are over. */
async function judge(pi: FakePi, agent: FakeAgent, ms = 3_600_000): Promise<"ended" | "power cut" | "goes on"> {
  const time = new VirtualTime({ monotonicMs: 0 });
  const stop = new AbortController();
  const over: { end?: "ended" | "power cut" } = {};
  const run = judgeSlot({ machine: pi, agent, clock: time, timers: time, log: silentLog, deadlineMs: 600_000, holdMs: 60_000, lookMs: 2_000 }, stop.signal).then(
    () => {
      over.end = "ended";
    },
    (thrown: unknown) => {
      if (!(thrown instanceof PowerCut)) throw thrown;
      over.end = "power cut";
    },
  );
  for (let passed = 0; over.end === undefined && passed < ms; passed += 2_000) await time.advance(2_000);
  if (over.end === undefined) stop.abort();
  const end = over.end ?? "goes on";
  await run;
  return end;
}

describe("the judge of an A/B image's slots", () => {
  test("a new slot that shows its picture and reached the cloud becomes the default after the hold, and is reported once", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    expect(await judge(pi, agent, 50_000)).toBe("goes on");
    expect(pi.text).toBe(AUTOBOOT);
    expect(await judge(pi, agent)).toBe("ended");
    expect(pi.text).toBe("[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n");
    expect([agent.outcomes, pi.stored?.reported]).toEqual([["confirmed"], true]);
    pi.start();
    expect([pi.slot, await judge(pi, agent), agent.outcomes]).toEqual([3, "ended", ["confirmed"]]);
  });

  test("started again within the same boot after it is done, it does nothing", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    await judge(pi, agent);
    const before = pi.text;
    expect(await judge(pi, agent)).toBe("ended");
    expect([pi.text, agent.outcomes]).toEqual([before, ["confirmed"]]);
  });

  test.each<readonly [string, string, SlotStatus | undefined]>([
    ["a frozen screen", "update.picture-worse", { ...GOOD, verdict: "frozen" }],
    ["a dark screen", "update.picture-worse", { ...GOOD, verdict: "dark" }],
    ["an unknown screen", "update.picture-worse", { ...GOOD, verdict: "unknown" }],
    ["no verdict", "update.picture-worse", { isClaimed: true, isOnline: true, hasPlayer: true }],
    ["no player behind a screen that is dark on purpose", "update.picture-worse", { ...GOOD, verdict: "dark-expected", hasPlayer: false }],
    ["no cloud", "update.cloud-not-reached", { ...GOOD, isOnline: false }],
    ["no agent", "update.picture-worse", undefined],
  ])("a new slot with %s is refused at the deadline: the old one comes back and the outcome is reported once", async (_name, code, status) => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    agent.status_ = status;
    expect(await judge(pi, agent, 590_000)).toBe("goes on");
    expect(pi.rebooted).toEqual([]);
    expect(await judge(pi, agent)).toBe("power cut");
    expect([pi.rebooted, pi.text]).toEqual([["from 3"], AUTOBOOT]);
    pi.start();
    expect([pi.slot, await judge(pi, agent), agent.outcomes, pi.stored?.reported]).toEqual([2, "ended", [`refused ${code}`], true]);
  });

  test("an agent that cannot take the outcome in the refused slot gets it in the old one", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    Object.assign(agent, { status_: undefined, isReachable: false });
    expect(await judge(pi, agent)).toBe("power cut");
    expect(agent.outcomes).toEqual([]);
    pi.start();
    expect(await judge(pi, agent, 60_000)).toBe("goes on");
    agent.isReachable = true;
    expect([await judge(pi, agent), agent.outcomes]).toEqual(["ended", ["refused update.picture-worse"]]);
  });

  test("a screen that is good only now and then is not held for long enough, and one that gets good late is", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    let look = 0;
    agent.status = () => Promise.resolve((look += 1) % 20 === 0 ? { ...GOOD, verdict: "blank" } : GOOD);
    // 38 s good, then 2 s not.
    expect(await judge(pi, agent)).toBe("power cut");
    const [other, late] = [new FakePi(), new FakeAgent()];
    let count = 0;
    late.status = () => Promise.resolve((count += 1) > 265 ? GOOD : undefined);
    expect([await judge(other, late), late.outcomes]).toEqual(["ended", ["confirmed"]]);
  });

  test("an unclaimed device needs no cloud, and a screen that is dark on purpose is good", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    agent.status_ = { isClaimed: false, isOnline: false, verdict: "dark-expected", hasPlayer: true };
    expect([await judge(pi, agent), agent.outcomes]).toEqual(["ended", ["confirmed"]]);
  });

  test("a refused slot whose reboot hangs is rebooted again by the same process", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    agent.status_ = undefined;
    pi.rebootAnswers.push("hangs", "hangs");
    expect([await judge(pi, agent), pi.rebooted]).toEqual(["power cut", ["hangs", "hangs", "from 3"]]);
  });

  test("a refused slot whose reboot is refused, or whose judge ends before it, is rebooted by the next process", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    Object.assign(agent, { status_: undefined, isReachable: false });
    pi.rebootAnswers.push("refused");
    // As systemd starts it again.
    expect([await judge(pi, agent), pi.rebooted]).toEqual(["ended", ["refused"]]);
    // Stopped while it tries to report.
    expect([await judge(pi, agent, 8_000), pi.rebooted]).toEqual(["goes on", ["refused"]]);
    agent.isReachable = true;
    expect([await judge(pi, agent), pi.rebooted]).toEqual(["power cut", ["refused", "from 3"]]);
    pi.start();
    expect([pi.slot, await judge(pi, agent), agent.outcomes]).toEqual([2, "ended", ["refused update.picture-worse"]]);
  });

  test("an outcome that nobody took yet does not keep a new try from being judged, and is reported with it", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    Object.assign(agent, { status_: undefined, isReachable: false });
    for (let round = 0; round < 2; round += 1) {
      expect(await judge(pi, agent)).toBe("power cut");
      pi.start();
      pi.tries = true;
    }
    Object.assign(agent, { status_: GOOD, isReachable: true });
    expect([await judge(pi, agent), pi.slot, pi.stored?.reported]).toEqual(["ended", 2, true]);
    expect([...agent.stored].map(([id, [outcome]]) => `${id} ${outcome?.state ?? ""}`)).toEqual(["boot-0 refused", "boot-1 refused", "boot-2 confirmed"]);
  });

  test("a slot that hangs until the watchdog resets the machine is reported by the old one", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    agent.status_ = undefined;
    expect(await judge(pi, agent, 100_000)).toBe("goes on");
    pi.start();
    expect([pi.slot, await judge(pi, agent), agent.outcomes, pi.stored?.reported]).toEqual([2, "ended", ["refused slot.not-confirmed"], true]);
  });

  test.each(["good", "bad"] as const)("with a %s new slot and the power cut at any write, one outcome is reported and it is that of the slot that runs", async (kind) => {
    const cuts: string[] = [];
    for (let cutAt = 1; ; cutAt += 1) {
      const [pi, agent] = [new FakePi(), new FakeAgent()];
      if (kind === "bad") agent.status_ = { ...GOOD, verdict: "frozen" };
      pi.cutAt = cutAt;
      const end = await judge(pi, agent);
      if (pi.writes < cutAt) break;
      expect(end).toBe("power cut");
      pi.start();
      agent.status_ = GOOD;
      expect(await judge(pi, agent)).toBe("ended");
      cuts.push(`slot ${String(pi.slot)}: ${agent.outcomes.join(", ")}`);
      expect(pi.stored?.reported).toBe(cutAt === 1 ? undefined : true);
    }
    // Cut before the record: nobody knows that there was a trial, and nothing has changed.
    const refused = "slot 2: refused slot.not-confirmed";
    expect(cuts).toEqual(
      kind === "good"
        ? ["slot 2: ", refused, "slot 3: confirmed", "slot 3: confirmed"]
        : ["slot 2: ", refused, "slot 2: refused update.picture-worse"],
    );
  });

  test("a file that cannot be read confirms nothing, changes nothing and reboots nothing", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    pi.text = "[all]\nboot_partition=2\n";
    expect(await judge(pi, agent)).toBe("ended");
    expect([pi.text, pi.rebooted, pi.writes]).toEqual(["[all]\nboot_partition=2\n", [], 0]);
  });

  test("on a machine without slots, and on an ordinary boot, it ends at once", async () => {
    const [pi, agent] = [new FakePi(), new FakeAgent()];
    pi.text = undefined;
    expect([await judge(pi, agent, 2_000), pi.writes]).toEqual(["ended", 0]);
    pi.text = AUTOBOOT;
    pi.start();
    expect([await judge(pi, agent, 2_000), pi.writes, agent.outcomes]).toEqual(["ended", 0, []]);
  });
});

describe("autoboot.txt", () => {
  test("other lines and comments stay as they are", () => {
    const text = "# by hand\n[all]\n tryboot_a_b = 1\nboot_partition=2\n[cm5]\nboot_partition=7\n[tryboot]\nboot_partition=3";
    expect(readAutoboot(text)).toEqual({ ok: true, value: { ordinary: 2, attempt: 3 } });
    expect(writeAutoboot(text, { ordinary: 3, attempt: 2 })).toEqual({ ok: true, value: text.replace("boot_partition=2", "boot_partition=@").replace("boot_partition=3", "boot_partition=2").replace("@", "3") });
  });

  test("a file that the firmware would not read to its end is not written", () => {
    const text = `${AUTOBOOT}#${"x".repeat(600)}`;
    expect(writeAutoboot(text, { ordinary: 3, attempt: 2 })).toMatchObject({ ok: false, error: { code: "slot.autoboot" } });
  });
});
