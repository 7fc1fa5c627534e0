import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedCompositor } from "../../../platform/simulated/simulated-compositor.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { CdpError, type Cdp } from "./cdp-client.ts";
import type { ChromiumPage } from "./chromium-page.ts";
import { OutputPower } from "./output-power.ts";
import { PagePictures } from "./page-pictures.ts";
import { Screencast } from "./screencast.ts";

type Answer = "answers" | "silent" | "refuses";

/** A browser whose parts each answer, stay silent until the deadline, or refuse. */
function setUp(browser: { readonly start: Answer; readonly frames: Answer; readonly thread: Answer; readonly capture: Answer; readonly casts?: boolean; readonly starvedMs?: number; readonly loads?: boolean; readonly reloads?: "painted" | "unpainted" }) {
  const time = new VirtualTime();
  const compositor = new SimulatedCompositor(time);
  let lit = 0;
  const listeners = new Set<(frame: unknown) => void>();
  const asked: string[] = [];
  const tellFrame = (): void => {
    for (const tell of listeners) tell({ data: "QUJD", sessionId: 1 });
  };
  const answer = (kind: Answer, what: string, timeoutMs: number): Promise<unknown> => {
    asked.push(what);
    if (kind === "answers") return Promise.resolve({ data: "QUJD" });
    if (kind === "refuses") return Promise.reject(new CdpError("refused", `${what}: Not attached to an active page`));
    return new Promise((_resolve, reject) => void time.after(what, timeoutMs, () => reject(new CdpError("timeout", what))));
  };
  const call = (method: string, _params: unknown, options: { readonly timeoutMs?: number } = {}): Promise<unknown> => {
    if (method === "Page.getLayoutMetrics") return Promise.resolve({ cssVisualViewport: { clientWidth: 1_280, clientHeight: 720 } });
    if (method === "Page.startScreencast" && browser.casts === true) void time.after("frame", 20, tellFrame);
    return answer(method === "Page.startScreencast" ? browser.start : method === "Page.captureScreenshot" ? browser.capture : "answers", method, options.timeoutMs ?? 10_000);
  };
  const cdp = {
    call,
    on: (_event: string, _session: unknown, listener: (frame: unknown) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Cdp;
  const page = {
    documentsPainted: 0,
    documentsLoaded: 0,
    pending: () => (browser.loads === true ? { load: 2, url: "http://slow.example/", rules: { origins: [] } } : undefined),
    call: (method: string, params: unknown, timeoutMs: number) => call(method, params, { timeoutMs }),
    evaluate: (_expression: string, timeoutMs: number) => answer(browser.frames, "frames", timeoutMs),
    evaluateInMainWorld: (_expression: string, timeoutMs: number) => answer(browser.thread, "thread", timeoutMs),
  };
  const reloaded = (): void => {
    page.documentsLoaded += 1;
    if (browser.reloads !== "painted") return;
    page.documentsPainted += 1;
    void time.after("frame", 10, tellFrame);
  };
  if (browser.reloads !== undefined) for (let n = 1; n <= 5; n += 1) void time.after("reload", n * 300, reloaded);
  const pictures = new PagePictures({
    cast: new Screencast(cdp, "s", time),
    page: page as unknown as ChromiumPage,
    starvation: { begin: () => Promise.resolve(() => Promise.resolve(browser.starvedMs ?? 0)) },
    outputs: new OutputPower({ compositor, clock: time, timers: time, log: silentLog }),
    lit: () => (lit += 1),
    clock: time,
    timers: time,
  });
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    await time.advance(20_000);
    return work;
  };
  return { pictures, time, asked, settled, compositor, tellFrame, lit: () => lit };
}

describe("the frame witness", () => {
  test("reports which half answered: behind a switched-off output a healthy page answers a capture but draws no frame", async () => {
    const { pictures, settled } = setUp({ start: "answers", frames: "silent", thread: "answers", capture: "answers" });
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "late", renderer: true, output: false, starvedMs: 0 });
  });

  test.each<[string, Answer, Answer]>([
    ["whose thread hangs", "silent", "silent"],
    ["in a modal dialog, whose last picture can still be had", "silent", "answers"],
    ["whose pictures cannot be had, though its thread runs", "answers", "silent"],
    ["whose renderer the browser does not reach any more", "refuses", "refuses"],
  ])("does not report a page as alive %s", async (_name, thread, capture) => {
    const { pictures, settled } = setUp({ start: "silent", frames: thread === "refuses" ? "refuses" : "silent", thread, capture });
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "late", renderer: false, output: false, starvedMs: 0 });
  });

  test("reports the picture on screen as alive while a load waits for its server and the browser holds back evaluations", async () => {
    const { pictures, settled } = setUp({ start: "silent", frames: "silent", thread: "silent", capture: "answers", loads: true });
    expect(await settled(pictures.witness(3_000))).toMatchObject({ kind: "alive", how: "a new picture could be had while a load waits for its server" });
  });

  test("reports a page that reloads before it can answer as alive once a document of it was painted", async () => {
    const { pictures, settled } = setUp({ start: "answers", frames: "refuses", thread: "refuses", capture: "silent", reloads: "painted" });
    expect(await settled(pictures.witness(3_000))).toMatchObject({ kind: "alive", how: "it drew a new document" });
  });

  test("knows that the renderer runs if documents load but none has been painted yet", async () => {
    const { pictures, settled } = setUp({ start: "answers", frames: "refuses", thread: "refuses", capture: "silent", reloads: "unpainted" });
    expect(await settled(pictures.witness(3_000))).toMatchObject({ kind: "late", renderer: true, output: false });
  });

  test("finds a page that hangs while a load waits for its server", async () => {
    const { pictures, settled } = setUp({ start: "silent", frames: "silent", thread: "silent", capture: "silent", loads: true });
    expect(await settled(pictures.witness(3_000))).toMatchObject({ kind: "late", renderer: false });
  });

  test("reports how long the browser waited for a processor", async () => {
    const { pictures, settled } = setUp({ start: "silent", frames: "silent", thread: "silent", capture: "silent", starvedMs: 1_900 });
    expect(await settled(pictures.witness(3_000))).toMatchObject({ kind: "late", starvedMs: 1_900 });
  });

  test("keeps its deadline, whatever is not answered", async () => {
    const { pictures, time } = setUp({ start: "silent", frames: "silent", thread: "silent", capture: "silent" });
    let finding: unknown;
    const asking = pictures.witness(3_000).then((found) => (finding = found));
    await time.advance(3_000);
    await asking;
    expect(finding).toMatchObject({ kind: "late" });
  });

  test("requests no capture of a page whose frames arrive", async () => {
    const { pictures, asked, settled } = setUp({ start: "answers", frames: "answers", thread: "answers", capture: "answers", casts: true });
    await settled(pictures.witness(3_000));
    expect(asked.slice(0, 3)).toEqual(["Page.startScreencast", "frames", "Page.screencastFrameAck"]);
  });
});

/** Switches off the outputs of these names. */
function switchOff(compositor: SimulatedCompositor, ...names: readonly string[]): void {
  for (const name of names) {
    const output = compositor.outputsByName.get(name);
    if (output !== undefined) output.power = "off";
  }
}

describe("the frame witness behind an output that is off", () => {
  const HEALTHY = { start: "answers", frames: "silent", thread: "answers", capture: "answers" } as const;

  test("says that the output is off, and asks for no capture before it has asked the compositor", async () => {
    const { pictures, settled, compositor, asked } = setUp(HEALTHY);
    switchOff(compositor, "HDMI-A-1");
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "dark", outputOff: "HDMI-A-1 is off" });
    expect(asked).toContain("Page.captureScreenshot");
  });

  test.each<[string, Answer, Answer]>([
    ["whose thread hangs", "silent", "silent"],
    ["in a modal dialog, whose last picture can still be had", "silent", "answers"],
    ["whose pictures cannot be had, though its thread runs", "answers", "silent"],
    ["whose renderer the browser does not reach any more", "refuses", "refuses"],
  ])("finds a page %s", async (_name, thread, capture) => {
    const { pictures, settled, compositor } = setUp({ start: "silent", frames: thread === "refuses" ? "refuses" : "silent", thread, capture, starvedMs: 70 });
    switchOff(compositor, "HDMI-A-1");
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "late", renderer: false, output: false, starvedMs: 70, outputOff: "HDMI-A-1 is off" });
  });

  test.each<[string, (compositor: SimulatedCompositor) => unknown]>([
    ["is gone", (compositor) => (compositor.mood = "gone")],
    ["cannot switch outputs", (compositor) => (compositor.mood = "without-power")],
    ["does not answer", (compositor) => (compositor.outputs = () => new Promise(() => undefined))],
    ["says that the output is on", (compositor) => switchOff(compositor, "DP-1")],
  ])("judges as without one where the compositor %s", async (_name, prepare) => {
    const { pictures, settled, compositor } = setUp(HEALTHY);
    prepare(compositor);
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "late", renderer: true, output: false, starvedMs: 0 });
  });

  test("a new renderer that goes on drawing behind an output that is off is behind it all the same", async () => {
    const { pictures, time, settled, compositor, tellFrame } = setUp({ ...HEALTHY, frames: "answers" });
    switchOff(compositor, "HDMI-A-1");
    await settled(pictures.witness(3_000));
    for (let atMs = 40; atMs < 6_000; atMs += 40) void time.after("frame", atMs, tellFrame);
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "dark", outputOff: "HDMI-A-1 is off" });
  });

  test("a compositor that answers late on a busy machine has not switched its output on: the last answer stands for a minute", async () => {
    const { pictures, time, settled, compositor, tellFrame } = setUp({ ...HEALTHY, frames: "answers" });
    switchOff(compositor, "HDMI-A-1");
    await settled(pictures.witness(3_000));
    compositor.outputs = () => new Promise(() => undefined);
    // What a new renderer draws behind an output that is off.
    const drawsTwice = (): void => {
      for (const atMs of [100, 140]) void time.after("frame", atMs, tellFrame);
    };
    drawsTwice();
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "dark", outputOff: "HDMI-A-1 is off" });
    await time.advance(60_000);
    drawsTwice();
    expect(await settled(pictures.witness(3_000))).toMatchObject({ kind: "alive" });
  });

  test("keeps its deadline, whatever is not answered", async () => {
    const { pictures, time, compositor } = setUp({ start: "silent", frames: "silent", thread: "silent", capture: "silent" });
    compositor.outputs = () => new Promise(() => undefined);
    let finding: unknown;
    const asking = pictures.witness(3_000).then((found) => (finding = found));
    await time.advance(3_000);
    await asking;
    expect(finding).toMatchObject({ kind: "late" });
  });

  test("with one of two outputs off, a window that draws is on the other, and one that does not is behind it", async () => {
    const drawing = setUp({ ...HEALTHY, frames: "answers" });
    for (let atMs = 1_200; atMs < 3_000; atMs += 40) void drawing.time.after("frame", atMs, drawing.tellFrame);
    drawing.compositor.plug("HDMI-A-2");
    switchOff(drawing.compositor, "HDMI-A-2");
    expect(await drawing.settled(drawing.pictures.witness(3_000))).toMatchObject({ kind: "alive" });
    const still = setUp(HEALTHY);
    still.compositor.plug("HDMI-A-2");
    switchOff(still.compositor, "HDMI-A-2");
    expect(await still.settled(still.pictures.witness(3_000))).toEqual({ kind: "dark", outputOff: "HDMI-A-2 is off" });
  });

  test("no output at all, and outputs that are all disabled, are named as such", async () => {
    const { pictures, settled, compositor } = setUp(HEALTHY);
    compositor.plug("HDMI-A-2");
    for (const output of compositor.outputsByName.values()) output.enabled = false;
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "dark", outputOff: "HDMI-A-1, HDMI-A-2 are disabled" });
    compositor.unplug("HDMI-A-1");
    compositor.unplug("HDMI-A-2");
    expect(await settled(pictures.witness(3_000))).toEqual({ kind: "dark", outputOff: "no output is connected" });
  });

  test("a frame that a capture has left is no sign of light; one that comes when the output is on is reported once", async () => {
    const { pictures, time, settled, compositor, tellFrame, lit } = setUp(HEALTHY);
    switchOff(compositor, "HDMI-A-1");
    await settled(pictures.witness(3_000));
    tellFrame();
    await time.advance(1_000);
    expect(lit()).toBe(0);
    const output = compositor.outputsByName.get("HDMI-A-1");
    if (output !== undefined) output.power = "on";
    tellFrame();
    tellFrame();
    await time.advance(1_000);
    expect(lit()).toBe(1);
  });

  test("a screenshot comes from the renderer, and says so", async () => {
    const { pictures, settled, compositor } = setUp(HEALTHY);
    switchOff(compositor, "HDMI-A-1");
    expect(await settled(pictures.screenshot({ format: "png", widthMax: 640 }))).toMatchObject({ ok: true, value: { source: "chromium-renderer", base64: "QUJD", outputOff: "HDMI-A-1 is off" } });
  });

  test("a screenshot that comes from a frame all the same names the output that is off, and none while it is on", async () => {
    const { pictures, settled, compositor } = setUp({ start: "answers", frames: "silent", thread: "answers", capture: "answers", casts: true });
    const lit = await settled(pictures.screenshot({ format: "png" }));
    expect(lit.ok && Object.keys(lit.value)).not.toContain("outputOff");
    switchOff(compositor, "HDMI-A-1");
    expect(await settled(pictures.screenshot({ format: "png" }))).toMatchObject({ ok: true, value: { source: "chromium-compositor", outputOff: "HDMI-A-1 is off" } });
    const two = setUp({ start: "answers", frames: "silent", thread: "answers", capture: "answers", casts: true });
    two.compositor.plug("HDMI-A-2");
    switchOff(two.compositor, "HDMI-A-2");
    const drawn = await two.settled(two.pictures.screenshot({ format: "png" }));
    expect(drawn.ok && Object.keys(drawn.value)).not.toContain("outputOff");
  });

  test("with one of two outputs on, a screenshot of a page that draws no frame in time does not say that nobody sees it", async () => {
    const { pictures, settled, compositor } = setUp(HEALTHY);
    compositor.plug("HDMI-A-2");
    switchOff(compositor, "HDMI-A-2");
    const shot = await settled(pictures.screenshot({ format: "png" }));
    expect(shot).toMatchObject({ ok: true, value: { source: "chromium-renderer" } });
    expect(shot.ok && Object.keys(shot.value)).not.toContain("outputOff");
  });

  test("a compositor that does not answer does not delay a screenshot beyond its own limit", async () => {
    const { pictures, settled, compositor } = setUp({ start: "answers", frames: "silent", thread: "answers", capture: "answers", casts: true });
    compositor.outputs = () => new Promise(() => undefined);
    expect(await settled(pictures.screenshot({ format: "png" }))).toMatchObject({ ok: true, value: { source: "chromium-compositor" } });
  });
});

describe("a capture", () => {
  test("succeeds even if the browser does not answer the start of the screencast", async () => {
    const { pictures, settled } = setUp({ start: "silent", frames: "silent", thread: "silent", capture: "silent", casts: true });
    expect(await settled(pictures.screenshot({ format: "jpeg" }))).toMatchObject({ ok: true, value: { base64: "QUJD" } });
  });

  test("ends at once when its renderer dies, and at its deadline when no frame arrives", async () => {
    const { pictures, time, settled } = setUp({ start: "answers", frames: "silent", thread: "silent", capture: "silent" });
    let ended = false;
    const first = pictures.screenshot({ format: "png" }).finally(() => (ended = true));
    await time.advance(100);
    pictures.forget();
    await time.advance(0);
    expect([ended, await first]).toMatchObject([true, { ok: false, error: { code: "screenshot.no-frame" } }]);
    expect(await settled(pictures.screenshot({ format: "png" }))).toMatchObject({ ok: false, error: { code: "screenshot.no-frame" } });
  });
});
