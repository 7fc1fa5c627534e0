import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_SETUP_POLICY, initialSetup, isWatching, stepSetup, type SetupEvent, type SetupFacts, type SetupState } from "./setup-state.ts";

const { windowMs, windowMaxMs, fileRetryMs, guestMs, reopenMs } = DEFAULT_SETUP_POLICY;
const START_MS = 20_000;
const point = { interface: "wlan0", address: "10.42.0.1/24" };
const facts = (over: Partial<SetupFacts> = {}): SetupFacts => ({ nowMs: START_MS, owned: false, cable: false, knownWifi: false, connected: false, filePending: false, ...over });
const step = (state: SetupState, event: SetupEvent) => stepSetup(state, event, DEFAULT_SETUP_POLICY);
const look = (state: SetupState, over: Partial<SetupFacts> = {}) => step(state, { kind: "looked", facts: facts(over) });
const idle = initialSetup(0, START_MS, DEFAULT_SETUP_POLICY);
const open = step(look(idle).state, { kind: "opened", point }).state;
const joining = step(open, { kind: "asked", ssid: "Shop" }).state;
const failure = { code: "network.refused", message: "no", ssid: "Shop" } as const;

describe("the set-up network", () => {
  test("opens only where nothing else can lead to the cloud, on a device without an owner, for a time after power-on", () => {
    expect(look(idle).task).toBe("open");
    for (const over of [{ owned: true }, { cable: true }, { knownWifi: true }, { connected: true }, { nowMs: windowMs }]) expect(look(idle, over).task, JSON.stringify(over)).toBe("nothing");
    expect(look(initialSetup(-windowMs, 0, DEFAULT_SETUP_POLICY), { nowMs: 1 }).task).toBe("nothing");
  });

  test("closes as soon as one of these reasons is gone", () => {
    for (const over of [{ owned: true }, { cable: true }, { knownWifi: true }, { nowMs: windowMs }]) {
      expect(look(open, over), JSON.stringify(over)).toMatchObject({ task: "close", state: { kind: "idle" } });
    }
    expect(look(open, { nowMs: windowMs - 1 })).toMatchObject({ task: "nothing", state: { kind: "open" } });
  });

  test("closes for a choice, comes back with the reason when it failed, and stays a whole window longer", () => {
    expect(joining).toMatchObject({ kind: "joining", from: "portal", ssid: "Shop" });
    const late = windowMs + 60_000;
    const back = step(joining, { kind: "not-joined", failure, nowMs: late }).state;
    expect(look(back, { nowMs: late })).toMatchObject({ task: "open", state: { failure } });
    expect(look(back, { nowMs: late + windowMs }).task).toBe("nothing");
    expect(step(joining, { kind: "joined" }).state).not.toHaveProperty("failure");
  });

  test("is over an hour after power-on, however often somebody tried", () => {
    let state = open;
    let nowMs = 0;
    while (nowMs < 2 * windowMaxMs && look(state, { nowMs }).task !== "close") {
      state = step(step(state, { kind: "asked", ssid: "Shop" }).state, { kind: "not-joined", failure, nowMs }).state;
      const again = look(state, { nowMs: Math.max(nowMs, START_MS) });
      expect(again.task, `after ${nowMs} ms`).toBe("open");
      state = step(again.state, { kind: "opened", point }).state;
      nowMs += windowMs / 2;
    }
    expect(nowMs).toBe(windowMaxMs);
  });

  test("that cannot be opened is tried again after a pause", () => {
    const failed = step(look(idle).state, { kind: "not-opened", error: { code: "network.refused", message: "no" }, nowMs: START_MS }).state;
    expect(look(failed).task).toBe("nothing");
    expect(look(failed, { nowMs: START_MS + reopenMs }).task).toBe("open");
  });

  test("takes a choice only while it is open", () => {
    for (const state of [idle, look(idle).state, joining]) expect(step(state, { kind: "asked", ssid: "Else" })).toEqual({ state, task: "nothing" });
  });
});

describe("the network of the provisioning file", () => {
  const pending = { filePending: true, fileSsid: "Shop" };

  test("is tried first, beside a cable too, and also by a device with an owner", () => {
    for (const over of [{}, { cable: true }, { owned: true }]) expect(look(idle, { ...pending, ...over })).toMatchObject({ task: "join-file", state: { kind: "joining", from: "file", ssid: "Shop" } });
  });

  test("is tried again after a pause, in which the set-up network is open with the reason", () => {
    const failed = step(look(idle, pending).state, { kind: "not-joined", failure, nowMs: START_MS }).state;
    const opening = look(failed, pending);
    expect(opening).toMatchObject({ task: "open", state: { failure } });
    const wired = { ...pending, cable: true };
    expect(look(failed, { ...wired, nowMs: START_MS + fileRetryMs - 1 })).toMatchObject({ task: "nothing", state: { failure } });
    expect(look(failed, { ...wired, nowMs: START_MS + fileRetryMs }).task).toBe("join-file");
    const shown = step(opening.state, { kind: "opened", point }).state;
    const dueMs = START_MS + fileRetryMs;
    expect(look(shown, { ...pending, nowMs: dueMs - 1 }).task).toBe("nothing");
    const closed = look(shown, { ...pending, nowMs: dueMs });
    expect(closed).toMatchObject({ task: "close", state: { kind: "idle" } });
    const again = look(closed.state, { ...pending, nowMs: dueMs });
    expect(again.task).toBe("join-file");
    const refused = step(again.state, { kind: "not-joined", failure, nowMs: dueMs }).state;
    expect(look(refused, { ...pending, nowMs: dueMs }).task).toBe("open");
  });

  test("does not close the set-up network on a person who is using it, until some time has passed or the window is over", () => {
    const shown = step(look(step(look(idle, pending).state, { kind: "not-joined", failure, nowMs: START_MS }).state, pending).state, { kind: "opened", point }).state;
    const guestAtMs = START_MS + fileRetryMs - 1;
    expect(look(shown, { ...pending, guestAtMs, nowMs: guestAtMs + guestMs - 1 }).task).toBe("nothing");
    expect(look(shown, { ...pending, guestAtMs, nowMs: guestAtMs + guestMs }).task).toBe("close");
    expect(look(shown, { ...pending, guestAtMs: windowMs - 1, nowMs: windowMs }).task).toBe("close");
    // Without a network in the file there is nothing to close it for.
    expect(look(shown, { nowMs: windowMs - 1 }).task).toBe("nothing");
  });
});

test("nothing is looked at once set-up can have nothing to do", () => {
  expect(isWatching(idle, { nowMs: windowMs, owned: false, filePending: false })).toBe(false);
  expect(isWatching(idle, { nowMs: START_MS, owned: true, filePending: false })).toBe(false);
  for (const [state, over] of [[idle, {}], [idle, { nowMs: windowMs, filePending: true }], [open, { owned: true, nowMs: windowMs }]] as const) expect(isWatching(state, facts(over))).toBe(true);
});

test("whatever happens in whatever order, the set-up network is open only while it may be", () => {
  const some = fc.record({ nowMs: fc.integer({ min: 0, max: 2 * windowMaxMs }), owned: fc.boolean(), cable: fc.boolean(), knownWifi: fc.boolean(), connected: fc.boolean(), filePending: fc.boolean() });
  const event: fc.Arbitrary<SetupEvent> = fc.oneof(
    some.map((of) => ({ kind: "looked", facts: of }) as const),
    fc.constantFrom<SetupEvent>({ kind: "opened", point }, { kind: "asked", ssid: "Shop" }, { kind: "joined" }, { kind: "not-joined", failure, nowMs: 5 }, { kind: "not-opened", error: failure, nowMs: 5 }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), some, (events, last) => {
      let state = idle;
      for (const each of events) state = step(state, each).state;
      const { state: after, task } = look(state, last);
      const may = !last.owned && !last.cable && !last.knownWifi && !last.connected && last.nowMs < windowMaxMs;
      expect(may || (after.kind !== "open" && task !== "open")).toBe(true);
      expect(after.windowEndsMs).toBeLessThanOrEqual(windowMaxMs);
    }),
  );
});
