import { ok } from "../../../platform/ports/result.ts";
import type { LoadTarget, Shell, ShellEvent } from "../../stage/shell.ts";
import { answerFromPackage } from "../package-files.ts";
import type { PackageFolders } from "../package-folders.ts";

const SAMPLE = { width: 2, height: 1, rgba: Uint8Array.of(0, 0, 0, 255, 255, 255, 255, 255) };

/** A shell that renders nothing and reports success. It requests pages as a browser does and forwards the page's calls. */
export class MemoryShell implements Shell {
  readonly kind = "memory";
  /** Title of our own page, or text of the customer's page, that is on. */
  shown = "";
  /** The texts sent to the page. */
  readonly told: string[] = [];
  readonly #folders: PackageFolders;
  readonly #listeners = new Set<(event: ShellEvent) => void>();

  constructor(folders: PackageFolders) {
    this.#folders = folders;
  }

  /** Makes a call as the page. */
  call(call: Readonly<Record<string, unknown>>): void {
    this.say({ kind: "page-call", text: JSON.stringify(call) });
  }

  start = async () => ok({ name: "memory 1" });
  stop = async () => undefined;
  resetRenderer = async () => undefined;
  overlay: Shell["overlay"] = async () => undefined;
  metrics = async () => ({});
  clearCache = async () => ok(undefined);
  clearPackageStorage = async () => ok(undefined);
  sample = async () => ok(SAMPLE);
  screenshot = async () => ok({ base64: "AA", format: "png" as const, width: 2, height: 1, source: "memory" });
  witnessFrame: Shell["witnessFrame"] = async () => ({ kind: "alive" as const, tookMs: 1, how: "it is said" });

  async load(load: number, target: LoadTarget): Promise<void> {
    const url = target.kind === "url" ? target.url : `https://${target.kind}.invalid/`;
    this.say({ kind: "load-started", load, url });
    const page = await this.#page(target, url);
    if (page === undefined) return this.say({ kind: "load-failed", load, url, error: { code: "package.404", message: "There is no such page." }, pictureKept: true });
    this.shown = page;
    this.say({ kind: "load-committed", load, url });
    if (target.kind !== "screen") this.say({ kind: "page-begun" });
    this.say({ kind: "load-finished", load, url });
  }

  sendToPage(text: string): void {
    this.told.push(text);
  }

  onEvent(listener: (event: ShellEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #page(target: LoadTarget, url: string): Promise<string | undefined> {
    if (target.kind === "screen") return target.screen.kind;
    if (target.kind === "url") return target.url;
    const { status, body } = await answerFromPackage(this.#folders, target, { method: "GET", url });
    return status === 200 ? new TextDecoder().decode(body) : undefined;
  }

  protected say(event: ShellEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
