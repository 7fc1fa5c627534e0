import { CdpClient } from "../../../player-host/shells/cdp/cdp-client.ts";
import { startBrowser } from "../../../player-host/shells/chromium/browser-process.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";

const PICTURE_TIMEOUT_MS = 60_000;

/**
 * Time from spawning a browser with minimal flags until the first frame of the loaded page, ms: the floor for showing this
 * page with this browser.
 */
export async function bareFirstPictureMs(path: string, url: string, profile: string): Promise<number> {
  const timers = new SystemTimers(systemClock);
  const startedMs = performance.now();
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const flags = ["--remote-debugging-pipe", "--headless=new", `--user-data-dir=${profile}`, "--window-size=1920,1080", "--no-first-run", ...root, url];
  const browser = startBrowser({ path, flags, env: process.env }, timers);
  const cdp = new CdpClient(browser.pipes, { timers, log: silentLog });
  try {
    const sessionId = await attachToPage(cdp, url);
    const loaded = new Promise<void>((resolve) => cdp.on("Page.loadEventFired", sessionId, () => resolve()));
    const options = { sessionId, timeoutMs: PICTURE_TIMEOUT_MS };
    await cdp.call("Page.enable", undefined, options);
    const { result } = await cdp.call("Runtime.evaluate", { expression: `document.readyState === "complete" && location.href !== "about:blank"` }, options);
    if (result.value !== true) await loaded;
    const frame = new Promise<number>((resolve) => cdp.on("Page.screencastFrame", sessionId, () => resolve(performance.now())));
    await cdp.call("Page.startScreencast", { format: "jpeg", quality: 20 }, options);
    return (await Promise.race([frame, failsAfter(PICTURE_TIMEOUT_MS)])) - startedMs;
  } finally {
    cdp.close();
    await browser.end(0);
  }
}

async function attachToPage(cdp: CdpClient, url: string): Promise<string> {
  const found = new Promise<string>((resolve) => {
    cdp.on("Target.targetCreated", undefined, ({ targetInfo }) => {
      if (targetInfo.type === "page" && (targetInfo.url === url || targetInfo.url === "about:blank" || targetInfo.url === "")) resolve(targetInfo.targetId);
    });
  });
  await cdp.call("Target.setDiscoverTargets", { discover: true }, { timeoutMs: PICTURE_TIMEOUT_MS });
  const targetId = await Promise.race([found, failsAfter(PICTURE_TIMEOUT_MS)]);
  return (await cdp.call("Target.attachToTarget", { targetId, flatten: true }, { timeoutMs: PICTURE_TIMEOUT_MS })).sessionId;
}

function failsAfter(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`bare Chromium showed no picture within ${ms / 1_000} s`)), ms).unref();
  });
}
