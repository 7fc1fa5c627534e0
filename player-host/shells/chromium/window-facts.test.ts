import { describe, expect, test } from "vitest";
import type { CompositorOutput, Orientation } from "../../../platform/ports/compositor.ts";
import { seen } from "../../../platform/ports/reading.ts";
import { fillsScreen, judgeWindow, windowsOver, type WindowFacts } from "./window-facts.ts";
import type { X11Window } from "./x11-connection.ts";

const OWN: X11Window = { id: 1, name: "page", pid: 7, left: 0, top: 0, width: 1280, height: 720, mapped: true, popup: false };
const BOUNDS: NonNullable<WindowFacts["bounds"]> = { windowId: 1, left: 0, top: 0, width: 1280, height: 720, windowState: "fullscreen" };
const SIZE = { width: 1280, height: 720 };
const PAGE: NonNullable<WindowFacts["page"]> = { screen: SIZE, usable: { left: 0, top: 0, ...SIZE }, inner: SIZE, outer: SIZE, focused: true };
const GOOD: WindowFacts = { bounds: BOUNDS, page: PAGE, own: OWN, composed: false, over: [], pages: [], silent: [] };
const page = (change: Partial<typeof PAGE>): WindowFacts["page"] => ({ ...PAGE, ...change });
const bounds = (change: Partial<typeof BOUNDS>): WindowFacts["bounds"] => ({ ...BOUNDS, ...change });

const output = (width: number, height: number, degrees: Orientation = 0): CompositorOutput => ({
  name: `HDMI-${width}`, enabled: true, power: seen("on", 0), orientation: seen(degrees, 0), mode: seen({ width, height, refreshHz: 60 }, 0), modes: [], make: "", model: "", serial: "",
});

test("a window fills the screen only in full screen, at its size, and where both sizes are known", () => {
  expect(fillsScreen(GOOD)).toBe(true);
  for (const change of [{ bounds: undefined }, { page: undefined }, { bounds: bounds({ windowState: "normal" }) }, { bounds: bounds({ width: 1_920 }) }]) expect(fillsScreen({ ...GOOD, ...change })).toBe(false);
});

describe("the window against the screen", () => {
  test.each<[string, Partial<WindowFacts>]>([
    ["of the screen's size", {}],
    ["under a panel's reserved row, which full screen covers", { page: page({ usable: { left: 0, top: 30, width: 1280, height: 690 } }) }],
    ["on a screen that is scaled by two, where the server counts twice as many", { own: { ...OWN, width: 2560, height: 1440 } }],
    ["whose page is zoomed", { page: page({ inner: { width: 640, height: 360 } }) }],
    ["that a compositor spreads over two outputs, or puts on the second", { own: undefined, composed: true, bounds: bounds({ width: 2560 }), page: page({ usable: { left: 1280, top: 0, width: 1280, height: 720 } }) }],
    ["that a compositor spreads over two outputs, one of them turned", { own: undefined, composed: true, outputs: [output(1_280, 720), output(1_920, 1_080, 90)], bounds: bounds({ width: 2_360, height: 1_920 }) }],
    ["one row short by rounding, where no X server is asked", { own: undefined, bounds: bounds({ height: 719 }) }],
  ])("is alone: one %s", (_name, change) => {
    expect(judgeWindow({ ...GOOD, ...change })).toEqual({ kind: "alone" });
  });

  test.each<[string, Partial<WindowFacts>, RegExp]>([
    ["page", { page: undefined, silent: ["the page"] }, /no answer from the page$/],
    ["browser and its X server", { bounds: undefined, own: undefined, silent: ["the browser", "the X server"] }, /no answer from the browser and from the X server$/],
  ])("is not known while nobody hears from the %s", (_name, change, says) => {
    expect(judgeWindow({ ...GOOD, ...change })).toEqual({ kind: "unknown", says: expect.stringMatching(says) as string });
  });

  test("is covered if something is seen over it, whoever else does not answer", () => {
    expect(judgeWindow({ ...GOOD, page: undefined, silent: ["the page"], pages: ["chrome://print/"] })).toMatchObject({ kind: "covered" });
  });

  test.each<[string, Partial<WindowFacts>, RegExp]>([
    ["larger than the screen, and cropped", { own: undefined, bounds: bounds({ width: 1920, height: 1080 }) }, /1920×1080 on a screen of 1280×720/],
    ["smaller than the screen", { own: undefined, bounds: bounds({ width: 1050, height: 700 }) }, /1050×700/],
    ["one pixel short, as the X server sees it", { own: { ...OWN, width: 1279, height: 719 } }, /1279×719/],
    ["larger than its only output, where the compositor names it", { own: undefined, composed: true, outputs: [output(1_280, 720)], bounds: bounds({ width: 1920, height: 1080 }) }, /1920×1080 on a screen of 1280×720/],
    ["of another size than all outputs together", { own: undefined, composed: true, outputs: [output(1_280, 720), output(1_280, 720)], bounds: bounds({ width: 1920, height: 1080 }) }, /1920×1080/],
    ["not in full screen", { bounds: bounds({ windowState: "normal" }) }, /not in full screen \(normal\)/],
    ["after the screen was turned", { page: page({ screen: { width: 720, height: 1280 } }) }, /on a screen of 720×1280/],
    ["elsewhere", { bounds: bounds({ left: 200 }) }, /at 200,0/],
    ["with the browser's own bars in it", { page: page({ inner: { width: 1280, height: 633 } }) }, /bars take 87 of 720 rows/],
  ])("is misplaced: one %s", (_name, change, says) => {
    const finding = judgeWindow({ ...GOOD, ...change });
    expect(finding).toMatchObject({ kind: "misplaced", says: expect.stringMatching(says) as string });
  });

  test.each<[string, Partial<WindowFacts>, "browser" | "other", RegExp]>([
    ["a window of the browser's", { over: [{ ...OWN, id: 2, name: "Task Manager", width: 640, height: 300 }] }, "browser", /"Task Manager" \(640×300, process 7\)/],
    ["a window of another program", { over: [{ ...OWN, id: 2, name: "xterm", pid: undefined }] }, "other", /"xterm"/],
    ["a page that does not close", { pages: ["chrome://print/"] }, "browser", /chrome:\/\/print/],
    ["something that holds the keyboard", { keyboardAt: "browser" }, "browser", /keyboard/],
    ["maybe another program, which has the keyboard where windows cannot be seen", { keyboardAt: "other", own: undefined }, "other", /keyboard/],
  ])("is covered by %s", (_name, change, by, says) => {
    expect(judgeWindow({ ...GOOD, ...change })).toMatchObject({ kind: "covered", by, says: expect.stringMatching(says) as string });
  });
});

test("an uncovered window is fine while somebody types in another program", () => {
  expect(judgeWindow({ ...GOOD, keyboardAt: "other" })).toEqual({ kind: "alone" });
});

describe("what covers the window", () => {
  const other = (change: Partial<X11Window>): X11Window => ({ ...OWN, id: 9, pid: 99, left: 100, top: 100, width: 200, height: 100, ...change });

  test.each<[string, X11Window[], number]>([
    ["a window above it", [OWN, other({})], 1],
    ["a window below it, such as a desktop", [other({}), OWN], 0],
    ["one that is not drawn", [OWN, other({ mapped: false })], 0],
    ["a cursor's or a helper's few pixels", [OWN, other({ width: 10, height: 10 })], 0],
    ["one beside it, on another screen", [OWN, other({ left: 1280 })], 0],
    ["a menu of the page's own", [OWN, other({ pid: 7, popup: true })], 0],
    ["a dialog of the browser's own", [OWN, other({ pid: 7 })], 1],
    ["a notification of the desktop, which no window manager touches", [OWN, other({ popup: true })], 1],
  ])("%s", (_name, windows, count) => {
    expect(windowsOver(windows, OWN)).toHaveLength(count);
  });

  test("nothing, if our own window is unknown", () => {
    expect(windowsOver([other({})], undefined)).toEqual([]);
  });
});
