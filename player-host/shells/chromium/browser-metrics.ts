import type { Log } from "../../../platform/ports/log.ts";
import type { BrowserProcess } from "./browser-process.ts";
import { cdpFailure, type Cdp } from "../cdp/cdp-client.ts";
import type { ChromiumPage } from "../cdp/chromium-page.ts";
import { rendererPids, residentBytesOf } from "./renderer-processes.ts";

export interface MeasuredBrowser {
  readonly process: BrowserProcess;
  readonly cdp: Cdp;
  readonly page: ChromiumPage;
}

/** Script that measures the frame rate of the page's main thread over one second. */
const COUNT_FRAMES = `new Promise((done) => {
  const startMs = performance.now();
  let frames = 0;
  const tick = (nowMs) => {
    frames += 1;
    if (nowMs - startMs >= 1000) done(Math.round((frames * 1000) / (nowMs - startMs)));
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})`;

/** Metrics of a browser and its page, by telemetry name. Never rejects: metrics that could not be read are missing. */
export async function browserMetrics({ process, cdp, page }: MeasuredBrowser, log: Log): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  try {
    const pids = await rendererPids(cdp);
    const bytes = await residentBytesOf(pids);
    if (bytes !== undefined) found["player.renderer-bytes"] = bytes;
    found["player.renderers"] = pids.length;
    const browser = await residentBytesOf([process.pid]);
    if (browser !== undefined) found["player.browser-bytes"] = browser;
    // The browser keeps the last thousand console messages, and the objects they refer to, until they are discarded.
    await page.call("Runtime.discardConsoleEntries", undefined, 2_000);
    const { metrics } = await page.call("Performance.getMetrics", undefined, 2_000);
    const heap = metrics.find((metric) => metric.name === "JSHeapUsedSize");
    if (heap !== undefined) found["player.js-heap-bytes"] = heap.value;
    const fps = await page.evaluate(COUNT_FRAMES, 3_000);
    if (typeof fps === "number") found["player.fps"] = fps;
  } catch (thrown) {
    // A hung renderer gives no metrics; those read so far are returned.
    log.debug({ error: cdpFailure(thrown) }, "not all metrics could be read");
  }
  return found;
}
