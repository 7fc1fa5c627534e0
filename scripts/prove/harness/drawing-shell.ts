import { answerFromPackage } from "../../../player-host/host/package-files.ts";
import { diskPackageFolders } from "../../../player-host/node/disk-package-folders.ts";
import type { FrameFinding, LoadTarget, PixelSample, Shell, ShellEvent, ShellFacts } from "../../../player-host/stage/shell.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { PACKAGE_FILES } from "./sample-package.ts";

/** What a viewer sees on the screen. */
export type Drawn = "nothing" | "picture" | "white" | "own-screen";

const WHITE: PixelSample = { width: 2, height: 2, rgba: new Uint8Array(16).fill(255) };
const PICTURE: PixelSample = { width: 2, height: 1, rgba: Uint8Array.of(0, 0, 0, 255, 255, 255, 255, 255) };

/**
 * A shell that imitates a browser and gets a package's files in the same way as the real shells. A missing page is a failed
 * load. A page whose style or script differs from the published one is white, and no event reports it.
 */
export class DrawingShell implements Shell {
  readonly kind = "drawing";
  readonly loads: LoadTarget[] = [];
  drawn: Drawn = "nothing";
  readonly #listeners = new Set<(event: ShellEvent) => void>();

  start = (): Promise<Result<ShellFacts>> => Promise.resolve(ok({ name: "drawing 1" }));
  stop = async (): Promise<void> => {
    this.drawn = "nothing";
  };

  load = async (load: number, target: LoadTarget): Promise<void> => {
    this.loads.push(target);
    if (target.kind === "package") return this.#loadPackage(load, target);
    this.drawn = "own-screen";
    this.#say({ kind: "load-finished", load, url: "" });
  };

  resetRenderer = async (): Promise<void> => {
    this.drawn = "nothing";
    this.#say({ kind: "renderer-gone", reason: "killed" });
  };
  witnessFrame = (): Promise<FrameFinding> => Promise.resolve({ kind: "alive", tookMs: 1, how: "it draws" });
  sample = (): Promise<Result<PixelSample>> => Promise.resolve(ok(this.drawn === "white" || this.drawn === "nothing" ? WHITE : PICTURE));
  screenshot = (): Promise<Result<never>> => Promise.resolve(fail("screenshot.failed", "this shell takes no screenshots"));
  clearCache = (): Promise<Result<undefined>> => Promise.resolve(ok(undefined));
  sendToPage = (): void => undefined;
  overlay = (): Promise<void> => Promise.resolve();
  metrics = (): Promise<Readonly<Record<string, number>>> => Promise.resolve({});
  onEvent = (listener: (event: ShellEvent) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async #loadPackage(load: number, target: Extract<LoadTarget, { kind: "package" }>): Promise<void> {
    const url = `vitrine://package/${target.entry}`;
    this.#say({ kind: "load-started", load, url });
    const wanted = Object.keys(PACKAGE_FILES);
    const answers = await Promise.all(wanted.map(async (name) => ({ name, ...(await this.#fetch(target, name)) })));
    const page = answers.find(({ name }) => name === target.entry);
    if (page === undefined || page.status !== 200) {
      this.drawn = "nothing";
      this.#say({ kind: "load-failed", load, url, error: { code: `http.${page?.status ?? 404}`, message: "the page did not come" }, pictureKept: false });
      return;
    }
    this.drawn = answers.every(({ name, status, text }) => status === 200 && text === PACKAGE_FILES[name]) ? "picture" : "white";
    this.#say({ kind: "load-finished", load, url });
    this.#say({ kind: "page-begun" });
  }

  async #fetch(target: Extract<LoadTarget, { kind: "package" }>, name: string): Promise<{ readonly status: number; readonly text: string }> {
    const { status, body } = await answerFromPackage(diskPackageFolders, target, { method: "GET", url: `http://package.invalid/${name}` });
    return { status, text: Buffer.from(body).toString("utf8") };
  }

  #say(event: ShellEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
