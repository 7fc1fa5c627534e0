import { describe, expect, test } from "vitest";
import { judgePicture } from "./picture.ts";
import { reportStage } from "./stage-report.ts";
import { samePicture } from "./stage-state.ts";
import { A, B, Driver, REFUSED } from "./testing/stage-driver.ts";
import type { Issue } from "../../platform/ports/result.ts";

const ALIVE = { frame: { kind: "alive", tookMs: 5, how: "test", atMs: 0 }, content: { kind: "varied", spread: 90 } } as const;
const ELSEWHERE: Issue = { code: "content.elsewhere", message: "The content's address leads to http://portal.example, which is not the content." };
const picture = (driver: Driver) => judgePicture({ stage: driver.state, nowMs: driver.nowMs, ...ALIVE, frame: { ...ALIVE.frame, atMs: driver.nowMs } });

/** Reloads the wanted content until its document is on, and returns the load's number. */
function commits(driver: Driver): number {
  const { load } = driver.effect("load");
  driver.take({ kind: "load-committed", load });
  return load;
}

describe("a load that ends elsewhere", () => {
  test("keeps the good picture and is retried every quarter of a minute at most", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "reload", ignoreCache: false });
    for (let attempt = 0; attempt < 20; attempt += 1) {
      driver.answersProbe();
      driver.failsToLoad(ELSEWHERE);
      expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
      expect(driver.effect("wait").delayMs).toBeLessThanOrEqual(15_000);
      expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "a" });
      expect(picture(driver).evidence[0]?.says).toContain("content.elsewhere");
      driver.fires();
    }
    driver.answersProbe();
    driver.finishes();
    expect(driver.state).toMatchObject({ work: { kind: "idle" }, shown: { kind: "content", content: A } });
    expect(driver.state.error).toBeUndefined();
  });

  test("shows a fault that says where it leads if no good picture is on", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    driver.failsToLoad(ELSEWHERE);
    expect(driver.effect("show-screen").screen).toMatchObject({ kind: "fault", code: "content.elsewhere" });
  });
});

describe("content that navigates elsewhere", () => {
  const URL = "https://login.example";

  test("has failed and is no good picture, and is reloaded at growing intervals until it stays", () => {
    const driver = Driver.playing(A);
    const delays: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      driver.take({ kind: "leads-elsewhere", url: URL });
      expect(reportStage(driver.state)).toMatchObject({ kind: "failed", error: expect.stringContaining("content.leads-elsewhere") as string });
      expect(picture(driver)).toMatchObject({ verdict: "error-page" });
      expect(picture(driver).evidence[0]?.says).toContain(URL);
      delays.push(driver.effect("wait").delayMs);
      driver.fires();
      driver.answersProbe();
      driver.finishes();
    }
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000);
    expect(Math.max(...delays)).toBeGreaterThan(10 * Math.min(...delays));
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing" });
    expect(picture(driver)).toMatchObject({ verdict: "showing" });
  });

  test("before its load is over is reported too", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const load = commits(driver);
    driver.take({ kind: "leads-elsewhere", url: URL });
    driver.take({ kind: "load-finished", load });
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed" });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
  });

  test("starts afresh with another document of its own", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "leads-elsewhere", url: URL });
    driver.take({ kind: "own-document" });
    expect(driver.state.work.kind).toBe("idle");
    expect(driver.state.error).toBeUndefined();
    expect(picture(driver).verdict).toBe("showing");
  });

  test("is reported once per document, however often the page tries", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "leads-elsewhere", url: URL });
    const before = driver.state;
    driver.take({ kind: "leads-elsewhere", url: URL });
    expect(driver.state).toBe(before);
  });
});

describe("an incomplete document", () => {
  const CUT: Issue = { code: "net.cut-off", message: "a.example: the document ended before its end." };

  test("is what is on from the moment it arrived, not the document before", () => {
    const driver = Driver.playing(A);
    driver.take({ kind: "scene", scene: { kind: "content", content: B } });
    driver.answersProbe();
    const load = commits(driver);
    expect(driver.state.shown).toMatchObject({ kind: "arriving", content: B });
    expect(picture(driver).evidence[0]?.says).toContain("content b is coming on");
    expect(reportStage(driver.state)).toMatchObject({ kind: "loading", content: "b" });
    driver.take({ kind: "load-finished", load });
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing", content: "b" });
  });

  test("that was cut off is reported as such, stays on and is reloaded", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const load = commits(driver);
    driver.take({ kind: "load-cut", load, error: CUT });
    expect(driver.effects.map(({ kind }) => kind)).toEqual(["wait"]);
    expect(reportStage(driver.state)).toMatchObject({ kind: "failed", error: expect.stringContaining("net.cut-off") as string });
    expect(picture(driver)).toMatchObject({ verdict: "error-page" });
    expect(picture(driver).evidence[0]?.says).toMatch(/^content a is on; waiting .*net\.cut-off/);
    driver.fires();
    driver.answersProbe();
    driver.finishes();
    expect(reportStage(driver.state)).toMatchObject({ kind: "playing" });
    expect(driver.state.error).toBeUndefined();
  });

  test("is the same picture to the witnesses from its arrival to the end of its load; other content is another", () => {
    const driver = Driver.playing(A);
    const before = driver.state.shown;
    driver.take({ kind: "reload", ignoreCache: false });
    driver.answersProbe();
    const load = commits(driver);
    const arriving = driver.state.shown;
    driver.take({ kind: "load-finished", load });
    expect(samePicture(before, arriving)).toBe(true);
    expect(samePicture(arriving, driver.state.shown)).toBe(true);
    expect(samePicture(Driver.playing(B).state.shown, arriving)).toBe(false);
  });
});

describe("why a load failed", () => {
  const VAGUE: Issue = { code: "net.failed", message: "a.example: the connection failed." };
  const EXPIRED: Issue = { code: "tls.expired", message: "a.example: its certificate was valid until 2020-01-01 00:00 UTC." };

  test("comes from the probe if the browser's reason is vague, whichever is first", () => {
    const after = new Driver({ kind: "content", content: A });
    after.take({ kind: "shell-ready" });
    const { ticket } = after.effect("probe");
    after.failsToLoad(VAGUE);
    after.take({ kind: "probed", ticket, answer: { kind: "answers", remark: EXPIRED } });
    expect(after.effect("show-screen").screen).toMatchObject({ kind: "fault", code: "tls.expired" });

    const before = new Driver({ kind: "content", content: A });
    before.take({ kind: "shell-ready" });
    const { load } = before.effect("load");
    before.answersProbe(undefined, EXPIRED);
    before.take({ kind: "load-failed", load, error: { code: "tls.wrong-date", message: "a.example: …" }, pictureKept: true });
    expect(before.effect("show-screen").screen).toMatchObject({ kind: "fault", code: "tls.expired" });
  });

  test("comes from the browser if it knows better", () => {
    const driver = new Driver({ kind: "content", content: A });
    driver.take({ kind: "shell-ready" });
    const { load } = driver.effect("load");
    driver.answersProbe(undefined, { code: "tls.unknown-issuer", message: "not in Node's list" });
    driver.take({ kind: "load-failed", load, error: REFUSED, pictureKept: true });
    expect(driver.state.error).toEqual(REFUSED);
  });
});

test("older content in place of content that answers 404 is a good but wrong picture: the evidence says so, at half the confidence", () => {
  const driver = Driver.playing(A);
  driver.take({ kind: "scene", scene: { kind: "content", content: B } });
  driver.answersProbe();
  driver.failsToLoad({ code: "http.404", message: "b.example answered 404." });
  expect(picture(driver)).toMatchObject({ verdict: "showing", confidence: 0.5 });
  expect(picture(driver).evidence[0]?.says).toContain("content a is on, not what is wanted; waiting for the content (http.404");
});
