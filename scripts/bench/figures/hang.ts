import { delimiter } from "node:path";
import { HungScreen } from "../harness/hung-screen.ts";
import { browserName } from "../harness/browser-name.ts";
import type { Bench } from "../harness/bench.ts";
import type { Figure, Measured } from "../figure.ts";
import { median } from "../harness/statistics.ts";
import { findTestChromium } from "../../../player-host/shells/testing/find-chromium.ts";
import { openSite } from "../../../player-host/shells/testing/test-site.ts";

/** Browsers at once: they mostly wait, but more would slow each other down while loading. */
const AT_ONCE = 2;
/** Hangs are spread over the interval between two looks of the watch. */
const SPREAD_MS = 4_200;
const VERDICT_MS = 10_000;
const PICTURE_MS = 15_000;

/**
 * Time from a page's hang (half of them loop, half have their process stopped) until the host reports it frozen, and until
 * it has seen a frame of the reloaded page. For every browser in VITRINE_BROWSERS.
 */
export const hang: Figure = {
  name: "hang",
  title: "a page that hangs, until it is told and until the picture is back",
  needsBuild: false,
  async run(bench) {
    const lines: Measured[] = [];
    const site = await openSite();
    bench.onEnd(() => site.close());
    const [paths, only] = browsers();
    if (only) bench.say("hang: measured with one browser; VITRINE_BROWSERS names several, with colons between them");
    for (const path of paths) lines.push(...(await measure(bench, path, site.url("/hangs-when-told"))));
    return lines;
  },
};

function browsers(): readonly [paths: readonly string[], only: boolean] {
  const named = (process.env["VITRINE_BROWSERS"] ?? "").split(delimiter).filter((path) => path !== "");
  if (named.length > 0) return [named, named.length === 1];
  const found = findTestChromium();
  if (found === undefined) throw new Error("no Chromium or Chrome is on this machine");
  return [[found], true];
}

async function measure(bench: Bench, path: string, url: string): Promise<readonly Measured[]> {
  const name = await browserName(path);
  const runs = bench.pick(10, 2);
  const verdicts: number[] = [];
  const pictures: number[] = [];
  for (let first = 0; first < runs; first += AT_ONCE) {
    bench.throwIfStopped();
    const batch = Array.from({ length: Math.min(AT_ONCE, runs - first) }, (_unused, at) => oneHang(bench, path, url, first + at, ((first + at) / runs) * SPREAD_MS));
    for (const { verdictMs, pictureMs } of await Promise.all(batch)) {
      verdicts.push(verdictMs);
      pictures.push(pictureMs);
    }
  }
  const how = `${name}, headless: median of ${runs} (slowest ${seconds(Math.max(...verdicts))} s to the verdict, ${seconds(Math.max(...pictures))} s to the picture), half of them endless loops, half stopped processes; absolute, because the waiting is ours: two looks of 3 s without a frame are frozen, three end the renderer`;
  return [
    { name: `hang.verdict.${name}`, value: seconds(median(verdicts)), unit: "s", target: { of: "value", atMost: VERDICT_MS / 1000 }, how },
    { name: `hang.picture.${name}`, value: seconds(median(pictures)), unit: "s", target: { of: "value", atMost: PICTURE_MS / 1000 }, how },
  ];
}

async function oneHang(bench: Bench, path: string, url: string, run: number, afterMs: number): Promise<{ readonly verdictMs: number; readonly pictureMs: number }> {
  const screen = new HungScreen({ browserPath: path, profileDir: bench.folder("profile"), url });
  const stop = (): Promise<void> => screen.stop();
  bench.onEnd(stop);
  await bench.until("the first picture", () => (screen.verdict === "showing" ? true : undefined), { timeoutMs: 90_000 });
  await bench.sleep(4_000 + afterMs);
  const hungMs = performance.now();
  await (run % 2 === 0 ? screen.loopForEver() : screen.stopRenderers());
  const verdictMs = await bench.until("the verdict", () => (screen.verdict === "frozen" ? performance.now() : undefined));
  const pictureMs = await bench.until("the picture", () => (screen.verdict === "showing" ? performance.now() : undefined));
  await stop();
  return { verdictMs: verdictMs - hungMs, pictureMs: pictureMs - hungMs };
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
