import * as v from "valibot";
import type { GpioEdge } from "../../../platform/ports/gpio.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { canonicalJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import type { PageContext, StageScene } from "../../../player-host/contract/link-messages.ts";
import { validate } from "../../protocol/codec.ts";
import { PlaySchema } from "../../protocol/records.ts";
import type { ReportedDocument } from "../../protocol/reported.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import type { Reporter } from "../state/reporter.ts";
import { PageStateReport } from "./page-state-report.ts";
import type { PlayerEvent, PlayerLink, PlayerStatus } from "./player-port.ts";

/** Most refusal codes counted separately. They come from another process, which a compromised page may control. */
const REFUSAL_CODES_MAX = 32;
const REFUSAL_CODE = /^[a-z][a-z0-9.-]{0,63}$/;
/** Longest page state kept in the reported document, in characters of JSON. */
const PAGE_STATE_MAX = 4096;
/** The current verdict does not apply to a play that ended longer ago, which the host kept while the agent was away. */
const PLAY_FRESH_MS = 30_000;
const EventNameSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:/-]{1,128}$/, "must be 1 to 128 letters, digits, '.', '_', ':', '/' or '-'"));

export interface PlayerServiceDeps {
  readonly link: PlayerLink;
  readonly events: EventSink;
  readonly reporter: Reporter;
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Metrics of the host and its renderer, for telemetry. */
  onMetrics(metrics: Readonly<Record<string, number>>): void;
  /** Page events and plays lost with the host's damaged file. `count`: total since the agent started. */
  onLost(count: number): void;
  /** The current verdict, stored with a proof of play that has just ended. */
  verdict(): string;
  /** Display name of the content with this id (an address, or the hash of a package). */
  contentLabel(id: string): string;
}

/**
 * Connects the player host with the rest of the agent: passes scene and page context down, and the page's events, plays and
 * state up into the outbox and the reported document. Nothing a page sends is trusted.
 */
export class PlayerService {
  readonly #deps: PlayerServiceDeps;
  #scene = "";
  #context = "";
  #refused: Record<string, number> = {};
  #undo: (() => void)[] = [];

  /** The host instance that the page state is from. */
  #instance: string | undefined;
  readonly #pageState: PageStateReport;

  constructor(deps: PlayerServiceDeps) {
    this.#deps = deps;
    this.#pageState = new PageStateReport(deps);
  }

  start(): void {
    const { link } = this.#deps;
    this.#undo = [link.onStatus((status) => this.#report(status)), link.onEvent((event) => this.#take(event))];
    this.#report(link.status());
  }

  stop(): void {
    for (const undo of this.#undo) undo();
    this.#undo = [];
    this.#pageState.stop();
  }

  /** Refusals of the page API by code since start, for `status` and `doctor`. */
  refused(): Readonly<Record<string, number>> {
    return this.#refused;
  }

  /** Shows `scene`. The same scene is not sent again, so that the screen does not flicker. */
  show(scene: StageScene): void {
    const text = canonicalJson(scene);
    if (text === this.#scene) return;
    this.#scene = text;
    this.#deps.link.setScene(scene);
  }

  setContext(context: PageContext): void {
    const text = canonicalJson(context as unknown as Json);
    if (text === this.#context) return;
    this.#context = text;
    this.#deps.link.setContext(context);
  }

  /** Passes an edge on an input line to the page (the host checks its grant) and to the cloud. */
  gpioEdge(edge: GpioEdge): void {
    const { link, events, log } = this.#deps;
    link.sendGpio(edge.line, edge.level);
    void events.append({ stream: "event", kind: "gpio", source: "gpio", body: { name: edge.line, data: { level: edge.level } } }).then((appended) => {
      if (!appended.ok) log.debug({ ...appended.error }, "a GPIO edge was not stored");
    });
  }

  #take(event: PlayerEvent): void {
    switch (event.t) {
      case "page-event":
        return this.#takeEvent(event.id, event.name, event.data as JsonObject | undefined);
      case "page-play":
        return this.#takePlay(event.id, event.play);
      case "page-state":
        return this.#takeState(event.state as JsonObject | undefined);
      case "page-refused":
        this.#countRefused(event.code, event.count);
        this.#deps.log.warn({ code: event.code.slice(0, 64), count: event.count }, "the page API refused calls from the page");
        // Not a refusal: these were accepted from the page, but the host's file was damaged since.
        if (event.code === "page.lost") this.#deps.onLost(this.#refused[event.code] ?? event.count);
        return;
      case "metrics":
        return this.#deps.onMetrics(event.metrics);
      case "log":
        // The log is rate-limited per text. The host's texts go into a field, so that they cannot use up the limit of ours.
        this.#deps.log[event.level]({ ...event.fields, part: "player-host", says: event.message }, "the player host says");
        return;
    }
  }

  #takeEvent(id: string, name: string, data: JsonObject | undefined): void {
    const checked = validate(EventNameSchema, name, "event name", "page.invalid");
    if (!checked.ok) return this.#deps.link.pageStored(id, "page.invalid");
    // The host deletes an entry once it is answered, so it is answered only once on disk.
    const body: JsonObject = data === undefined ? { name } : { name, data };
    this.#store(id, { stream: "event", kind: "page", source: "page", dedupeKey: `page:${id}`, onceOnDisk: true, body });
  }

  #takePlay(id: string, play: unknown): void {
    const checked = validate(PlaySchema, play, "proof of play", "page.invalid");
    if (!checked.ok) {
      this.#deps.log.warn({ ...checked.error }, "a proof of play was refused");
      return this.#deps.link.pageStored(id, "page.invalid");
    }
    const agoMs = this.#deps.clock.wallMs() - (checked.value.startedMs + checked.value.durationMs);
    const verdict = Math.abs(agoMs) <= PLAY_FRESH_MS ? this.#deps.verdict() : "unknown";
    const body = { ...checked.value, verdict } as unknown as JsonObject;
    this.#store(id, { stream: "play", kind: "play", source: "page", dedupeKey: `page:${id}`, body });
  }

  #store(id: string, record: Parameters<EventSink["append"]>[0]): void {
    const { events, link, log } = this.#deps;
    events.append(record).then(
      (appended) => link.pageStored(id, appended.ok ? undefined : appended.error.code),
      (thrown: unknown) => {
        // A bug in the outbox. Unanswered, the host keeps the entry and sends it again.
        log.error({ error: String(thrown) }, "storing a page record threw");
      },
    );
  }

  #countRefused(code: string, count: number): void {
    const isKnown = Object.hasOwn(this.#refused, code);
    const under = isKnown || (REFUSAL_CODE.test(code) && Object.keys(this.#refused).length < REFUSAL_CODES_MAX) ? code : "other";
    this.#refused[under] = (this.#refused[under] ?? 0) + count;
  }

  /** `undefined`: the page is no longer on. */
  #takeState(state: JsonObject | undefined): void {
    if (state === undefined) return this.#pageState.clear();
    if (JSON.stringify(state).length > PAGE_STATE_MAX) {
      this.#countRefused("page.too-large", 1);
      return;
    }
    this.#pageState.set(state);
  }

  #report(status: PlayerStatus): void {
    // Another host instance has another page, whose state it reports anew. The same instance may only have lost the link.
    if (status.kind === "present" && status.instance !== this.#instance) {
      if (this.#instance !== undefined) this.#pageState.clear();
      this.#instance = status.instance;
    }
    if (status.kind === "present" && status.browser !== undefined) this.#deps.reporter.set("browser", status.browser);
    this.#deps.reporter.set("player", playerReport(status, this.#deps.clock.wallMs(), (id) => this.#deps.contentLabel(id)));
  }
}

/** The `player` section of the reported document. */
export function playerReport(status: PlayerStatus, wallMs: number, label: (id: string) => string): ReportedDocument["player"] {
  if (status.kind === "absent") return { kind: "absent", why: status.why };
  const { shell, stage } = status;
  switch (stage.kind) {
    case "screen":
      return { kind: "idle", shell, screen: stage.screen };
    case "failed":
      return { kind: "failed", shell, content: label(stage.content), error: stage.error };
    case "loading":
    case "playing":
      return { kind: stage.kind, shell, content: label(stage.content), sinceMs: Math.min(Math.round(stage.sinceMs), wallMs) };
  }
}
