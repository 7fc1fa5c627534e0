import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StageContent, StageScene } from "../contract/link-messages.ts";
import { inspectSample, judgePicture, type ContentFact, type FrameFact } from "./picture.ts";
import type { PixelSample } from "./shell.ts";
import { initialStage, type StageState } from "./stage-state.ts";

const CONTENT: StageContent = { kind: "url", id: "a", url: "https://a.example/", grants: [] };
const SCENE: StageScene = { kind: "content", content: CONTENT };
const PLAYING: StageState = { ...initialStage(SCENE, 0), work: { kind: "idle" }, shown: { kind: "content", content: CONTENT, sinceMs: 0, loads: 1 } };
const ALIVE: FrameFact = { kind: "alive", tookMs: 40, how: "the page moves" };
const VARIED: ContentFact = { kind: "varied", spread: 200 };
const late = (misses: number): FrameFact => ({ kind: "late", misses, sinceMs: 0, renderer: false, output: true });
const uniform = (red: number, green: number, blue: number, hits = 2): ContentFact => ({ kind: "uniform", red, green, blue, hits });

function judge(stage: StageState, frame: FrameFact, content: ContentFact) {
  const { verdict, confidence } = judgePicture({ stage, frame, content, nowMs: 10_000 });
  return { verdict, confidence };
}

describe("the verdict", () => {
  test.each<[string, StageState, FrameFact, ContentFact, string]>([
    ["all witnesses agree", PLAYING, ALIVE, VARIED, "showing"],
    ["one late frame is not frozen", PLAYING, late(1), VARIED, "showing"],
    ["two are", PLAYING, late(2), VARIED, "frozen"],
    ["frozen goes before a uniform picture", PLAYING, late(2), uniform(0, 0, 0), "frozen"],
    ["black", PLAYING, ALIVE, uniform(2, 0, 3), "dark"],
    ["white", PLAYING, ALIVE, uniform(255, 255, 255), "blank"],
    ["one black capture may be a fade", PLAYING, ALIVE, uniform(0, 0, 0, 1), "showing"],
    ["nothing could be asked", PLAYING, { kind: "unknown", why: "x" }, { kind: "unknown", why: "y" }, "unknown"],
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

  test("is the surer the more witnesses could be asked", () => {
    const both = judge(PLAYING, ALIVE, VARIED).confidence;
    const one = judge(PLAYING, ALIVE, { kind: "unknown", why: "x" }).confidence;
    expect(both).toBeGreaterThan(one);
    expect(one).toBeGreaterThan(judge(PLAYING, late(1), VARIED).confidence);
  });

  test("names every witness, with the reason when one could not be asked", () => {
    const { evidence } = judgePicture({ stage: PLAYING, frame: { kind: "unknown", why: "no answer" }, content: VARIED, nowMs: 0 });
    expect(evidence.map(({ witness }) => witness)).toEqual(["load", "frame", "capture"]);
    expect(evidence[1]?.says).toBe("could not ask: no answer");
  });
});

describe("a sample", () => {
  const solid = (red: number, green: number, blue: number, pixels = 64): PixelSample => ({ width: pixels, height: 1, rgba: Uint8Array.from({ length: pixels * 4 }, (_v, i) => [red, green, blue, 255][i % 4] ?? 0) });

  test("of one colour is uniform, and the hits are counted", () => {
    expect(inspectSample(solid(10, 20, 30), 0)).toEqual(uniform(10, 20, 30, 1));
    expect(inspectSample(solid(10, 20, 30), 4)).toEqual(uniform(10, 20, 30, 5));
  });

  test("with one pixel that differs is not, wherever it is", () => {
    fc.assert(
      fc.property(fc.nat(63), fc.nat(2), fc.nat(255), (pixel, channel, base) => {
        const sample = solid(base, base, base);
        sample.rgba[pixel * 4 + channel] = base < 128 ? 255 : 0;
        expect(inspectSample(sample, 0).kind).toBe("varied");
      }),
    );
  });

  test("without pixels says nothing", () => {
    expect(inspectSample({ width: 0, height: 0, rgba: new Uint8Array() }, 0).kind).toBe("unknown");
  });
});

test.each<[string, StageState["work"]]>([
  ["waiting", { kind: "waiting", ticket: 3, attempt: 0, error: { code: "http.404", message: "b answered 404." }, ignoreCache: false }],
  ["probing", { kind: "probing", ticket: 3, attempt: 1, ignoreCache: false }],
  ["loading", { kind: "loading", load: 3, attempt: 1 }],
])("while other content does not come, the evidence says what is on and what fails (%s)", (_name, work) => {
  const wanted: StageScene = { kind: "content", content: { kind: "url", id: "b", url: "https://b.example/", grants: [] } };
  const stage: StageState = { ...PLAYING, wanted, work, error: { code: "http.404", message: "b answered 404." } };
  const says = judgePicture({ stage, frame: ALIVE, content: VARIED, nowMs: 10_000 }).evidence[0]?.says;
  expect(says).toContain("content a is on, not what is wanted");
  expect(says).toContain("http.404");
});

test.each<[string, StageState["wanted"], StageState["shown"], string]>([
  ["content under our page that is wanted", { kind: "blank" }, PLAYING.shown, "content a is on, not what is wanted"],
  ["our page that is wanted", { kind: "blank" }, { kind: "screen", screen: { kind: "blank" } }, "our blank page is on"],
  ["our page in place of content", SCENE, { kind: "screen", screen: { kind: "offline", message: "m" } }, "our offline page is on, not what is wanted"],
])("the evidence says what is on and whether it is wanted: %s", (_name, wanted, shown, says) => {
  expect(judgePicture({ stage: { ...PLAYING, wanted, shown }, frame: ALIVE, content: VARIED, nowMs: 0 }).evidence[0]).toEqual({ witness: "load", says });
});
