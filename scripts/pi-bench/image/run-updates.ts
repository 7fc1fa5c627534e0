import { BASE, releasesFor, type BadRelease } from "../../prove/updates/update-cases.ts";
import { ScreenDevice } from "../../prove/updates/screen-device.ts";
import { ok, type Result } from "../../tool-result.ts";
import { runChecks } from "../agent/checks.ts";
import type { SuiteResult } from "../tap.ts";
import { isBenchPage, serveBenchPage } from "./bench-page.ts";
import { EmulatedGround } from "./emulated-ground.ts";
import { makeBenchImage } from "./run-image.ts";
import { updateChecks, type UpdateBench, type UpdateCheck } from "./update-checks.ts";

export interface UpdatesRun {
  /** The image, and what it is made of. */
  readonly work: string;
  readonly consolePath: string;
  /** Only checks with this text in their name run, and those that are needed. */
  readonly check: string;
  /** The power is cut at so many of the updater's steps. */
  readonly cuts: number;
}

/** Makes the whole image with a screen, boots it and updates its package in every way. */
export async function runUpdates({ work, consolePath, check, cuts }: UpdatesRun): Promise<Result<SuiteResult>> {
  const checks = chosen(updateChecks(cuts), check);
  const image = await makeBenchImage(work, "screen");
  return image.ok ? ok(await updateImage(image.value, consolePath, checks)) : image;
}

/** As `runUpdates`, with an image that is there. */
export async function updateImage(image: string, consolePath: string, checks: readonly UpdateCheck[]): Promise<SuiteResult> {
  const bench = new EmulatedUpdates({ image, consolePath, bad: checks.flatMap(({ needs }) => needs ?? []) });
  try {
    return await runChecks(checks, bench);
  } finally {
    await bench.close();
  }
}

function chosen(all: readonly UpdateCheck[], text: string): readonly UpdateCheck[] {
  if (!all.some(({ name }) => name.includes(text))) throw new Error(`no check of the updates has "${text}" in its name; they are:\n${all.map(({ name }) => name).join("\n")}`);
  return all.filter(({ name, needed }) => needed === true || name.includes(text));
}

interface Wanted {
  readonly image: string;
  readonly consolePath: string;
  /** The bad releases that it can be updated to. */
  readonly bad: readonly BadRelease[];
}

/** The device of these checks, which share it. The first one starts it. */
class EmulatedUpdates implements UpdateBench {
  readonly #options: Wanted;
  #ground: EmulatedGround | undefined;
  #screen: ScreenDevice | undefined;

  constructor(options: Wanted) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const served = await serveBenchPage();
    const isSeen = async (): Promise<boolean> => {
      const picture = await this.#ground?.image.screen();
      return picture !== undefined && isBenchPage(picture);
    };
    const open = async (): Promise<EmulatedGround> => (this.#ground = await EmulatedGround.open(this.#options));
    this.#screen = await ScreenDevice.start({ ground: { arch: "arm64", open }, page: { ...served, isSeen }, installed: BASE, releases: releasesFor(this.#options.bad) });
  }

  get screen(): ScreenDevice {
    if (this.#screen === undefined) throw new Error("the device has not been started");
    return this.#screen;
  }

  /** What a failed check left in memory is gone with the boot, and a release from the air with dpkg's. */
  async revive(): Promise<void> {
    await this.screen.device.ground.powerCut();
    await this.screen.device.install(BASE);
  }

  async close(): Promise<void> {
    await this.#screen?.close();
  }
}
