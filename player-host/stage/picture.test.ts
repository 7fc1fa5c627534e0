import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StageContent, StageScene } from "../contract/link-messages.ts";
import { FRAME_FRESH_MS, inspectSample, judgePicture, type ContentFact, type FrameFact } from "./picture.ts";
import type { PixelSample, WindowFinding } from "./shell.ts";
import { initialStage, type StageState } from "./stage-state.ts";

const CONTENT: StageContent = { kind: "url", id: "a", url: "https://a.example/", grants: [] };
const SCENE: StageScene = { kind: "content", content: CONTENT };
const PLAYING: StageState = { ...initialStage(SCENE, 0), work: { kind: "idle" }, shown: { kind: "content", content: CONTENT, sinceMs: 0, loads: 1 } };
const NOW_MS = 100_000;
const ALIVE: FrameFact = { kind: "alive", tookMs: 40, how: "the page moves", atMs: NOW_MS - 5_000 };
const OLD: FrameFact = { ...ALIVE, atMs: NOW_MS - FRAME_FRESH_MS - 1 };
const DARK: FrameFact = { kind: "dark", outputOff: "HDMI-A-1 is off", atMs: NOW_MS - 5_000 };
const HUNG_IN_THE_DARK: FrameFact = { kind: "late", misses: 5, sinceMs: 0, renderer: false, output: false, starvedMs: 0, outputOff: "HDMI-A-1 is off" };
const UNASKABLE: FrameFact = { kind: "unknown", why: "x", misses: 1, sinceMs: NOW_MS };
const VARIED: ContentFact = { kind: "varied", spread: 200 };
const late = (misses: number): FrameFact => ({ kind: "late", misses, sinceMs: 0, renderer: false, output: true, starvedMs: 0 });
const undrawn = (misses: number, output: boolean): FrameFact => ({ kind: "late", misses, sinceMs: 0, renderer: true, output, starvedMs: 0 });
const uniform = (red: number, green: number, blue: number, hits = 2): ContentFact => ({ kind: "uniform", red, green, blue, hits });

function judge(stage: StageState, frame: FrameFact, content: ContentFact) {
  const { verdict, confidence } = judgePicture({ stage, frame, content, nowMs: NOW_MS });
  return { verdict, confidence };
}

describe("the verdict", () => {
  test.each<[string, StageState, FrameFact, ContentFact, string]>([
    ["all witnesses agree", PLAYING, ALIVE, VARIED, "showing"],
    ["one late frame is not frozen, and nobody saw one", PLAYING, late(1), VARIED, "unknown"],
    ["two are frozen", PLAYING, late(2), VARIED, "frozen"],
    ["a frame of too long ago", PLAYING, OLD, VARIED, "unknown"],
    ["a picture that was there a moment ago, and nobody who could be asked", PLAYING, UNASKABLE, VARIED, "unknown"],
    ["a renderer that answers and draws nothing is not frozen, however long", PLAYING, undrawn(50, false), VARIED, "unknown"],
    ["nor where one old frame came out", PLAYING, undrawn(50, true), VARIED, "unknown"],
    ["a dark picture with small lights, whose frames come", PLAYING, ALIVE, { kind: "sparse", red: 0, green: 0, blue: 0, odd: 9, of: 9216 }, "showing"],
    ["an output that is off", PLAYING, DARK, VARIED, "dark"],
    ["an output that was off too long ago", PLAYING, { ...DARK, atMs: NOW_MS - FRAME_FRESH_MS - 1 }, VARIED, "unknown"],
    ["a renderer that hangs behind an output that is off", PLAYING, HUNG_IN_THE_DARK, VARIED, "dark"],
    ["another picture behind an output that is off, before it is judged", PLAYING, { kind: "unasked", outputOff: "HDMI-A-1 is off" }, { kind: "unasked" }, "dark"],
    ["our fault page behind an output that is off", { ...PLAYING, shown: { kind: "screen", screen: { kind: "fault", code: "c", message: "m" } } }, DARK, VARIED, "dark"],
    ["frozen goes before a uniform picture", PLAYING, late(2), uniform(0, 0, 0), "frozen"],
    ["black", PLAYING, ALIVE, uniform(2, 0, 3), "dark"],
    ["white", PLAYING, ALIVE, uniform(255, 255, 255), "blank"],
    ["one black capture may be a fade", PLAYING, ALIVE, uniform(0, 0, 0, 1), "showing"],
    ["nothing could be asked", PLAYING, UNASKABLE, { kind: "unknown", why: "y" }, "unknown"],
    ["no browser", { ...PLAYING, work: { kind: "no-shell", why: "it ended" } }, ALIVE, VARIED, "dark"],
    ["a dead renderer", { ...PLAYING, shown: { kind: "nothing" }, work: { kind: "cooling", ticket: 1, crashes: 1 } }, ALIVE, VARIED, "error-page"],
    ["our page where the content should be", { ...PLAYING, shown: { kind: "screen", screen: { kind: "offline", message: "" } } }, ALIVE, VARIED, "error-page"],
    ["pairing is what is wanted", { ...PLAYING, wanted: { kind: "pairing", deviceId: "d", status: "s" }, shown: { kind: "screen", screen: { kind: "pairing", deviceId: "d", status: "s" } } }, ALIVE, VARIED, "showing"],
    ["blank is black by wish", { ...PLAYING, wanted: { kind: "blank" }, shown: { kind: "screen", screen: { kind: "blank" } } }, ALIVE, uniform(0, 0, 0), "dark"],
    ["a black page that did not come on is not dark", { ...PLAYING, wanted: { kind: "blank" }, shown: { kind: "screen", screen: { kind: "blank" } } }, ALIVE, VARIED, "showing"],
    ["our fault page, once it is on", { ...PLAYING, wanted: { kind: "fault", code: "c", message: "m" }, shown: { kind: "screen", screen: { kind: "fault", code: "c", message: "m" } } }, ALIVE, VARIED, "error-page"],
    ["our fault page on its way", { ...PLAYING, wanted: { kind: "fault", code: "c", message: "m" } }, ALIVE, VARIED, "showing"],
    ["still loading", { ...PLAYING, shown: { kind: "nothing" }, work: { kind: "loading", load: 1, attempt: 0 } }, ALIVE, VARIED, "unknown"],
  ])("%s", (_name, stage, frame, content, verdict) => {
    expect(judge(stage, frame, content).verdict).toBe(verdict);
  });

  test("is more confident the more the capture shows; a few odd pixels are no picture", () => {
    const [varied, unseen, sparse] = ([VARIED, { kind: "unknown", why: "x" }, { kind: "sparse", red: 255, green: 255, blue: 255, odd: 1, of: 9216 }] as const).map((content) => judge(PLAYING, ALIVE, content).confidence);
    expect(varied).toBeGreaterThan(unseen ?? 0);
    expect(unseen).toBeGreaterThan(sparse ?? 0);
  });

  test("is never confident with one colour only: the load is complete and frames arrive", () => {
    expect([judge(PLAYING, ALIVE, uniform(255, 255, 255, 50)).confidence, judge(PLAYING, ALIVE, uniform(0, 0, 0, 50)).confidence]).toEqual([0.6, 0.6]);
  });

  test("names every witness, with the reason if one could not be asked", () => {
    const { evidence } = judgePicture({ stage: PLAYING, frame: { ...UNASKABLE, why: "no answer" }, content: VARIED, nowMs: 0 });
    expect(evidence.map(({ witness }) => witness)).toEqual(["load", "frame", "capture"]);
    expect(evidence[1]?.says).toBe("could not ask: no answer");
  });
});

describe("the witness of the window", () => {
  const judged = (window: WindowFinding | undefined, stage = PLAYING) => judgePicture({ stage, frame: ALIVE, content: VARIED, window, nowMs: NOW_MS });
  const says = "window.x: y";

  test.each<[string, WindowFinding | undefined, string, number]>([
    ["is silent where nobody looks", undefined, "showing", 0.95],
    ["is silent about a window that is as it should be", { kind: "alone" }, "showing", 0.95],
    ["makes another program's window over a good picture an error page", { kind: "covered", by: "other", says }, "error-page", 0.8],
    ["makes a dialog of the browser's over a good picture an error page", { kind: "covered", by: "browser", says }, "error-page", 0.8],
    ["makes a window of another size than the screen an error page", { kind: "misplaced", says }, "error-page", 0.7],
    ["that could not be asked makes a good picture less sure, and no other one", { kind: "unknown", says }, "showing", 0.75],
  ])("%s", (_name, window, verdict, confidence) => {
    const picture = judged(window);
    expect(picture).toMatchObject({ verdict, confidence });
    expect(picture.evidence.filter(({ witness }) => witness === "window")).toEqual(window === undefined || window.kind === "alone" ? [] : [{ witness: "window", says }]);
  });

  test("does not exist without a browser", () => {
    expect(judged({ kind: "covered", by: "browser", says }, { ...PLAYING, work: { kind: "no-shell", why: "it ended" } }).verdict).toBe("dark");
  });
});

describe("a sample", () => {
  const solid = (red: number, green: number, blue: number, pixels = 64): PixelSample => ({ width: pixels, height: 1, rgba: Uint8Array.from({ length: pixels * 4 }, (_v, i) => [red, green, blue, 255][i % 4] ?? 0) });

  test("of one colour is uniform, and repeats are counted", () => {
    expect(inspectSample(solid(10, 20, 30), 0)).toEqual(uniform(10, 20, 30, 1));
    expect(inspectSample(solid(10, 20, 30), 4)).toEqual(uniform(10, 20, 30, 5));
  });

  test("with one different pixel is not uniform, wherever the pixel is", () => {
    fc.assert(
      fc.property(fc.nat(63), fc.nat(2), fc.nat(255), (pixel, channel, base) => {
        const sample = solid(base, base, base);
        sample.rgba[pixel * 4 + channel] = base < 128 ? 255 : 0;
        expect(inspectSample(sample, 0).kind).toBe("varied");
      }),
    );
  });

  test.each<[string, number, string]>([
    ["a broken icon on a white page, 16 by 16 pixels of full HD", 4, "sparse"],
    ["small lights in the dark", 40, "sparse"],
    ["a line of text", 80, "varied"],
  ])("with few odd pixels differs from a varied one: %s", (_name, odd, kind) => {
    const sample = solid(250, 250, 250, 128 * 72);
    for (let at = 0; at < odd; at++) sample.rgba[at * 97 * 4] = 100;
    expect(inspectSample(sample, 0)).toMatchObject(kind === "sparse" ? { kind, red: 250, green: 250, blue: 250, odd, of: 9216 } : { kind, spread: 150 });
  });

  test("without pixels is unknown", () => {
    expect(inspectSample({ width: 0, height: 0, rgba: new Uint8Array() }, 0).kind).toBe("unknown");
  });
});

test("the evidence says which half answered when no frame arrived", () => {
  const says = (frame: FrameFact): string | undefined => judgePicture({ stage: PLAYING, frame, content: VARIED, nowMs: 9_000 }).evidence[1]?.says;
  expect(says(undrawn(3, false))).toBe("no frame 3 times since 9000 ms: the renderer answers a capture, and draws nothing: its output may be switched off");
  expect(says(late(3))).toContain("the renderer does not answer");
});

test.each<[string, StageState["work"]]>([
  ["waiting", { kind: "waiting", ticket: 3, attempt: 0, error: { code: "http.404", message: "b answered 404." }, ignoreCache: false }],
  ["probing", { kind: "probing", ticket: 3, attempt: 1, ignoreCache: false }],
  ["loading", { kind: "loading", load: 3, attempt: 1 }],
])("while other content does not load, the evidence says what is on and what fails (%s)", (_name, work) => {
  const wanted: StageScene = { kind: "content", content: { kind: "url", id: "b", url: "https://b.example/", grants: [] } };
  const stage: StageState = { ...PLAYING, wanted, work, error: { code: "http.404", message: "b answered 404." } };
  const says = judgePicture({ stage, frame: ALIVE, content: VARIED, nowMs: NOW_MS }).evidence[0]?.says;
  expect(says).toContain("content a is on, not what is wanted");
  expect(says).toContain("http.404");
});

test.each<[string, StageState["wanted"], StageState["shown"], string]>([
  ["content under our page that is wanted", { kind: "blank" }, PLAYING.shown, "content a is on, not what is wanted"],
  ["our page that is wanted", { kind: "blank" }, { kind: "screen", screen: { kind: "blank" } }, "our blank page is on"],
  ["our page in place of content", SCENE, { kind: "screen", screen: { kind: "offline", message: "m" } }, "our offline page is on, not what is wanted"],
])("the evidence says what is on screen and whether it is wanted: %s", (_name, wanted, shown, says) => {
  expect(judgePicture({ stage: { ...PLAYING, wanted, shown }, frame: ALIVE, content: VARIED, nowMs: 0 }).evidence[0]).toEqual({ witness: "load", says });
});
