import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { StageContent, StageScene } from "../contract/link-messages.ts";
import { reportStage } from "./stage-report.ts";
import { CRASHES_MAX, initialStage, PROBE_RETRY, stepStage, type StageEffect, type StageEvent, type StageState } from "./stage-state.ts";

const A: StageContent = { kind: "url", id: "a", url: "https://a.example/", grants: [] };
const B: StageContent = { kind: "url", id: "b", url: "https://b.example/", grants: [] };
const PACKAGE: StageContent = { kind: "package", id: "p", folder: "/p", entry: "index.html", grants: [], allowedOrigins: [] };
const REFUSED = { code: "net.connection-refused", message: "a.example: the connection was refused." };

/** Drives the state machine and remembers what it asked for. */
class Driver {
  state: StageState;
  effects: readonly StageEffect[] = [];
  nowMs = 1_000_000;
  readonly #random = new SeededRandom(1);

  constructor(scene: StageScene) {
    this.state = initialStage(scene, this.nowMs);
  }

  take(event: StageEvent): readonly StageEffect[] {
    const step = stepStage(this.state, event, { wallMs: this.nowMs, monotonicMs: this.nowMs, random: this.#random });
    this.state = step.state;
    this.effects = step.effects;
    return step.effects;
  }

  effect<K extends StageEffect["kind"]>(kind: K): Extract<StageEffect, { kind: K }> {
    const found = this.effects.find((one): one is Extract<StageEffect, { kind: K }> => one.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} in ${JSON.stringify(this.effects)}`);
    return found;
  }

  answersProbe(error?: typeof REFUSED): void {
    const { ticket } = this.effect("probe");
    this.take({ kind: "probed", ticket, ...(error === undefined ? {} : { error }) });
  }

  finishes(): void {
    this.take({ kind: "load-finished", load: this.effect("load").load });
  }

  screenComes(): void {
    this.take({ kind: "load-finished", load: this.effect("show-screen").load });
  }

  fires(): void {
    this.take({ kind: "timer", ticket: this.effect("wait").ticket });
  }

  static playing(content: StageContent): Driver {
    const driver = new Driver({ kind: "content", content });
    driver.take({ kind: "shell-ready" });
    if (content.kind === "url") driver.answersProbe();
    driver.finishes();
    return driver;
  }
}

describe("the way to a picture", () => {
  test("a URL is asked for before it is loaded", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    expect(driver.effect("probe").url).toBe(A.kind === "url" ? A.url : "");
    driver.answersProbe();
    expect(driver.effect("load").content).toBe(A);
    driver.finishes();
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a", loads: 1 });
  });

  test("a package is loaded at once: no network is asked", () => {
    const driver = new Driver({ kind: "content", content: PACKAGE });
    driver.take({ kind: "shell-ready" });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["load"]);
  });

  test("a scene of our own is shown", () => {
    const driver = new Driver({ kind: "pairing", code: "ABC", deviceId: "d", status: "s" });
    driver.take({ kind: "shell-ready" });
    expect(driver.effect("show-screen").screen).toEqual({ kind: "pairing", code: "ABC", deviceId: "d", status: "s" });
    expect(reportStage(driver.state)).toMatchObject({ kind: "loading", content: "pairing" });
    driver.screenComes();
    expect(reportStage(driver.state)).toEqual({ kind: "screen", screen: "pairing" });
  });
});

describe("our own pages are on once they have come", () => {
  const PAIRING: StageScene = { kind: "pairing", code: "ABC", deviceId: "d", status: "s" };

  test("until then the content before is what is on", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: PAIRING });
    expect(driver.state.shown).toMatchObject({ kind: "content", content: A });
    expect(reportStage(driver.state)).toMatchObject({ kind: "loading", content: "pairing" });
    driver.screenComes();
    expect(driver.state.shown).toMatchObject({ kind: "screen", screen: { kind: "pairing" } });
    expect(reportStage(driver.state)).toEqual({ kind: "screen", screen: "pairing" });
  });

  test("one that does not come is not said to be on, and is tried again", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: PAIRING });
    driver.take({ kind: "load-failed", load: driver.effect("show-screen").load, error: REFUSED, pictureKept: true });
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", content: "pairing", error: expect.stringContaining("a stays on") as string });
    driver.fires();
    driver.screenComes();
    expect(reportStage(driver.state)).toEqual({ kind: "screen", screen: "pairing" });
    expect(driver.state.error).toBeUndefined();
  });

  test("behind content that is waited for, the next attempt shows it again", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.answersProbe(REFUSED);
    const wait = driver.effect("wait");
    driver.take({ kind: "load-failed", load: driver.effect("show-screen").load, error: REFUSED, pictureKept: false });
    expect(driver.state.shown.kind).toBe("nothing");
    driver.take({ kind: "timer", ticket: wait.ticket });
    driver.answersProbe(REFUSED);
    driver.screenComes();
    expect(driver.state.shown).toMatchObject({ kind: "screen", screen: { kind: "offline" } });
  });

  test("one that is on its way is not sent again, nor forgotten when content is wanted once more", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: PAIRING });
    const { load } = driver.effect("show-screen");
    expect(driver.take({ kind: "reload", ignoreCache: false })).toEqual([]);
    driver.take({ kind: "scene", scene: { kind: "content", content: A } });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["probe"]);
    driver.answersProbe();
    driver.take({ kind: "load-finished", load });
    expect(driver.state.shown.kind).toBe("screen");
  });
});

describe("an outage", () => {
  test("with nothing good on, our offline page says why, and the probe goes on", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.answersProbe(REFUSED);
    expect(driver.effect("show-screen").screen).toEqual({ kind: "offline", message: REFUSED.message });
    expect(driver.effect("wait").delayMs).toBeGreaterThanOrEqual(PROBE_RETRY.floorMs);
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", content: "a" });
    driver.fires();
    driver.answersProbe();
    driver.finishes();
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing" });
  });

  test("with nothing good on, every fourth attempt loads without asking: the probe may be the one that is wrong", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const kinds: string[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      const asks = driver.effects.some(({ kind }) => kind === "probe");
      kinds.push(asks ? "probe" : "load");
      if (asks) driver.answersProbe(REFUSED);
      else driver.take({ kind: "load-failed", load: driver.effect("load").load, error: REFUSED, pictureKept: true });
      driver.fires();
    }
    expect(kinds).toEqual(["probe", "probe", "probe", "probe", "load", "probe", "probe", "probe", "load"]);
  });

  test("with a good picture on, a reload waits and nothing is shown instead", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "reload", ignoreCache: true });
    for (let round = 0; round < 20; round++) {
      driver.answersProbe(REFUSED);
      expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
      expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a" });
      driver.fires();
    }
    driver.answersProbe();
    expect(driver.effect("load")).toMatchObject({ ignoreCache: true });
  });

  test("another content whose origin is away does not take the picture off", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    driver.answersProbe(REFUSED);
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
    expect(driver.state.shown).toMatchObject({ kind: "content", content: A });
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", content: "b", error: expect.stringContaining("a stays on") as string });
  });

  test("a page that could not reload itself is reloaded by us once its origin answers", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "load-failed", error: REFUSED, pictureKept: true });
    driver.fires();
    driver.answersProbe();
    expect(driver.effect("load").content).toBe(A);
  });

  test("a load that fails where the shell cannot keep the picture shows our page", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "reload", ignoreCache: false });
    driver.answersProbe();
    driver.take({ kind: "load-failed", load: driver.effect("load").load, error: { code: "http.500", message: "a.example answered 500." }, pictureKept: false });
    expect(driver.effect("show-screen").screen).toMatchObject({ kind: "fault", code: "http.500" });
  });
});

describe("the same scene again", () => {
  test("does nothing, however its keys are ordered", () => {
    const driver = Driver.playing(A);
    const again = { content: { grants: [], url: "https://a.example/", id: "a", kind: "url" }, kind: "content" } as StageScene;
    expect(driver.take({ kind: "scene", scene: again })).toEqual([]);
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", loads: 1 });
  });

  test("with another grant it is another scene: the page starts again with it", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: { ...A, grants: ["gpio"] } } });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["probe"]);
  });
});

describe("a renderer that dies", () => {
  test("comes back at once the first time, slower after that, and shows a fault page after the cap while it keeps trying", () => {
    const driver = Driver.playing(PACKAGE);
    const delays: number[] = [];
    for (let crash = 1; crash <= CRASHES_MAX; crash++) {
      driver.take({ kind: "renderer-gone", reason: "crashed" });
      expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
      delays.push(driver.effect("wait").delayMs);
      driver.fires();
      driver.finishes();
    }
    expect(delays[0]).toBe(0);
    expect(Math.max(...delays.slice(1))).toBeGreaterThan(0);
    driver.take({ kind: "renderer-gone", reason: "crashed" });
    expect(driver.effect("show-screen").screen).toMatchObject({ kind: "fault", code: "renderer.gone" });
    expect(driver.effect("wait").delayMs).toBeGreaterThanOrEqual(240_000);
    driver.fires();
    expect(driver.effect("load").content).toBe(PACKAGE);
  });

  test("deaths long ago do not count", () => {
    const driver = Driver.playing(PACKAGE);
    for (let crash = 0; crash < 20; crash++) {
      driver.nowMs += 11 * 60_000;
      driver.take({ kind: "renderer-gone", reason: "oom" });
      expect(driver.effect("wait").delayMs).toBe(0);
      driver.fires();
      driver.finishes();
    }
  });

  test("a frozen picture gets a new renderer; not while there is no browser", () => {
    const driver = Driver.playing(A);
    expect(driver.take({ kind: "frozen" })).toEqual([{ kind: "reset-renderer" }]);
    driver.take({ kind: "shell-gone", why: "it ended with code 1" });
    expect(driver.take({ kind: "frozen" })).toEqual([]);
  });
});

describe("a change of plan while something loads", () => {
  test("the load that lands first is what is on, and the new plan goes on", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.answersProbe();
    const loadOfA = driver.effect("load").load;
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    const probeOfB = driver.effect("probe").ticket;
    driver.take({ kind: "load-finished", load: loadOfA });
    expect(driver.state.shown).toMatchObject({ kind: "content", content: A });
    driver.take({ kind: "probed", ticket: probeOfB, error: REFUSED });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
  });

  test("back to the content that never left the screen: nothing is loaded", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    driver.answersProbe(REFUSED);
    expect(driver.take({ kind: "scene", scene: { kind: "content", content: A } })).toEqual([]);
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a" });
  });

  test("answers to old questions are ignored", () => {
    const driver = Driver.playing(A);
    const before = driver.state;
    for (const event of [
      { kind: "probed", ticket: 1 },
      { kind: "timer", ticket: 1 },
      { kind: "load-finished", load: 1 },
      { kind: "load-failed", load: 1, error: REFUSED, pictureKept: false },
    ] as const) {
      driver.take(event);
      expect(driver.state).toEqual(before);
    }
  });
});

test("in any order of events: a good picture is only given up by a crash, a lost browser, another scene or a shell that lost it", () => {
  const events = fc.oneof(
    fc.constant<StageEvent>({ kind: "reload", ignoreCache: false }),
    fc.constant<StageEvent>({ kind: "load-failed", error: REFUSED, pictureKept: true }),
    fc.nat(40).map((ticket): StageEvent => ({ kind: "probed", ticket, error: REFUSED })),
    fc.nat(40).map((ticket): StageEvent => ({ kind: "probed", ticket })),
    fc.nat(40).map((ticket): StageEvent => ({ kind: "timer", ticket })),
    fc.nat(40).map((load): StageEvent => ({ kind: "load-failed", load, error: REFUSED, pictureKept: true })),
    fc.nat(40).map((load): StageEvent => ({ kind: "load-finished", load })),
    fc.constantFrom<StageEvent>({ kind: "scene", scene: { kind: "content", content: B } }, { kind: "scene", scene: { kind: "content", content: A } }),
  );
  fc.assert(
    fc.property(fc.array(events, { maxLength: 60 }), (sequence) => {
      const driver = Driver.playing(A);
      for (const event of sequence) {
        driver.take(event);
        expect(driver.state.shown.kind).toBe("content");
        expect(driver.effects.some(({ kind }) => kind === "show-screen")).toBe(false);
        // Never stuck: content that is not on is being loaded, asked for or waited for.
        const { work, shown, wanted } = driver.state;
        const isOn = shown.kind === "content" && wanted.kind === "content" && shown.content.id === wanted.content.id;
        expect(work.kind !== "idle" || isOn).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test("content that its origin answers with 404 is failed through every retry, and the other content stays on", () => {
  const driver = Driver.playing(A);
  driver.take({ kind: "scene", scene: { kind: "content", content: B } });
  const error = { code: "http.404", message: "b.example answered 404." };
  const reports: string[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    driver.answersProbe();
    if (attempt > 0) reports.push(reportStage(driver.state).kind);
    driver.take({ kind: "load-failed", load: driver.effect("load").load, error, pictureKept: true });
    reports.push(reportStage(driver.state).kind);
    driver.fires();
    reports.push(reportStage(driver.state).kind);
  }
  expect(new Set(reports)).toEqual(new Set(["failed"]));
  expect(driver.state.shown).toMatchObject({ kind: "content", content: { id: "a" } });
  expect(reportStage(driver.state)).toMatchObject({ content: "b", error: "http.404: b.example answered 404.; a stays on" });
});
