import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import type { ApiIssue, Api } from "./api.dom.ts";
import type { LiveState } from "./live.dom.ts";
import type {
  CommandInfo, CommandView, DesiredState, DeviceDetail, DeviceSummary, RecordView, ReportedState, ServerInfo, UploadView,
} from "../model/api-types.ts";
import type { Freshness } from "../model/verdict.ts";

/** A change of the store. */
export type Change =
  | { readonly t: "fleet" }
  | { readonly t: "link" }
  | { readonly t: "device"; readonly id: string }
  | { readonly t: "detail"; readonly id: string }
  | { readonly t: "command"; readonly command: CommandView }
  | { readonly t: "records"; readonly id: string; readonly records: readonly RecordView[]; readonly skipped: number }
  | { readonly t: "upload"; readonly upload: UploadView }
  | { readonly t: "misbehaviours"; readonly id: string; readonly active: JsonObject }
  /** Events may have been missed: load everything again. */
  | { readonly t: "reload" };

/** Everything the views show, as last received from the server. */
export class Store {
  readonly api: Api;
  readonly devices = new Map<string, DeviceSummary>();
  readonly details = new Map<string, DeviceDetail>();
  info: ServerInfo | undefined;
  catalog: readonly CommandInfo[] = [];
  link: LiveState = { kind: "connecting" };
  loaded = false;
  #startedMs: number | undefined;
  #offsetMs = 0;
  #wanted: string | undefined;
  #ended: AbortController | undefined;
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(api: Api) {
    this.api = api;
  }

  /** The server's current time, estimated from its last `hello`. */
  nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  get freshness(): Freshness {
    return this.link.kind === "lost" ? { live: false, lastHeardMs: this.link.sinceMs + this.#offsetMs } : { live: true };
  }

  /** Adds a listener until `signal` aborts. */
  on(signal: AbortSignal, listener: (change: Change) => void): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  setLink(state: LiveState): void {
    this.link = state;
    this.#tell({ t: "link" });
  }

  /** Selects the device whose details are kept up to date; `undefined` for none. Resolves with the error, if any. */
  async follow(id: string | undefined): Promise<ApiIssue | undefined> {
    this.#wanted = id;
    this.details.clear();
    return id === undefined ? undefined : this.loadDetail(id);
  }

  async loadDetail(id: string): Promise<ApiIssue | undefined> {
    const answer = await this.api.get<{ device: DeviceDetail }>(`/devices/${encodeURIComponent(id)}`);
    if (!answer.ok) return answer.error;
    if (this.#wanted === id) {
      this.details.set(id, answer.value.device);
      this.#takeSummary(answer.value.device);
      this.#tell({ t: "detail", id });
    }
    return undefined;
  }

  /** Takes a device from an API answer without waiting for its event. */
  takeDevice(device: DeviceSummary): void {
    this.#takeSummary(device);
    this.#tell({ t: "device", id: device.id });
  }

  takeDesired(id: string, desired: DesiredState): void {
    const detail = this.details.get(id);
    if (detail === undefined || (detail.desiredDocument?.version ?? 0) > desired.version) return;
    this.details.set(id, { ...detail, desiredDocument: { version: desired.version, issuedMs: desired.issuedMs, document: desired.document } });
    this.#tell({ t: "detail", id });
  }

  takeCommand(command: CommandView): void {
    this.#tell({ t: "command", command });
  }

  /** Applies one event of the stream. */
  take(name: string, data: Json): void {
    if (!isJsonObject(data)) return;
    const device = typeof data["device"] === "string" ? data["device"] : undefined;
    switch (name) {
      case "hello":
        this.#hello(data);
        return;
      case "overflow":
        void this.#load();
        return;
      case "device":
        if (isJsonObject(data["device"])) this.takeDevice(data["device"] as unknown as DeviceSummary);
        return;
      case "device-removed":
        if (typeof data["id"] === "string" && this.devices.delete(data["id"])) this.#tell({ t: "fleet" });
        return;
      case "reported":
        if (device !== undefined) this.#patchDetail(device, { reported: data as unknown as ReportedState });
        return;
      case "desired":
        if (device !== undefined) this.takeDesired(device, data as unknown as DesiredState);
        return;
      case "profile":
        if (device === this.#wanted && device !== undefined) void this.loadDetail(device);
        return;
      case "command":
        this.#tell({ t: "command", command: data["command"] as unknown as CommandView });
        return;
      case "record":
        if (device !== undefined) {
          const skipped = typeof data["skipped"] === "number" ? data["skipped"] : 0;
          this.#tell({ t: "records", id: device, records: (data["records"] ?? []) as unknown as RecordView[], skipped });
        }
        return;
      case "upload":
        this.#tell({ t: "upload", upload: data["upload"] as unknown as UploadView });
        return;
      case "misbehaviours":
        if (device !== undefined) this.#tell({ t: "misbehaviours", id: device, active: isJsonObject(data["active"]) ? data["active"] : {} });
    }
  }

  #hello(data: JsonObject): void {
    if (typeof data["serverMs"] === "number") this.#offsetMs = data["serverMs"] - Date.now();
    const startedMs = typeof data["startedMs"] === "number" ? data["startedMs"] : undefined;
    if (startedMs !== this.#startedMs) {
      this.#startedMs = startedMs;
      this.catalog = [];
      this.info = undefined;
    }
    void this.#load();
  }

  /** Reloads everything, after each (re)connect and when the stream dropped events. */
  async #load(): Promise<void> {
    this.#ended?.abort();
    const ended = new AbortController();
    this.#ended = ended;
    const [devices, info, catalog] = await Promise.all([
      this.api.get<{ devices: readonly DeviceSummary[] }>("/devices", ended.signal),
      this.info === undefined ? this.api.get<ServerInfo>("/info", ended.signal) : undefined,
      this.catalog.length === 0 ? this.api.get<{ commands: readonly CommandInfo[] }>("/commands/catalog", ended.signal) : undefined,
    ]);
    if (ended.signal.aborted) return;
    if (info?.ok === true) this.info = info.value;
    if (catalog?.ok === true) this.catalog = catalog.value.commands;
    if (devices.ok) {
      this.devices.clear();
      for (const device of devices.value.devices) this.devices.set(device.id, device);
      this.loaded = true;
    }
    this.#tell({ t: "fleet" });
    if (this.#wanted !== undefined) await this.loadDetail(this.#wanted);
    this.#tell({ t: "reload" });
  }

  #takeSummary(device: DeviceSummary): void {
    const isNew = !this.devices.has(device.id);
    this.devices.set(device.id, device);
    const detail = this.details.get(device.id);
    if (detail !== undefined && detail !== device) this.details.set(device.id, { ...detail, ...device });
    if (isNew) this.#tell({ t: "fleet" });
  }

  #patchDetail(id: string, part: Partial<DeviceDetail>): void {
    const detail = this.details.get(id);
    if (detail === undefined) return;
    this.details.set(id, { ...detail, ...part });
    this.#tell({ t: "detail", id });
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (thrown) {
        // A view that fails on one update must not stop updates for the others.
        reportError(thrown);
      }
    }
  }
}
