import type { Clock, Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { type Issue, messageOf, stackOf } from "../../platform/ports/result.ts";
import { eitherSignal } from "../../platform/runtime/either-signal.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import type { BrowserReport } from "../contract/browser-report.ts";
import type { AgentMessage, HostMessage, HostReply, HostRequest, PageContext, StageScene, WayOut } from "../contract/link-messages.ts";
import { LINK_VERSION } from "../contract/link-messages.ts";
import type { AgentLink, LinkEvent } from "./agent-link.ts";
import type { SceneStore } from "./scene-store.ts";
import type { PageGate } from "./page-gate.ts";
import type { Shell, ShellEvent } from "../stage/shell.ts";
import type { Stage } from "../stage/stage.ts";
import type { BrowserProof } from "./browser-proof.ts";
import type { MissingFiles } from "./missing-files.ts";
import type { PackageStorage } from "./package-storage.ts";
import type { PageDesk } from "./page-desk.ts";
import { takeScreenshot } from "./take-screenshot.ts";

export interface PlayerHostDeps {
  readonly shell: Shell;
  readonly proof: BrowserProof;
  /** Whether the host ends if the browser does not prove itself. */
  readonly trial: boolean;
  readonly stage: Stage;
  readonly link: AgentLink;
  readonly desk: PageDesk;
  readonly gate: PageGate;
  readonly scenes: SceneStore;
  readonly storage: PackageStorage;
  readonly files: MissingFiles;
  /** The page context stored by the last run. */
  readonly context: PageContext | undefined;
  /** The way out stored by the last run. */
  readonly wayOut?: WayOut | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Resident memory of this process, in bytes. */
  readonly hostBytes: () => number;
  /** Why the host's log is not being written; reported to the agent, because the log cannot say so. */
  readonly logTrouble?: () => Issue | undefined;
}

/** Why the host ends. */
export type HostEnd = { readonly kind: "stopped" | "restart" } | { readonly kind: "unproven"; readonly why: string };

export const METRICS_EVERY_MS = 30_000;
const REFUSALS_EVERY_MS = 5_000;
const FIRST_START_WAIT_MS = 3_000;
/** Maximum log lines per minute about a page's refusals and errors; counters cover the rest. */
const PAGE_LINES_PER_MINUTE = 30;

/** The player host: connects stage, link and page desk, and serves the agent's requests. The same for every shell. */
export class PlayerHost {
  readonly #deps: PlayerHostDeps;
  /** Aborted when the host ends by itself; the reason is its `HostEnd`. */
  readonly #over = new AbortController();
  #context: PageContext | undefined;
  #wayOut: WayOut;
  #identify: Timer | undefined;
  #pageLines = 0;
  #documentGrants: readonly string[] = [];
  #logTold: Issue | undefined;

  constructor(deps: PlayerHostDeps) {
    this.#deps = deps;
    this.#context = deps.context;
    this.#wayOut = deps.wayOut ?? {};
    const { shell, proof, stage, link, desk, storage } = deps;
    if (deps.context !== undefined) desk.setContext(deps.context);
    shell.onEvent((event) => this.#takeShellEvent(event));
    link.onEvent((event) => this.#takeLinkEvent(event));
    proof.onChange((browser) => {
      link.send({ t: "browser", browser });
      if (deps.trial && browser.picture.kind === "none") this.#end({ kind: "unproven", why: browser.picture.why });
    });
    stage.onSeen((seen) => {
      link.send({ t: "stage", ...seen });
      storage.seen(seen, stage.contentShown);
      if (stage.contentOn === undefined) desk.contentGone();
    });
  }

  /** The way out of the page, as last set by the agent. */
  get wayOut(): WayOut {
    return this.#wayOut;
  }

  /** Runs until `signal` aborts, the agent requests a restart, or a browser on trial does not prove itself. */
  async run(signal: AbortSignal): Promise<HostEnd> {
    const { stage, desk, proof } = this.#deps;
    const both = eitherSignal(signal, this.#over.signal);
    try {
      await Promise.all([stage.run(both), this.#link(both), this.#report(both)]);
    } finally {
      this.#identify?.cancel();
      proof.stop();
      desk.stop();
    }
    return signal.aborted ? { kind: "stopped" } : (this.#over.signal.reason as HostEnd);
  }

  #end(end: HostEnd): void {
    this.#over.abort(end);
  }

  /** Waits briefly for the browser's start, so that the hello can name its version, then runs the link. */
  async #link(signal: AbortSignal): Promise<void> {
    const { stage, link, timers } = this.#deps;
    const waiting = new AbortController();
    await Promise.race([stage.firstStart, sleep(timers, "host.first-start", FIRST_START_WAIT_MS, eitherSignal(signal, waiting.signal))]);
    waiting.abort();
    await link.run(signal);
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { shell, stage, link, desk, timers, hostBytes } = this.#deps;
    for (let round = 1; !signal.aborted; round += 1) {
      if (!(await sleep(timers, "host.report", REFUSALS_EVERY_MS, signal))) return;
      desk.reportRefusals();
      this.#reportLog();
      if (round % (METRICS_EVERY_MS / REFUSALS_EVERY_MS) !== 0) continue;
      this.#pageLines = 0;
      desk.tidySpool();
      if (!link.connected) continue;
      const metrics = { ...(await shell.metrics()), "player.host-bytes": hostBytes() };
      link.send({ t: "metrics", metrics });
      link.send({ t: "stage", ...stage.seen() });
    }
  }

  #reportLog(): void {
    const { link, logTrouble } = this.#deps;
    const trouble = logTrouble?.();
    if (!link.connected || trouble?.message === this.#logTold?.message) return;
    this.#logTold = trouble;
    link.send({ t: "log-trouble", ...(trouble !== undefined && { trouble: { code: trouble.code, message: trouble.message } }) });
  }

  #takeShellEvent(event: ShellEvent): void {
    const { desk, log } = this.#deps;
    switch (event.kind) {
      case "page-begun":
        // The grants of the new document; content that is loading meanwhile has grants of its own.
        this.#documentGrants = this.#deps.stage.contentShown?.grants ?? [];
        this.#deps.storage.begun(this.#deps.stage.contentShown);
        this.#setGrants();
        desk.pageBegun(this.#deps.stage.contentShown?.id);
        return;
      case "page-call":
        desk.takeCall(event.text);
        return;
      case "refused":
        this.#sayOfPage({ what: event.what, detail: event.detail }, "refused something the page tried");
        return;
      case "file-missing":
        this.#deps.files.note(event.url, event.why).catch((thrown: unknown) => log.error({ error: messageOf(thrown) }, "noting a missing file threw"));
        return;
      case "load-started":
        if (event.load === undefined) this.#deps.files.begun();
        return;
      case "load-committed":
        this.#deps.files.begun();
        return;
      case "page-error":
        this.#sayOfPage({ pageError: event.message }, "the page has an error");
        return;
      case "load-finished":
        log.info({ url: event.url.slice(0, 200), byPage: event.load === undefined }, "loaded");
        return;
      default:
        return;
    }
  }

  #sayOfPage(fields: Record<string, unknown>, message: string): void {
    if (this.#pageLines >= PAGE_LINES_PER_MINUTE) return;
    this.#pageLines += 1;
    this.#deps.log.warn(fields, message);
  }

  #takeLinkEvent(event: LinkEvent): void {
    const { desk, stage, link } = this.#deps;
    switch (event.kind) {
      case "connected":
        this.#setContext(event.hello.context);
        // Before the scene, so that nothing is loaded by the old way out. An agent that sends none has none.
        this.#setWayOut(event.hello.wayOut ?? {});
        this.#setScene(event.hello.scene);
        link.send({ t: "stage", ...stage.seen() });
        // It may have changed between our hello and the agent's.
        link.send({ t: "browser", browser: this.#deps.proof.report });
        this.#logTold = undefined;
        this.#reportLog();
        desk.linkUp();
        return;
      case "disconnected":
        desk.linkDown();
        return;
      case "message":
        this.#takeAgentMessage(event.message);
        return;
    }
  }

  #takeAgentMessage(message: AgentMessage): void {
    switch (message.t) {
      case "scene":
        this.#setScene(message.scene);
        return;
      case "context":
        this.#setContext(message.context);
        return;
      case "way-out":
        this.#setWayOut(message.wayOut);
        return;
      case "request":
        this.#answer(message.id, message.request);
        return;
      default:
        this.#deps.desk.takeAgentMessage(message);
    }
  }

  #setScene(scene: StageScene): void {
    this.#deps.stage.setScene(scene);
    this.#setGrants();
    this.#keep();
  }

  #setWayOut(wayOut: WayOut): void {
    this.#wayOut = wayOut;
    this.#deps.shell.setWayOut?.(wayOut);
    this.#keep();
  }

  #setContext(context: PageContext): void {
    this.#context = context;
    this.#deps.desk.setContext(context);
    this.#keep();
  }

  /**
   * Sets the grants the document on the glass was loaded with, less those the wanted scene no longer gives. While the next
   * content waits for its origin, the old page stays and must not get grants of the next one.
   */
  #setGrants(): void {
    const { gate, stage } = this.#deps;
    const wanted = stage.scene.kind === "content" ? stage.scene.content.grants : [];
    gate.setGrants(this.#documentGrants.filter((grant) => wanted.includes(grant)));
  }

  #keep(): void {
    const { scenes, stage, log } = this.#deps;
    scenes.save({ scene: stage.scene, context: this.#context, wayOut: this.#wayOut }).catch((thrown: unknown) => log.error({ error: messageOf(thrown) }, "keeping the scene threw"));
  }

  #answer(id: string, request: HostRequest): void {
    const { link, log } = this.#deps;
    this.#do(request).then(
      (reply) => {
        link.send({ t: "reply", id, reply });
        if (request.do === "restart") this.#end({ kind: "restart" });
      },
      (thrown: unknown) => {
        log.error({ request: request.do, error: stackOf(thrown) }, "a request threw");
        link.send({ t: "reply", id, reply: { ok: false, code: "player.failed", message: messageOf(thrown).slice(0, 2000) } });
      },
    );
  }

  async #do(request: HostRequest): Promise<HostReply> {
    const { shell, stage } = this.#deps;
    switch (request.do) {
      case "reload": {
        const done = stage.reload(request.ignoreCache);
        return done.ok ? { ok: true, result: done.value } : { ok: false, code: done.error.code, message: done.error.message };
      }
      case "screenshot":
        return takeScreenshot(shell, request);
      case "clear-cache": {
        const cleared = await shell.clearCache({ storage: request.storage });
        if (!cleared.ok) return { ok: false, code: cleared.error.code, message: cleared.error.message };
        // The page still holds the old data in memory; only a reload updates the screen.
        const done = stage.reload(true);
        return done.ok ? { ok: true, result: done.value } : { ok: false, code: done.error.code, message: done.error.message };
      }
      case "identify":
        this.#identify?.cancel();
        await shell.overlay(request.text);
        this.#identify = this.#deps.timers.after("host.identify", Math.min(request.durationMs, 3_600_000), () => {
          shell.overlay(undefined).catch((thrown: unknown) => this.#deps.log.warn({ error: messageOf(thrown) }, "the label could not be taken away"));
        });
        return { ok: true, result: {} };
      case "page-message":
        if (stage.contentOn === undefined) return { ok: false, code: "player.no-page", message: "no content is on the screen that could take a message" };
        this.#deps.desk.message(request.message);
        return { ok: true, result: {} };
      case "restart":
        return { ok: true, result: {} };
    }
  }
}

/** The host's first message on every connection. */
export function helloOf(instance: string, pid: number, stage: Stage, browser: BrowserReport): HostMessage {
  return { t: "host-hello", version: LINK_VERSION, instance, pid, shell: stage.shellName, scene: stage.scene, browser };
}
