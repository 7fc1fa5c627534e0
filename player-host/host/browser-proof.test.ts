import { describe, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../platform/ports/result.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import type { BrowserReport } from "../contract/browser-report.ts";
import type { FrameFinding, Shell, ShellEvent, ShellFacts } from "../stage/shell.ts";
import { BrowserProof } from "./browser-proof.ts";

const ALIVE: FrameFinding = { kind: "alive", tookMs: 5, how: "the page moves" };
const LATE: FrameFinding = { kind: "late", renderer: false, output: true };

function setUp() {
  const time = new VirtualTime();
  const told: BrowserReport["picture"]["kind"][] = [];
  const said: string[] = [];
  let tell: (event: ShellEvent) => void = () => undefined;
  const answers: { start: Result<ShellFacts> | Promise<Result<ShellFacts>>; frame: FrameFinding } = { start: ok({ name: "chromium 156.0.8078.108" }), frame: ALIVE };
  const inner = {
    kind: "chromium",
    start: () => Promise.resolve(answers.start),
    witnessFrame: () => Promise.resolve(answers.frame),
    onEvent: (listener: (event: ShellEvent) => void) => {
      tell = listener;
      return () => undefined;
    },
  } as unknown as Shell;
  const log = { ...silentLog, error: (_fields: object, message: string) => said.push(message) };
  const proof = new BrowserProof({ shell: inner, chosen: { why: "found", sandbox: true, passedOver: [] }, clock: time, timers: time, log });
  proof.onChange((report) => told.push(report.picture.kind));
  return { time, proof, shell: proof.shell, told, said, answers, tell: (event: ShellEvent) => tell(event) };
}

const loaded: ShellEvent = { kind: "load-finished", load: 1, url: "http://a.example/" };

test("a frame of a loaded page is the proof, and its time is reported", async () => {
  const { time, proof, shell, tell } = setUp();
  await shell.start();
  await time.advance(700);
  tell(loaded);
  await shell.witnessFrame(5_000);
  expect(proof.report).toEqual({ name: "chromium 156.0.8078.108", why: "found", sandbox: true, passedOver: [], support: "tested", picture: { kind: "seen", afterMs: 700 } });
  await time.advance(60_000);
  expect(proof.report.picture.kind).toBe("seen");
  expect(time.pending()).toEqual([]);
});

test("a frame of an empty tab is no proof: after 30 s without a picture the browser has failed", async () => {
  const { time, proof, shell, told } = setUp();
  await shell.start();
  await shell.witnessFrame(5_000);
  await time.advance(30_000);
  expect(proof.report.picture).toEqual({ kind: "none", why: "no picture within 30 s; it answers, and no page was loaded in it" });
  expect(told).toEqual(["waiting", "none"]);
});

test("a page that loads and draws nothing is no proof either", async () => {
  const { time, proof, shell, answers, tell } = setUp();
  await shell.start();
  answers.frame = LATE;
  tell(loaded);
  await shell.witnessFrame(5_000);
  await time.advance(30_000);
  expect(proof.report.picture).toEqual({ kind: "none", why: "no picture within 30 s; it answers and has loaded its page, and draws nothing" });
});

test("a browser gets its 30 s anew as long as its output is off, and fails when it draws nothing on one that is on", async () => {
  const { time, proof, shell, answers, tell } = setUp();
  await shell.start();
  answers.frame = { kind: "dark", outputOff: "HDMI-A-1 is off" };
  tell(loaded);
  for (let minute = 0; minute < 60; minute += 1) {
    await shell.witnessFrame(5_000);
    await time.advance(20_000);
    tell({ kind: "no-output", outputOff: "HDMI-A-1 is disabled" });
    await time.advance(20_000);
  }
  expect(proof.report.picture.kind).toBe("waiting");
  answers.frame = LATE;
  await shell.witnessFrame(5_000);
  await time.advance(30_000);
  expect(proof.report.picture.kind).toBe("none");
});

test("a browser that never answers is reported as such", async () => {
  const { time, proof, shell, answers } = setUp();
  answers.start = new Promise(() => {});
  void shell.start();
  await time.advance(30_000);
  expect(proof.report.picture).toEqual({ kind: "none", why: "no picture within 30 s; it was started and has not answered" });
});

describe("a page whose renderer had to be ended before its first frame", () => {
  const gone: ShellEvent = { kind: "renderer-gone", reason: "ended by the host" };

  async function afterAnEnd() {
    const seat = setUp();
    await seat.shell.start();
    seat.answers.frame = LATE;
    seat.tell({ kind: "load-committed", load: 1, url: "http://a.example/" });
    await seat.time.advance(12_000);
    seat.tell(gone);
    await seat.time.advance(20_000);
    return seat;
  }

  test("does not fail the browser: our own page then is the proof", async () => {
    const { proof, shell, answers, tell, time } = await afterAnEnd();
    expect(proof.report.picture.kind).toBe("waiting");
    tell(gone);
    answers.frame = ALIVE;
    tell({ kind: "load-finished", load: 3, url: "https://screen.vitrine.invalid/fault" });
    await shell.witnessFrame(5_000);
    expect(proof.report.picture).toEqual({ kind: "seen", afterMs: 32_000 });
    expect(time.pending()).toEqual([]);
  });

  test("excuses the browser only for a limited time", async () => {
    const { proof, tell, time } = await afterAnEnd();
    tell(gone);
    await time.advance(10_000);
    expect(proof.report.picture).toEqual({ kind: "none", why: "no picture within 42 s; it answers, and no page was loaded in it" });
  });

  test("is not an excuse if nothing was loaded", async () => {
    const { proof, shell, tell, time } = setUp();
    await shell.start();
    await time.advance(12_000);
    tell(gone);
    await time.advance(18_000);
    expect(proof.report.picture).toEqual({ kind: "none", why: "no picture within 30 s; it answers, and no page was loaded in it" });
  });
});

test("a second end before the first picture fails the browser, whether it starts or not; the last output is reported", async () => {
  const { proof, shell, answers, tell } = setUp();
  answers.start = fail("shell.not-started", "it ended with code 127. libgbm.so.1: cannot open");
  await shell.start();
  expect(proof.report.picture.kind).toBe("waiting");
  answers.start = ok({ name: "chromium 156.0.8078.108" });
  await shell.start();
  tell({ kind: "browser-gone", reason: "it was ended by SIGTRAP" });
  expect(proof.report.picture).toEqual({ kind: "none", why: "it ended 2 times before its first picture; the last time: it was ended by SIGTRAP" });
});

test("ends after the first picture are handled by the recovery steps", async () => {
  const { proof, shell, tell } = setUp();
  await shell.start();
  tell(loaded);
  await shell.witnessFrame(5_000);
  for (let times = 0; times < 5; times += 1) tell({ kind: "browser-gone", reason: "killed" });
  expect(proof.report.picture.kind).toBe("seen");
});

test("a picture after all is reported", async () => {
  const { time, proof, shell, tell } = setUp();
  await shell.start();
  await time.advance(30_000);
  tell(loaded);
  await shell.witnessFrame(5_000);
  expect(proof.report.picture).toEqual({ kind: "seen", afterMs: 30_000 });
});

test("a version older than the oldest supported one is reported at the start, with the remedy", async () => {
  const { proof, shell, said, answers } = setUp();
  answers.start = ok({ name: "chromium 120.0.6099.224" });
  await shell.start();
  expect(proof.report.support).toBe("too-old");
  expect(said).toEqual(["chromium 120.0.6099.224 is older than 150, the oldest version that is supported"]);
});
