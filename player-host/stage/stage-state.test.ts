import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StageScene } from "../contract/link-messages.ts";
import { reportStage } from "./stage-report.ts";
import { CRASHES_MAX, PROBE_RETRY, type StageEvent } from "./stage-state.ts";
import { A, B, Driver, PACKAGE, REFUSED } from "./testing/stage-driver.ts";
import type { Issue } from "../../platform/ports/result.ts";

describe("the way to a picture", () => {
  test("with nothing on, a URL is loaded and probed at the same time", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    expect(driver.effect("load").content).toBe(A);
    expect(driver.effect("probe").url).toBe("https://a.example/");
    driver.finishes();
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a", loads: 1 });
  });

  test("with a picture on, a URL is probed before it is loaded", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    expect(driver.effects).toMatchObject([{ kind: "probe", url: "https://b.example/" }]);
    driver.answersProbe();
    expect(driver.effect("load").content).toBe(B);
  });

  test("content that loads while its origin is away, as from its own service worker, is on whatever the probe says", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const { load } = driver.effect("load");
    driver.answersProbe(REFUSED);
    expect(driver.effects).toEqual([]);
    driver.take({ kind: "load-committed", load });
    driver.take({ kind: "load-finished", load });
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a" });
    expect(driver.state.error).toBeUndefined();
  });

  test("a probe that never answers does not delay a load on an empty screen", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.answersProbe({ code: "net.timed-out", message: "a.example: no answer in time." });
    expect(driver.effect("show-screen").screen).toMatchObject({ kind: "offline" });
    expect(driver.state.inFlight).toBeUndefined();
  });

  test("a package is loaded at once, without a probe", () => {
    const driver = new Driver({ kind: "content", content: PACKAGE });
    driver.take({ kind: "shell-ready" });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["load"]);
  });

  test("one of our own pages is shown", () => {
    const driver = new Driver({ kind: "pairing", code: "ABC", deviceId: "d", status: "s" });
    driver.take({ kind: "shell-ready" });
    expect(driver.effect("show-screen").screen).toEqual({ kind: "pairing", code: "ABC", deviceId: "d", status: "s" });
    expect(reportStage(driver.state)).toMatchObject({ kind: "loading", content: "pairing" });
    driver.screenComes();
    expect(reportStage(driver.state)).toEqual({ kind: "screen", screen: "pairing" });
  });
});

describe("our own pages are on once they have loaded", () => {
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

  test("one that fails to load is not reported as on, and is retried", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: PAIRING });
    driver.take({ kind: "load-failed", load: driver.effect("show-screen").load, error: REFUSED, pictureKept: true });
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", content: "pairing", error: expect.stringContaining("a stays on") as string });
    driver.fires();
    driver.screenComes();
    expect(reportStage(driver.state)).toEqual({ kind: "screen", screen: "pairing" });
    expect(driver.state.error).toBeUndefined();
  });

  test("behind pending content, the next attempt shows it again", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.failsToLoad();
    const wait = driver.effect("wait");
    driver.take({ kind: "load-failed", load: driver.effect("show-screen").load, error: REFUSED, pictureKept: false });
    expect(driver.state.shown.kind).toBe("nothing");
    driver.take({ kind: "timer", ticket: wait.ticket });
    driver.answersProbe(REFUSED);
    driver.screenComes();
    expect(driver.state.shown).toMatchObject({ kind: "screen", screen: { kind: "offline" } });
  });

  test("one that is loading is not loaded again, nor forgotten when content is wanted again", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: PAIRING });
    const { load } = driver.effect("show-screen");
    expect(driver.take({ kind: "reload", ignoreCache: false })).toEqual([]);
    driver.take({ kind: "scene", scene: { kind: "content", content: A } });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["probe"]);
    driver.take({ kind: "load-finished", load });
    expect(driver.state.shown.kind).toBe("screen");
  });
});

describe("an outage", () => {
  test("with nothing good on, our offline page gives the reason, and probing continues", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.failsToLoad();
    expect(driver.effect("show-screen").screen).toEqual({ kind: "offline", message: REFUSED.message });
    expect(driver.effect("wait").delayMs).toBeGreaterThanOrEqual(PROBE_RETRY.floorMs);
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", content: "a" });
    driver.fires();
    driver.answersProbe();
    driver.finishes();
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing" });
  });

  test("with nothing good on, every fourth attempt loads without a probe, in case the probe is wrong", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const kinds: string[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      const loads = driver.effects.some(({ kind }) => kind === "load");
      kinds.push(loads ? "load" : "probe");
      if (loads) driver.failsToLoad();
      else driver.answersProbe(REFUSED);
      driver.fires();
    }
    expect(kinds).toEqual(["load", "probe", "probe", "probe", "load", "probe", "probe", "probe", "load"]);
  });

  test("with a good picture on, a reload waits and nothing replaces the picture", () => {
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

  test("other content whose origin is away does not replace the picture", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    driver.answersProbe(REFUSED);
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
    expect(driver.state.shown).toMatchObject({ kind: "content", content: A });
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", content: "b", error: expect.stringContaining("a stays on") as string });
  });

  test("a page that failed to reload itself is reloaded by us once its origin answers", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "load-failed", error: REFUSED, pictureKept: true });
    driver.fires();
    driver.answersProbe();
    expect(driver.effect("load").content).toBe(A);
  });

  test("a load that fails on a shell that cannot keep the picture shows our page", () => {
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

  test("with another grant is another scene: the page restarts with it", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: { ...A, grants: ["gpio"] } } });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["probe"]);
  });
});

describe("a renderer that dies", () => {
  test("is replaced at once the first time, then with a growing delay behind our own page, and least often after the limit", () => {
    const driver = Driver.playing(PACKAGE);
    const delays: number[] = [];
    for (let crash = 1; crash <= CRASHES_MAX; crash++) {
      driver.take({ kind: "renderer-gone", reason: "crashed" });
      // The browser's own crash page ("Aw, Snap!") is never left on screen.
      expect(driver.effects.map(({ kind }) => kind)).toEqual(crash === 1 ? ["wait"] : ["show-screen", "wait"]);
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

  test("a frozen picture gets a new renderer, but not while there is no browser", () => {
    const driver = Driver.playing(A);
    expect(driver.take({ kind: "frozen", step: "renderer" })).toEqual([{ kind: "reset-renderer" }]);
    driver.take({ kind: "shell-gone", why: "it ended with code 1" });
    expect(driver.take({ kind: "frozen", step: "renderer" })).toEqual([]);
  });
});

describe("a change of plan while something loads", () => {
  test("the load that arrives first is what is on, and the new plan continues", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const loadOfA = driver.effect("load").load;
    driver.take({ kind: "load-committed", load: loadOfA });
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    const probeOfB = driver.effect("probe").ticket;
    driver.take({ kind: "load-finished", load: loadOfA });
    expect(driver.state.shown).toMatchObject({ kind: "content", content: A });
    driver.take({ kind: "probed", ticket: probeOfB, answer: { kind: "away", error: REFUSED } });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
  });

  test("a change back to the content that never left the screen loads nothing", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    driver.answersProbe(REFUSED);
    expect(driver.take({ kind: "scene", scene: { kind: "content", content: A } })).toEqual([]);
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a" });
  });

  test("answers to outdated questions are ignored", () => {
    const driver = Driver.playing(A);
    const before = driver.state;
    for (const event of [
      { kind: "probed", ticket: 1, answer: { kind: "answers" } },
      { kind: "timer", ticket: 1 },
      { kind: "load-committed", load: 1 },
      { kind: "load-cut", load: 1, error: REFUSED },
      { kind: "load-finished", load: 1 },
      { kind: "load-failed", load: 1, error: REFUSED, pictureKept: false },
    ] as const) {
      driver.take(event);
      expect(driver.state).toEqual(before);
    }
  });
});

test("in any order of events, a good picture is given up only for a crash, a lost browser, another scene or a shell that lost it", () => {
  const events = fc.oneof(
    fc.constant<StageEvent>({ kind: "reload", ignoreCache: false }),
    fc.constant<StageEvent>({ kind: "load-failed", error: REFUSED, pictureKept: true }),
    fc.nat(40).map((ticket): StageEvent => ({ kind: "probed", ticket, answer: { kind: "away", error: REFUSED } })),
    fc.nat(40).map((ticket): StageEvent => ({ kind: "probed", ticket, answer: { kind: "answers" } })),
    fc.nat(40).map((ticket): StageEvent => ({ kind: "timer", ticket })),
    fc.nat(40).map((load): StageEvent => ({ kind: "load-failed", load, error: REFUSED, pictureKept: true })),
    fc.nat(40).map((load): StageEvent => ({ kind: "load-finished", load })),
    fc.nat(40).map((load): StageEvent => ({ kind: "load-committed", load })),
    fc.nat(40).map((load): StageEvent => ({ kind: "load-cut", load, error: REFUSED })),
    fc.constantFrom<StageEvent>({ kind: "leads-elsewhere", url: "https://login.example" }, { kind: "load-cut", error: REFUSED }, { kind: "own-document" }),
    fc.constantFrom<StageEvent>({ kind: "scene", scene: { kind: "content", content: B } }, { kind: "scene", scene: { kind: "content", content: A } }),
  );
  fc.assert(
    fc.property(fc.array(events, { maxLength: 60 }), (sequence) => {
      const driver = Driver.playing(A);
      for (const event of sequence) {
        driver.take(event);
        expect(["content", "arriving"]).toContain(driver.state.shown.kind);
        expect(driver.effects.some(({ kind }) => kind === "show-screen")).toBe(false);
        // Never stuck: content that is not on is being loaded, probed or waited for.
        const { work, shown, wanted } = driver.state;
        const isOn = shown.kind === "content" && shown.flaw === undefined && wanted.kind === "content" && shown.content.id === wanted.content.id;
        expect(work.kind !== "idle" || isOn).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test("content that answers 404 has failed through every retry, and the other content stays on", () => {
  const driver = Driver.playing(A);
  driver.take({ kind: "scene", scene: { kind: "content", content: B } });
  const error: Issue = { code: "http.404", message: "b.example answered 404." };
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
  expect(reportStage(driver.state)).toMatchObject({ content: "b", error: "http.404: b.example answered 404; a stays on" });
});

test("a package that stays on is named by the start of its hash", () => {
  const driver = Driver.playing({ ...PACKAGE, id: "0123456789abcdef".repeat(4) });
  driver.take({ kind: "scene", scene: { kind: "content", content: B } });
  driver.answersProbe();
  driver.take({ kind: "load-failed", load: driver.effect("load").load, error: { code: "http.404", message: "b.example answered 404." }, pictureKept: true });
  expect(reportStage(driver.state)).toMatchObject({ content: "b", error: "http.404: b.example answered 404; package 01234567 stays on" });
});
