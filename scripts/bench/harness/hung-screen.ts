import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import type { StageScene } from "../../../player-host/contract/link-messages.ts";
import { pageScript } from "../../../player-host/page-api/page-script.ts";
import { diskPackageFolders } from "../../../player-host/node/disk-package-folders.ts";
import { screenDocument } from "../../../player-host/screens/screen-document.ts";
import { ChromiumShell } from "../../../player-host/shells/chromium/chromium-shell.ts";
import { renderersInGroup } from "../../../player-host/shells/chromium/renderer-processes.ts";
import { overlayScript } from "../../../player-host/shells/cdp/overlay-script.ts";
import { Stage } from "../../../player-host/stage/stage.ts";

/** The player host's stage on a real browser, with a page that can be made to hang. */
export class HungScreen {
  readonly #shell: ChromiumShell;
  readonly #stage: Stage;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor({ browserPath, profileDir, url }: { readonly browserPath: string; readonly profileDir: string; readonly url: string }) {
    const secret = toHex(systemRandom.bytes(16));
    const [clock, timers] = [systemClock, new SystemTimers(systemClock)];
    const deps = { clock, timers, log: silentLog };
    this.#shell = new ChromiumShell({
      ...deps,
      browserPath,
      env: process.env,
      settings: { profileDir, headless: true, window: { width: 1280, height: 720 }, sandbox: process.getuid?.() !== 0, diskCacheBytesMax: 32 * 1024 * 1024 },
      script: { source: pageScript({ binding: `vitrine${secret}`, token: secret }), binding: `vitrine${secret}`, token: secret },
      screens: screenDocument,
      folders: diskPackageFolders,
      overlayScript,
    });
    const scene: StageScene = { kind: "content", content: { kind: "url", id: "hangs", url, grants: [] } };
    this.#stage = new Stage(scene, { ...deps, shell: this.#shell, random: systemRandom, probe: { ask: () => Promise.resolve({ kind: "answers" }) } });
    this.#running = this.#stage.run(this.#stop.signal);
  }

  get verdict(): string {
    return this.#stage.seen().picture.verdict;
  }

  /** Makes the page's main thread loop from now on. */
  loopForEver(): void {
    this.#shell.sendToPage(JSON.stringify({ t: "message", message: "hang" }));
  }

  /** Stops every renderer of this browser (SIGSTOP). */
  async stopRenderers(): Promise<void> {
    const pids = await renderersInGroup(this.#shell.browserPid ?? -1);
    if (pids === undefined || pids.length === 0) throw new Error("no renderer of this browser was found");
    for (const pid of pids) process.kill(pid, "SIGSTOP");
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
