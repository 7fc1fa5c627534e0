import { describe, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { ok, type Issue, type Result } from "../../platform/ports/result.ts";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import type { StageScene } from "../contract/link-messages.ts";
import type { FrameFinding, LoadTarget, PixelSample, Shell, ShellEvent, ShellFacts } from "./shell.ts";
import { Stage } from "./stage.ts";

const SCENE: StageScene = { kind: "content", content: { kind: "url", id: "a", url: "https://a.example/", grants: [] } };
const PICTURE: PixelSample = { width: 2, height: 1, rgba: Uint8Array.of(0, 0, 0, 255, 255, 255, 255, 255) };

/** A shell that obeys at once, and misbehaves on demand. */
class ScriptedShell implements Shell {
  readonly kind = "scripted";
  readonly loads: LoadTarget[] = [];
  starts = 0;
  stops = 0;
  resets = 0;
  looks = 0;
  /** Whether a new renderer draws again. */
  resetCures = true;
  frame: FrameFinding = { kind: "alive", tookMs: 20, how: "the page moves" };
  startResult: Result<ShellFacts> = ok({ name: "scripted 1" });
  #listener: (event: ShellEvent) => void = () => undefined;

  start = (): Promise<Result<ShellFacts>> => {
    this.starts += 1;
    return Promise.resolve(this.startResult);
  };
  stop = (): Promise<void> => {
    this.stops += 1;
    return Promise.resolve();
  };
  load = (load: number, target: LoadTarget): Promise<void> => {
    this.loads.push(target);
    this.say({ kind: "load-finished", load, url: "" });
    return Promise.resolve();
  };
  resetRenderer = (): Promise<void> => {
    this.resets += 1;
    if (this.resetCures) this.frame = { kind: "alive", tookMs: 20, how: "the page moves" };
    this.say({ kind: "renderer-gone", reason: "killed" });
    return Promise.resolve();
  };
  witnessFrame = (): Promise<FrameFinding> => {
    this.looks += 1;
    return Promise.resolve(this.frame);
  };
  sample = (): Promise<Result<PixelSample>> => Promise.resolve(ok(PICTURE));
  screenshot = (): never => {
    throw new Error("not asked for here");
  };
  clearCache = (): Promise<Result<undefined>> => Promise.resolve(ok(undefined));
  sendToPage = (): void => undefined;
  overlay = (): Promise<void> => Promise.resolve();
  metrics = (): Promise<Record<string, number>> => Promise.resolve({});
  onEvent = (listener: (event: ShellEvent) => void): (() => void) => {
    this.#listener = listener;
    return () => undefined;
  };
  hang(): void {
    this.frame = { kind: "late", renderer: false, output: true };
  }
  say(event: ShellEvent): void {
    this.#listener(event);
  }
}

function setUp(prepare: (shell: ScriptedShell) => void = () => undefined) {
  const time = new VirtualTime();
  const shell = new ScriptedShell();
  prepare(shell);
  const origin: { error: Issue | undefined } = { error: undefined };
  const stage = new Stage(SCENE, { shell, probe: { ask: () => Promise.resolve(origin.error === undefined ? { kind: "answers" } : { kind: "away", error: origin.error }) }, clock: time, timers: time, random: new SeededRandom(7), log: silentLog });
  const verdicts: string[] = [];
  stage.onSeen(({ picture }) => {
    if (verdicts.at(-1) !== picture.verdict) verdicts.push(picture.verdict);
  });
  const stop = new AbortController();
  const running = stage.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await time.settled(running);
  };
  return { time, shell, origin, stage, verdicts, end };
}

describe("the stage", () => {
  test("starts the browser, loads, looks and reaches its verdict; on abort it ends the browser", async () => {
    const { time, shell, stage, verdicts, end } = setUp();
    await time.advance(10_000);
    expect(shell.loads).toEqual([{ kind: "url", url: "https://a.example/", ignoreCache: false }]);
    expect(stage.seen()).toMatchObject({ stage: { kind: "playing" }, picture: { verdict: "showing" } });
    expect(stage.shellName).toBe("scripted 1");
    expect(verdicts.at(-1)).toBe("showing");
    await end();
    expect(shell.stops).toBe(1);
    expect(time.pending()).toEqual([]);
  });

  test("keeps retrying a browser that does not start, with growing delays", async () => {
    const { time, shell, stage, end } = setUp((broken) => {
      broken.startResult = { ok: false, error: { code: "shell.not-started", message: "no such file" } };
    });
    await time.advance(3_600_000);
    expect(shell.starts).toBeGreaterThan(20);
    expect(shell.starts).toBeLessThan(200);
    expect(stage.seen()).toMatchObject({ stage: { kind: "failed", error: "no browser: no such file" }, picture: { verdict: "dark" } });
    shell.startResult = ok({ name: "scripted 2" });
    await time.advance(120_000);
    expect(stage.seen().stage.kind).toBe("playing");
    await end();
  });

  test("reports a picture without frames as frozen within ten seconds, replaces its renderer once, and reports it as showing again", async () => {
    const { time, shell, stage, verdicts, end } = setUp();
    await time.advance(20_000);
    shell.hang();
    await time.advance(10_000);
    expect([stage.seen().picture.verdict, shell.resets]).toEqual(["frozen", 0]);
    await time.advance(5_000);
    expect([stage.seen().picture.verdict, shell.resets]).toEqual(["showing", 1]);
    await time.advance(60_000);
    expect(shell.resets).toBe(1);
    expect(verdicts.slice(verdicts.indexOf("frozen"))).toEqual(["frozen", "error-page", "unknown", "showing"]);
    await end();
  });

  test("treats a shell that never answers like a missing frame", async () => {
    const { time, shell, stage, end } = setUp();
    await time.advance(20_000);
    shell.witnessFrame = () => new Promise(() => undefined);
    shell.sample = () => new Promise(() => undefined);
    await time.advance(13_000);
    expect(stage.seen().picture.verdict).toBe("frozen");
    await time.advance(6_000);
    expect(shell.resets).toBe(1);
    await end();
  });

  test("ends at once, whatever the shell does not answer", async () => {
    const { time, shell, end } = setUp();
    await time.advance(20_000);
    shell.witnessFrame = () => new Promise(() => undefined);
    await time.advance(5_000);
    const askedMs = time.monotonicMs();
    await end();
    expect(time.monotonicMs() - askedMs).toBe(0);
    expect(time.pending()).toEqual([]);
  });

  test("does not end a page that a slow machine keeps waiting, but later ends one that hangs there", async () => {
    const { time, shell, stage, end } = setUp();
    await time.advance(20_000);
    shell.frame = { kind: "late", renderer: false, output: false, starvedMs: 2_900 };
    await time.advance(60_000);
    expect([shell.resets, shell.starts]).toEqual([0, 1]);
    expect(stage.seen().picture.evidence[1]?.says).toContain("the machine is busy");
    shell.frame = { kind: "alive", tookMs: 900, how: "the page moves" };
    await time.advance(5_000);
    expect(stage.seen().picture.verdict).toBe("showing");
    shell.frame = { kind: "late", renderer: false, output: true, starvedMs: 1_500 };
    await time.advance(30_000);
    expect(shell.resets).toBe(1);
    await end();
  });

  test("restarts the browser if a new renderer draws no frame either, and waits longer at each step", async () => {
    const { time, shell, end } = setUp();
    await time.advance(20_000);
    shell.hang();
    shell.resetCures = false;
    const steps: number[] = [];
    let before = 1;
    for (let second = 0; second < 240; second += 1) {
      await time.advance(1_000);
      if (shell.resets + shell.starts > before) steps.push(second);
      before = shell.resets + shell.starts;
    }
    expect(steps.slice(0, 2).every((second) => second < 40)).toBe(true);
    expect([shell.resets, shell.starts].every((count) => count >= 2 && count <= 4)).toBe(true);
    await end();
  });

  test("leaves alone a renderer that answers but draws nothing, because its output may be off", async () => {
    const { time, shell, stage, end } = setUp();
    await time.advance(20_000);
    shell.frame = { kind: "late", renderer: true, output: false };
    await time.advance(600_000);
    expect([stage.seen().picture.verdict, shell.resets, shell.starts]).toEqual(["unknown", 0, 1]);
    expect(stage.seen().picture.evidence[1]?.says).toContain("the renderer answers a capture, and draws nothing");
    await end();
  });

  test("repairs nothing behind an output that is off all night, and judges anew at once when a frame comes", async () => {
    const { time, shell, stage, verdicts, end } = setUp();
    await time.advance(20_000);
    shell.frame = { kind: "dark", outputOff: "HDMI-A-1 is off" };
    await time.advance(10 * 3_600_000);
    expect(stage.seen().picture).toMatchObject({ verdict: "dark", outputOff: "HDMI-A-1 is off" });
    expect([shell.resets, shell.starts, shell.loads.length]).toEqual([0, 1, 1]);
    shell.frame = { kind: "alive", tookMs: 20, how: "the page moves" };
    shell.say({ kind: "output-lit" });
    await time.advance(0);
    expect(stage.seen().picture.verdict).toBe("showing");
    expect(stage.seen().picture).not.toHaveProperty("outputOff");
    expect(verdicts.slice(verdicts.indexOf("showing"))).toEqual(["showing", "dark", "showing"]);
    await end();
  });

  test("finds a renderer that hangs behind an output that is off, replaces it once, and reports the screen as dark throughout", async () => {
    const { time, shell, stage, verdicts, end } = setUp();
    await time.advance(20_000);
    const outputOff = "HDMI-A-1 is off";
    shell.frame = { kind: "dark", outputOff };
    await time.advance(60_000);
    const before = verdicts.length;
    shell.frame = { kind: "late", renderer: false, output: false, outputOff };
    shell.resetRenderer = () => {
      shell.resets += 1;
      shell.frame = { kind: "dark", outputOff };
      shell.say({ kind: "renderer-gone", reason: "killed" });
      return Promise.resolve();
    };
    await time.advance(9_000);
    expect(stage.seen().picture.evidence[1]?.says).toContain("HDMI-A-1 is off, and the renderer does not answer a capture either");
    await time.advance(600_000);
    expect([shell.resets, shell.starts, shell.loads.length]).toEqual([1, 1, 2]);
    expect(verdicts.slice(before)).toEqual([]);
    expect(stage.seen().picture.outputOff).toBe(outputOff);
    await end();
  });

  test("reports a browser that waits for an output as dark, with the output, and starts it only once", async () => {
    let enable = (): void => undefined;
    const { time, shell, stage, end } = setUp((waiting) => {
      waiting.start = () => {
        waiting.starts += 1;
        return new Promise((resolve) => (enable = () => resolve(ok({ name: "scripted 1" }))));
      };
    });
    shell.say({ kind: "no-output", outputOff: "HDMI-A-1 is disabled" });
    await time.advance(3_600_000);
    expect(stage.seen()).toMatchObject({
      stage: { kind: "failed", error: "no browser: it starts when an output is enabled: HDMI-A-1 is disabled" },
      picture: { verdict: "dark", outputOff: "HDMI-A-1 is disabled" },
    });
    enable();
    await time.advance(1_000);
    expect([stage.seen().picture.verdict, shell.starts]).toEqual(["showing", 1]);
    await end();
  });

  test("looks at a picture as soon as it is loaded", async () => {
    const { time, stage, end } = setUp();
    await time.advance(100);
    expect(stage.seen().picture).toMatchObject({ verdict: "showing", confidence: 0.95 });
    await end();
  });

  test.each([300, 5_000, 10_000])("keeps watching a page that reloads every %i ms, without looking more often", async (everyMs) => {
    const { time, shell, stage, verdicts, end } = setUp();
    await time.advance(20_000);
    const [before, looks] = [verdicts.length, shell.looks];
    for (let passedMs = 0; passedMs < 120_000; passedMs += everyMs) {
      await time.advance(everyMs);
      shell.say({ kind: "load-finished", url: "" });
    }
    expect(verdicts.slice(before)).toEqual([]);
    expect(shell.looks - looks).toBeLessThan(40);
    expect(stage.seen()).toMatchObject({ stage: { kind: "playing", looping: true }, picture: { evidence: [{ says: expect.stringContaining(`it loads itself anew about every ${everyMs / 1000} s`) as string }, {}, {}] } });
    await end();
  });

  test("treats the previous document as on while other content is loading", async () => {
    const { time, shell, stage, end } = setUp();
    await time.advance(1_000);
    let coming = 0;
    shell.load = (load) => {
      coming = load;
      return Promise.resolve();
    };
    stage.setScene({ kind: "content", content: { kind: "url", id: "b", url: "https://b.example/", grants: ["gpio"] } });
    await time.advance(1_000);
    expect([stage.contentOn?.id, stage.contentShown?.id]).toEqual(["b", "a"]);
    shell.say({ kind: "load-committed", load: coming, url: "https://b.example/" });
    expect(stage.contentShown?.id).toBe("b");
    await end();
  });

  test("restarts a browser that ended, with the same picture", async () => {
    const { time, shell, stage, end } = setUp();
    await time.advance(10_000);
    shell.say({ kind: "browser-gone", reason: "it was ended by SIGKILL" });
    expect(stage.seen().picture.verdict).toBe("dark");
    await time.advance(10_000);
    expect(shell.starts).toBe(2);
    expect(stage.seen().stage.kind).toBe("playing");
    await end();
  });

  test("keeps the picture through an outage of an hour and reloads it within a minute of the origin's return", async () => {
    const { time, shell, origin, stage, end } = setUp();
    await time.advance(10_000);
    origin.error = { code: "net.connection-refused", message: "a.example: the connection was refused." };
    expect(stage.reload(false).ok).toBe(true);
    await time.advance(3_600_000);
    expect(shell.loads).toHaveLength(1);
    expect(stage.seen()).toMatchObject({ stage: { kind: "playing" }, picture: { verdict: "showing" } });
    expect(stage.seen().picture.evidence[0]?.says).toContain("net.connection-refused");
    origin.error = undefined;
    await time.advance(60_000);
    expect(shell.loads).toHaveLength(2);
    await end();
  });
});
