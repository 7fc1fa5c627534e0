import { describe, expect, test } from "vitest";
import type { DesiredDocument } from "../../protocol/desired.ts";
import type { Signed } from "../../protocol/signed.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { seen, type Reading } from "../../../platform/ports/reading.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { DesiredKeyHandler, Wanted } from "./desired-key.ts";
import { DesiredState } from "./desired-state.ts";
import { ManualOverrides } from "./manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "./testing/fakes.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";

const DEVICE = "0123456789abcdef0123456789abcdef";

/** Handler of one value, which obeys or fails in a chosen way. */
class Thing implements DesiredKeyHandler {
  readonly key: string;
  readonly lane: string;
  readonly worstCaseMs = 1_000;
  value: Json = "off";
  mood: "obeys" | "deaf" | "hangs" | "throws" = "obeys";
  applied: Json[] = [];
  visible = true;
  aborted = 0;
  readonly #wantedOf: (document: DesiredDocument) => Wanted | undefined;

  constructor(key: string, wantedOf: (document: DesiredDocument) => Json | undefined, lane = key) {
    this.key = key;
    this.lane = lane;
    this.#wantedOf = (document) => {
      const value = wantedOf(document);
      return value === undefined ? undefined : { kind: "value", value };
    };
  }

  wanted(document: DesiredDocument): Wanted | undefined {
    return this.#wantedOf(document);
  }

  observe(): Promise<Reading<Json>> {
    return Promise.resolve(this.visible ? seen(this.value, 0) : { kind: "unknown", why: "dark" });
  }

  apply(value: Json, signal: AbortSignal): Promise<Awaited<ReturnType<DesiredKeyHandler["apply"]>>> {
    this.applied.push(value);
    if (this.mood === "throws") return Promise.reject(new Error("a bug"));
    if (this.mood === "hangs") {
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          this.aborted += 1;
          resolve({ kind: "effect", effect: { attempted: false, observed: { kind: "unknown", why: "stopped" } } });
        }),
      );
    }
    if (this.mood === "obeys") this.value = value;
    return Promise.resolve({ kind: "effect", effect: { attempted: true, acknowledged: true, observed: seen(this.value, 0) } });
  }

  compare(wanted: Json, observed: Json) {
    return JSON.stringify(wanted) === JSON.stringify(observed) ? ("same" as const) : ("different" as const);
  }
}

const signedOf = (payload: unknown): Signed => ({ payload: typeof payload === "string" ? payload : JSON.stringify(payload), key: DEVICE, signature: "" });
const documentOf = (version: number, document: object, device = DEVICE): Signed => signedOf({ device, version, issuedMs: 0, document });

async function setUp(options: { store?: MemoryDocumentStore; things?: readonly Thing[] } = {}) {
  const time = new VirtualTime();
  const store = options.store ?? new MemoryDocumentStore();
  const reporter = new FakeReporter();
  const alarms = new FakeAlarms();
  const power = new Thing("display.power", ({ display }) => display?.power, "display");
  const level = new Thing("log.level", ({ log }) => log?.level);
  const content = new Thing("content", ({ content: wanted }) => wanted);
  const overrides = await ManualOverrides.load({ store, clock: time, log: silentLog });
  const state = await DesiredState.load({
    deviceId: DEVICE,
    verify: (signed) => Promise.resolve(signed.signature === "forged" ? fail("signature.invalid", "not the owner's") : ok(signed.payload)),
    store,
    overrides,
    reporter,
    alarms,
    handlers: options.things ?? [power, level, content],
    clock: time,
    timers: time,
    random: new SeededRandom("desired"),
    log: silentLog,
  });
  const stop = new AbortController();
  const running = state.run(stop.signal);
  const desired = () => reporter.document.desired ?? { version: -1, keys: {} };
  return { time, store, reporter, alarms, power, level, content, state, running, desired, stop };
}

describe("accepting a desired document", () => {
  test("a document is on disk before anything acts on it, and each key gets a result", async () => {
    const { time, store, power, state, desired, stop, running } = await setUp();
    store.failWith = "storage.full";
    expect(await state.accept(documentOf(1, { display: { power: "on" } }))).toMatchObject({ ok: false, error: { code: "storage.full" } });
    await time.advance(1_000);
    expect([power.applied, state.version(), desired().refused?.error.code]).toEqual([[], 0, "storage.full"]);
    store.failWith = undefined;
    await time.advance(120_000);
    expect([power.applied, state.version(), desired().refused]).toEqual([["on"], 1, undefined]);
    expect(desired().keys).toEqual({ "display.power": { status: "applied", observed: "on" } });
    stop.abort();
    await running;
    expect(time.pending()).toEqual([]);
  });

  test("a release ends the document at once, and deletes it from a failing disk as soon as possible", async () => {
    const { time, store, state } = await setUp();
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await state.accept(documentOf(2, { display: { power: "standby" } }));
    store.failWith = "storage.full";
    await state.forget();
    expect([state.version(), store.disk.has("desired.current")]).toEqual([0, true]);
    store.failWith = undefined;
    await time.advance(120_000);
    expect([store.disk.has("desired.current"), store.disk.has("desired.previous")]).toEqual([false, false]);
  });

  test("versions only rise: the same is ignored; a lower one is refused, reported and never applied", async () => {
    const { time, state, power, desired, alarms } = await setUp();
    await state.accept(documentOf(5, { display: { power: "on" } }));
    await time.advance(1_000);
    expect(await state.accept(documentOf(5, { display: { power: "on" } }))).toEqual({ ok: true, value: undefined });
    expect(await state.accept(documentOf(4, { display: { power: "standby" } }))).toMatchObject({ error: { code: "desired.version-went-back" } });
    await time.advance(120_000);
    expect(power.applied).toEqual(["on"]);
    expect(desired()).toMatchObject({ version: 5, refused: { version: 4, error: { code: "desired.version-went-back" } } });
    expect([...alarms.raised.keys()]).toEqual(["desired.version-went-back"]);
    await state.accept(documentOf(6, {}));
    expect(desired().refused).toBeUndefined();
    expect(alarms.raised.size).toBe(0);
  });

  test("a different document with a known version is refused and raises an alarm; the first stays in force", async () => {
    const { time, state, power, desired, alarms } = await setUp();
    await state.accept(documentOf(5, { display: { power: "on" } }));
    expect(await state.accept(documentOf(5, { display: { power: "standby" } }))).toMatchObject({ error: { code: "desired.version-reused" } });
    await time.advance(120_000);
    expect([power.applied, [...alarms.raised.keys()]]).toEqual([["on"], ["desired.version-reused"]]);
    expect(desired()).toMatchObject({ version: 5, refused: { version: 5, error: { code: "desired.version-reused" } } });
    // The same document, issued at another time: the conflict is over.
    await state.accept(signedOf({ device: DEVICE, version: 5, issuedMs: 77, document: { display: { power: "on" } } }));
    expect([alarms.raised.size, desired().refused]).toEqual([0, undefined]);
    await state.accept(documentOf(5, {}));
    await state.accept(documentOf(6, {}));
    expect([alarms.raised.size, desired().refused]).toEqual([0, undefined]);
  });

  test("versions are remembered per owner's key, across a release and a restart", async () => {
    const { store, state } = await setUp();
    const other: Signed = { ...documentOf(1, {}), key: "f".repeat(32) };
    await state.accept(documentOf(61, { display: { power: "on" } }));
    await state.forget();
    expect(await state.accept(other)).toMatchObject({ ok: true });
    await state.forget();
    const again = await setUp({ store });
    expect(again.state.version()).toBe(0);
    const refused = await again.state.accept(documentOf(60, { display: { power: "standby" } }));
    expect(refused).toMatchObject({ error: { code: "desired.version-went-back", hint: "write the document again with a version above 61" } });
    expect([again.state.version(), again.desired().refused?.version]).toEqual([0, 60]);
    expect(await again.state.accept({ ...documentOf(1, {}), key: "e".repeat(32) })).toMatchObject({ ok: true });
    // The release dropped the owner's newest document, so that version is accepted again.
    await again.state.forget();
    expect(await again.state.accept(documentOf(61, { display: { power: "on" } }))).toMatchObject({ ok: true });
    expect(again.state.version()).toBe(61);
  });

  test("a cloud restored from an old backup is detected at the welcome", async () => {
    const { state, alarms, desired } = await setUp();
    await state.accept(documentOf(9, {}));
    state.onWelcome(3);
    expect(alarms.raised.has("desired.version-went-back")).toBe(true);
    expect(desired().refused?.version).toBe(3);
    state.onWelcome(9);
    expect([alarms.raised.size, desired().refused]).toEqual([0, undefined]);
  });

  test("a cloud without a document does not count as gone back", async () => {
    const { state, alarms, desired } = await setUp();
    await state.accept(documentOf(9, {}));
    state.onWelcome(0);
    expect([alarms.raised.size, desired().refused]).toEqual([0, undefined]);
    state.onWelcome(3);
    state.onWelcome(0);
    expect(alarms.raised.has("desired.version-went-back")).toBe(true);
  });

  test.each([
    ["not JSON", signedOf("{"), "desired.not-json", undefined],
    ["not an object", signedOf("[1]"), "desired.not-json", undefined],
    ["a wrong value in a known key", documentOf(2, { display: { brightness: 101 } }), "desired.malformed", 2],
    ["an unknown inner key", documentOf(2, { display: { brightnes: 10 } }), "desired.malformed", 2],
    ["too large", documentOf(2, { player: { config: { text: "x".repeat(40_000) } } }), "desired.too-large", 2],
    ["nested to break recursion", documentOf(2, { player: { config: { deep: JSON.parse("[".repeat(9_000) + "]".repeat(9_000)) as Json } } }), "desired.malformed", 2],
    ["for another device", documentOf(2, {}, "f".repeat(32)), "desired.wrong-device", undefined],
    ["forged", { ...documentOf(2, {}), signature: "forged" }, "signature.invalid", undefined],
  ])("refuses a document that is %s, and keeps the old one", async (_name, signed, code, version) => {
    const { state, desired } = await setUp();
    await state.accept(documentOf(1, { log: { level: "debug" } }));
    expect(await state.accept(signed)).toMatchObject({ ok: false, error: { code } });
    expect(state.version()).toBe(1);
    expect(desired().refused?.version).toBe(version);
    expect(Object.keys(desired().keys)).toEqual(["log.level"]);
  });

  test("unknown keys are reported as unsupported, up to a limit, and do not stop the others", async () => {
    const { time, state, desired } = await setUp();
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}`, 1]));
    await state.accept(signedOf(`{"device":"${DEVICE}","version":1,"issuedMs":0,"document":{"__proto__":{"x":1},"log":{"level":"warn"},${JSON.stringify(many).slice(1)}}`));
    await time.advance(1_000);
    const { keys } = desired();
    expect(keys["log.level"]?.status).toBe("applied");
    expect(Object.values(keys).filter(({ status }) => status === "unsupported")).toHaveLength(32);
    expect(Object.keys(keys)).not.toContain("__proto__");
  });

  test("the last good document survives a restart; a damaged one is replaced by its predecessor", async () => {
    const store = new MemoryDocumentStore();
    const first = await setUp({ store });
    await first.state.accept(documentOf(1, { log: { level: "warn" } }));
    await first.state.accept(documentOf(2, { log: { level: "debug" } }));
    first.stop.abort();
    const second = await setUp({ store });
    expect(second.state.version()).toBe(2);
    await second.time.advance(1_000);
    expect(second.level.applied).toEqual(["debug"]);
    store.disk.set("desired.current", '{"version":2,"payload":"{\\"torn"}');
    expect((await setUp({ store })).state.version()).toBe(1);
  });
});

describe("reconciling", () => {
  test("drift is corrected within a minute, counted, and raises an alarm when it keeps recurring", async () => {
    const { time, state, power, desired, alarms } = await setUp();
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(1_000);
    power.value = "off";
    await time.advance(66_000);
    expect([power.value, desired().keys["display.power"]]).toEqual(["on", { status: "applied", observed: "on", drifts: 1 }]);
    for (let i = 0; i < 4; i++) {
      power.value = "off";
      await time.advance(70_000);
    }
    expect(alarms.log).toContain("+desired.not-kept.display.power");
    await time.advance(30 * 60_000);
    expect([power.value, [...alarms.raised.keys()]]).toEqual(["on", []]);
  });

  test("deaf hardware is retried forever with growing delays and an alarm; plugging it in retries at once", async () => {
    const { time, state, power, desired, alarms } = await setUp();
    power.mood = "deaf";
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(24 * 3_600_000);
    expect(power.applied.length).toBeGreaterThan(90);
    expect(power.applied.length).toBeLessThan(400);
    expect(desired().keys["display.power"]).toMatchObject({ status: "failed", error: { code: "desired.not-observed" }, observed: "off" });
    expect(alarms.raised.has("desired.not-kept.display.power")).toBe(true);
    power.mood = "obeys";
    state.hardwareChanged("display");
    await time.advance(500);
    expect(desired().keys["display.power"]).toMatchObject({ status: "applied", observed: "on" });
    await time.advance(10 * 60_000);
    expect(alarms.raised.size).toBe(0);
  });

  test("a key's alarm clears when another value is wanted, and is raised again when that fails too", async () => {
    const { time, state, power, alarms } = await setUp();
    power.mood = "deaf";
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(5 * 60_000);
    expect([...alarms.raised.keys()]).toEqual(["desired.not-kept.display.power"]);
    await state.accept(documentOf(2, { display: { power: "standby" } }));
    await time.advance(1_000);
    expect(alarms.raised.size).toBe(0);
    await time.advance(5 * 60_000);
    expect([...alarms.raised.keys()]).toEqual(["desired.not-kept.display.power"]);
  });

  test("a hanging handler does not delay other keys, and a bug in one handler affects only its key", async () => {
    const { time, state, power, level, content, desired } = await setUp();
    power.mood = "throws";
    content.mood = "hangs";
    await state.accept(documentOf(1, { display: { power: "on" }, log: { level: "warn" }, content: { kind: "url", url: "https://a.example/" } }));
    await time.advance(10_000);
    expect(level.applied).toEqual(["warn"]);
    expect(desired().keys["display.power"]).toMatchObject({ status: "failed", error: { code: "desired.bug" } });
    expect(desired().keys["content"]).toMatchObject({ status: "failed", error: { code: "desired.timeout" } });
  });

  test("a new document stops an attempt at a value that is no longer wanted", async () => {
    const { time, state, content } = await setUp();
    content.mood = "hangs";
    await state.accept(documentOf(1, { content: { kind: "url", url: "https://a.example/" } }));
    await time.advance(500);
    await state.accept(documentOf(2, { content: { kind: "url", url: "https://b.example/" } }));
    await time.advance(500);
    expect([content.aborted, content.applied.length]).toEqual([1, 2]);
  });

  test("a document accepted during an observation is the one that is applied", async () => {
    const { time, state, power } = await setUp();
    const looks: (() => void)[] = [];
    power.observe = () => new Promise((resolve) => looks.push(() => resolve(seen(power.value, 0))));
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(200);
    await state.accept(documentOf(2, { display: { power: "standby" } }));
    for (let i = 0; i < 5; i++) {
      for (const look of looks.splice(0)) look();
      await time.advance(300);
    }
    expect(power.applied).toEqual(["standby"]);
  });

  test("a key removed from the document is left as it is and has no result", async () => {
    const { time, state, power, desired } = await setUp();
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(1_000);
    await state.accept(documentOf(2, {}));
    power.value = "off";
    await time.advance(200_000);
    expect([power.value, desired().keys]).toEqual(["off", {}]);
  });
});

describe("a command that overrides desired state", () => {
  test("holds until the next desired document, also after a restart, and is named in the report", async () => {
    const store = new MemoryDocumentStore();
    const first = await setUp({ store });
    await first.state.accept(documentOf(1, { display: { power: "on" } }));
    await first.time.advance(1_000);
    first.power.value = "standby";
    await first.state.noteByHand("display.power", "standby");
    await first.time.advance(600_000);
    expect(first.power.value).toBe("standby");
    expect(first.desired().keys["display.power"]).toMatchObject({ status: "pending", error: { code: "desired.overridden" }, observed: "standby" });
    first.stop.abort();
    const second = await setUp({ store });
    second.power.value = "standby";
    await second.time.advance(600_000);
    expect(second.power.value).toBe("standby");
    await second.state.accept(documentOf(2, { display: { power: "on" }, log: { level: "info" } }));
    await second.time.advance(1_000);
    expect(second.power.value).toBe("on");
  });

  test("on an unmanaged key it holds until a document manages the key", async () => {
    const overrides = await ManualOverrides.load({ store: new MemoryDocumentStore(), clock: new VirtualTime(), log: silentLog });
    await overrides.note("display.power", "standby", 1, undefined);
    expect(overrides.choiceOf("display.power", 2, undefined)?.value).toBe("standby");
    expect(overrides.choiceOf("display.power", 3, { kind: "value", value: "on" })).toBeUndefined();
    expect(overrides.choiceOf("display.power", 4, undefined)).toBeUndefined();
  });

  test("holds until the edge of the schedule: the wanted value changes, or its time passes", async () => {
    const time = new VirtualTime();
    const overrides = await ManualOverrides.load({ store: new MemoryDocumentStore(), clock: time, log: silentLog });
    const on: Wanted = { kind: "value", value: "on", untilMs: time.wallMs() + 1_000 };
    await overrides.note("display.power", "standby", 1, on);
    expect(overrides.choiceOf("display.power", 1, on)?.value).toBe("standby");
    await time.advance(1_000);
    expect(overrides.choiceOf("display.power", 1, on)).toBeUndefined();
    await overrides.note("display.power", "standby", 1, { kind: "value", value: "on" });
    expect(overrides.choiceOf("display.power", 1, { kind: "value", value: "standby" })).toBeUndefined();
    expect(overrides.choiceOf("display.power", 1, { kind: "value", value: "on" })).toBeUndefined();
  });

  test("forgetting a command after a restart ends its override, but not that of another command", async () => {
    const time = new VirtualTime();
    const store = new MemoryDocumentStore();
    const on = { kind: "value", value: "on" } as const;
    const before = await ManualOverrides.load({ store, clock: time, log: silentLog });
    await before.note("display.power", "standby", 1, on);
    const overrides = await ManualOverrides.load({ store, clock: time, log: silentLog });
    await overrides.forget("display.power", "on");
    expect(overrides.choiceOf("display.power", 1, on)?.value).toBe("standby");
    await overrides.forget("display.power", "standby");
    expect(overrides.choiceOf("display.power", 1, on)).toBeUndefined();
    expect((await ManualOverrides.load({ store, clock: time, log: silentLog })).choiceOf("display.power", 1, on)).toBeUndefined();
  });

  test("a choice at the display holds for its time and no longer, and as long again after a restart", async () => {
    const store = new MemoryDocumentStore();
    const first = await setUp({ store });
    await first.state.accept(documentOf(1, { display: { power: "on" } }));
    await first.time.advance(1_000);
    first.power.value = "standby";
    await first.state.noteByHand("display.power", "standby", { by: "remote", forMs: 600_000 });
    await first.time.advance(500_000);
    expect(first.state.decide("display.power")).toMatchObject({ by: "remote", handsOff: true });
    first.stop.abort();
    const second = await setUp({ store });
    second.power.value = "standby";
    await second.time.advance(500_000);
    expect(second.power.value).toBe("standby");
    await second.time.advance(200_000);
    expect([second.power.value, second.state.decide("display.power").by]).toEqual(["on", "document"]);
  });

  test("ending overrides gives the keys back to the document, all or one of them, and keeps those that nothing else manages", async () => {
    const { time, state, power, level } = await setUp();
    await state.accept(documentOf(1, { display: { power: "on" }, log: { level: "info" } }));
    await time.advance(1_000);
    await state.noteByHand("display.power", "standby");
    await state.noteByHand("log.level", "debug");
    // Nothing else manages it, so nobody would give it another value: it stays.
    await state.noteByHand("display.brightness", 40);
    power.value = "standby";
    level.value = "debug";
    expect([await state.endByHand("audio.volume"), await state.endByHand("display.brightness")]).toEqual([[], []]);
    expect(await state.endByHand("display.power")).toEqual(["display.power"]);
    await time.advance(1_000);
    expect([power.value, level.value]).toEqual(["on", "debug"]);
    expect(await state.endByHand()).toEqual(["log.level"]);
    await time.advance(1_000);
    expect([level.value, state.byHand()]).toEqual(["info", ["display.brightness"]]);
  });

  test("a taken-back note does not undo what somebody chose since", async () => {
    const { time, state, power } = await setUp();
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(1_000);
    const takeBack = await state.noteByHand("display.power", "standby");
    await state.noteByHand("display.power", "standby", { by: "remote" });
    await takeBack();
    power.value = "standby";
    await time.advance(70_000);
    expect([power.value, state.decide("display.power").by]).toEqual(["standby", "remote"]);
  });

  test("a command that agrees with the document overrides nothing", async () => {
    const { time, state, power, desired } = await setUp();
    await state.accept(documentOf(1, { display: { power: "on" } }));
    await time.advance(1_000);
    await state.noteByHand("display.power", "on");
    power.value = "off";
    await time.advance(70_000);
    expect([power.value, desired().keys["display.power"]?.status]).toEqual(["on", "applied"]);
  });
});
