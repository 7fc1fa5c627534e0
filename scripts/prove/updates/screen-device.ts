import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { GroundKind } from "../../package/testing/ground.ts";
import { InstalledDevice, type Releases } from "../../package/testing/installed-device.ts";
import { pauseMs } from "../harness/agent-process.ts";

const PICTURE_MS_MAX = 180_000;
const LOOK_MS = 100;

/** What a device is to show, served on this machine's loopback. */
export interface ShownPage {
  readonly url: string;
  /** Whether it is on the screen now, seen by something outside the device. Absent: only the device looks. */
  isSeen?(): Promise<boolean>;
  stop(): Promise<void>;
}

interface Wanted<Page> {
  readonly ground: GroundKind;
  readonly page: Page;
  /** The version that dpkg installs. */
  readonly installed: string;
  /** What it can be updated to. */
  readonly releases: Releases;
}

/** A device with compositor and browser, showing a page of this machine. */
export class ScreenDevice<Page extends ShownPage = ShownPage> {
  readonly device: InstalledDevice;
  readonly page: Page;

  private constructor(device: InstalledDevice, page: Page) {
    this.device = device;
    this.page = page;
  }

  /** Opens the ground and waits until the page is shown. The page is closed with the device, also when this fails. */
  static async start<Page extends ShownPage>({ ground, page, installed, releases }: Wanted<Page>): Promise<ScreenDevice<Page>> {
    const opened = new AsyncDisposableStack();
    opened.defer(() => page.stop());
    try {
      const device = await InstalledDevice.start({ installed, releases, ground });
      opened.defer(() => device.close());
      await device.ground.reach(Number(new URL(page.url).port));
      device.want({ content: { kind: "url", url: page.url } });
      const screen = new ScreenDevice(device, page);
      await screen.showing();
      return screen;
    } catch (thrown) {
      await opened.disposeAsync();
      throw thrown;
    }
  }

  get verdict(): unknown {
    const reported = this.device.reported("screen");
    return isJsonObject(reported) ? reported["verdict"] : undefined;
  }

  /** Waits until the page is seen on the screen. */
  async showing(): Promise<void> {
    const limitMs = PICTURE_MS_MAX * this.device.ground.slowness;
    const untilMs = performance.now() + limitMs;
    while (this.verdict !== "showing" || (await this.page.isSeen?.()) === false) {
      if (performance.now() > untilMs) throw new Error(`the picture did not come within ${limitMs / 1_000} s; the cloud knows the verdict ${JSON.stringify(this.verdict)}`);
      await pauseMs(LOOK_MS);
    }
  }

  /** The player's process, its browser's pages, and the release that runs. */
  async facts(): Promise<{ readonly player: string; readonly renderers: readonly string[]; readonly version: string }> {
    const { ground } = this.device;
    return {
      player: await ground.read("systemctl show vitrine-player --property=MainPID --value"),
      renderers: (await ground.read("pgrep -u vitrine-player -f -- --type=renderer || true")).split("\n").sort(),
      version: (JSON.parse(await ground.read("vitrine status --json 2> /dev/null")) as { agentVersion: string }).agentVersion,
    };
  }

  async close(): Promise<void> {
    await this.device.close();
    await this.page.stop();
  }
}
