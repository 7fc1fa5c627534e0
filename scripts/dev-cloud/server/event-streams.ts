import type { ServerResponse } from "node:http";
import type { Timer } from "../../../platform/ports/clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { Cloud } from "../sessions/cloud.ts";
import type { CloudEvent } from "../sessions/cloud-events.ts";
import { ApiError } from "./api-error.ts";
import type { Views } from "./device-view.ts";
import { recordView } from "./device-view.ts";
import { EventClient } from "./event-client.ts";
import { listOf, type Exchange } from "./exchange.ts";
import { RecordThrottle } from "./record-throttle.ts";

export const EVENT_NAMES = [
  "device",
  "device-removed",
  "reported",
  "desired",
  "profile",
  "command",
  "record",
  "upload",
  "misbehaviours",
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

const CLIENTS_MAX = 32;
const HEARTBEAT_MS = 15_000;
/** Minimum time between two summaries of a device. */
const DEVICE_EVERY_MS = 250;
const RECORDS_PER_EVENT = 100;

/** Sends cloud events to all clients as server-sent events, with a limited queue per client. */
export class EventStreams {
  readonly #cloud: Cloud;
  readonly #views: Views;
  readonly #offsetOf: (id: string) => number;
  readonly #clients = new Set<EventClient>();
  readonly #changedDevices = new Map<string, Timer>();
  readonly #records = new RecordThrottle();
  #heartbeat: Timer | undefined;

  constructor(cloud: Cloud, views: Views, offsetOf: (id: string) => number) {
    this.#cloud = cloud;
    this.#views = views;
    this.#offsetOf = offsetOf;
    cloud.events.on((event) => this.#on(event));
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Devices whose live pictures a client is watching. */
  watched(): "all" | ReadonlySet<string> {
    const ids = new Set<string>();
    for (const client of this.#clients) {
      if (client.screens === "all") return "all";
      for (const id of client.screens) ids.add(id);
    }
    return ids;
  }

  /** `GET /api/v1/events`. */
  connect({ request, response, query }: Exchange, startedMs: number): void {
    if (this.#clients.size >= CLIENTS_MAX) {
      throw new ApiError(
        429,
        { code: "events.too-many-clients", message: `${CLIENTS_MAX} clients are already connected`, hint: "close some" },
        { headers: { "retry-after": "10" } },
      );
    }
    const types = listOf(query, "types", EVENT_NAMES);
    const screens = query.get("screens");
    const client = new EventClient(response, {
      device: query.get("device") ?? undefined,
      types: types === undefined ? undefined : new Set<string>(types),
      screens:
        screens === "all"
          ? "all"
          : new Set(
              (screens ?? "")
                .split(",")
                .filter((id) => id !== "")
                .slice(0, 1_000),
            ),
    });
    request.on("close", () => this.#leave(client));
    openStream(response);
    this.#clients.add(client);
    this.#beat();
    client.send("hello", { serverMs: this.#cloud.context.clock.wallMs(), startedMs });
  }

  close(): void {
    this.#heartbeat?.cancel();
    for (const timer of this.#changedDevices.values()) timer.cancel();
    this.#changedDevices.clear();
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }

  #leave(client: EventClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#heartbeat?.cancel();
  }

  #beat(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = this.#cloud.context.timers.after("events.heartbeat", HEARTBEAT_MS, () => {
      for (const client of this.#clients) client.comment();
      this.#beat();
    });
  }

  #on(event: CloudEvent): void {
    if (this.#clients.size === 0) return;
    switch (event.t) {
      case "device":
        this.#deviceChanged(event.device);
        return;
      case "device-removed":
        this.#send("device-removed", event.device, { id: event.device });
        return;
      case "document":
        this.#document(event);
        return;
      case "command":
        this.#send("command", event.command.device, { command: this.#views.command(event.command) });
        return;
      case "records":
        this.#recordsStored(event);
        return;
      case "upload":
        this.#send("upload", event.upload.device, { upload: this.#views.upload(event.upload, this.#offsetOf(event.upload.id)) });
        return;
      case "misbehaviours":
        this.#send("misbehaviours", event.device, { device: event.device, active: event.active });
        return;
    }
  }

  #document({ row }: Extract<CloudEvent, { t: "document" }>): void {
    const { device, kind, version, atMs, document } = row;
    if (kind === "reported") this.#send("reported", device, { device, version, receivedMs: atMs, document });
    else if (kind === "desired") this.#send("desired", device, { device, version, issuedMs: atMs, document });
    else if (kind === "profile") this.#send("profile", device, { device, hash: document["hash"] ?? null });
  }

  #recordsStored({ device, records }: Extract<CloudEvent, { t: "records" }>): void {
    const shown = records.filter((record) => !record.hidden);
    const { allowed, skipped } = this.#records.take(device, shown.length, this.#cloud.context.clock.monotonicMs());
    const kept = shown.slice(shown.length - allowed);
    if (kept.length === 0) return;
    for (let from = 0; from < kept.length; from += RECORDS_PER_EVENT) {
      const part = kept.slice(from, from + RECORDS_PER_EVENT).map(recordView);
      this.#send("record", device, { device, records: part, ...(from === 0 && skipped > 0 ? { skipped } : {}) });
    }
  }

  /** Sends one summary for all changes within the interval. */
  #deviceChanged(device: string): void {
    if (this.#changedDevices.has(device)) return;
    const timer = this.#cloud.context.timers.after("events.device", DEVICE_EVERY_MS, () => {
      this.#changedDevices.delete(device);
      const row = this.#cloud.context.store.device(device);
      if (row !== undefined) this.#send("device", device, { device: this.#views.summary(row) });
    });
    this.#changedDevices.set(device, timer);
  }

  #send(name: EventName, device: string, data: JsonObject): void {
    for (const client of this.#clients) if (client.wants(name, device)) client.send(name, data);
  }
}

function openStream(response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-accel-buffering": "no",
  });
  response.write("retry: 2000\n\n");
}
