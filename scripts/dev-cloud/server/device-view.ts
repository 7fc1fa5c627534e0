import type { Alarm } from "../../../agent/protocol/records.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { limitsOf } from "../sessions/admission.ts";
import {
  isFinal,
  type CommandRow,
  type DeviceRow,
  type DocumentRow,
  type RecordRow,
  type UploadRow,
} from "../sessions/cloud-store.ts";
import { findCommand } from "../../../agent/protocol/commands/catalog.ts";
import type { Cloud } from "../sessions/cloud.ts";

/** Objects as the HTTP API returns them; `docs/dev-cloud-api.md` describes their shapes. */
export class Views {
  readonly #cloud: Cloud;
  readonly #isSimulated: (device: string) => boolean;

  constructor(cloud: Cloud, isSimulated: (device: string) => boolean) {
    this.#cloud = cloud;
    this.#isSimulated = isSimulated;
  }

  summary(row: DeviceRow): JsonObject {
    const { store, clock, live } = this.#cloud.context;
    const session = live.get(row.id);
    const reported = store.document(row.id, "reported")?.document;
    const claimed = row.owner !== undefined;
    const pairing =
      claimed || row.link.state !== "online" ? undefined : this.#cloud.ownership.pairing.current(row.id, clock.wallMs());
    return {
      id: row.id,
      name: nameOf(row),
      claimed,
      pairing: pairing === undefined ? null : { code: pairing.code, expiresMs: pairing.expiresMs },
      link: linkView(row),
      lastSeenMs: session === undefined ? row.lastSeenMs : Math.round(clock.wallMs() - session.silentMs()),
      verdict: verdictOf(reported),
      player: reported?.["player"] ?? null,
      adapter: adapterOf(reported),
      software: reported?.["software"] ?? null,
      agentVersion: row.agent?.version ?? null,
      platform: row.agent?.platform ?? null,
      screenshot: this.#screenshot(row.id),
      desired: { version: store.document(row.id, "desired")?.version ?? 0, applied: appliedVersion(reported) },
      alarms: openAlarms(store.document(row.id, "alarms")?.document),
      openCommands: store.openCommands(row.id).filter((command) => !command.internal).length,
      simulated: this.#isSimulated(row.id),
      createdMs: row.createdMs,
    };
  }

  detail(row: DeviceRow): JsonObject {
    const { store, live, misbehaviours } = this.#cloud.context;
    const reported = store.document(row.id, "reported");
    const desired = store.document(row.id, "desired");
    const profile = store.document(row.id, "profile");
    return {
      ...this.summary(row),
      reported:
        reported === undefined ? null : { version: reported.version, receivedMs: reported.atMs, document: reported.document },
      desiredDocument:
        desired === undefined ? null : { version: desired.version, issuedMs: desired.atMs, document: desired.document },
      profile: profile === undefined ? null : { ...profile.document, receivedMs: profile.atMs },
      owner: row.owner === undefined ? null : { ...row.owner },
      foreignOwner: row.foreignOwner ?? null,
      clock: row.clock === undefined ? null : { ...row.clock },
      streams: store.positions(row.id).map(({ log, firstSeenMs, streams }) => ({
        log,
        firstSeenMs,
        stored: Object.fromEntries(Object.entries(streams).map(([stream, position]) => [stream, position.upTo])),
        holes: Object.fromEntries(
          Object.entries(streams).map(([stream, position]) => [stream, position.holes.map(([from, to]) => [from, to])]),
        ),
      })),
      gaps: Object.values(store.document(row.id, "gaps")?.document ?? {}),
      counters: { ...live.counters(row.id) },
      misbehaviours: misbehaviours.of(row.id),
      limits: limitsOf(this.#cloud.context, row.id),
    };
  }

  command(row: CommandRow): JsonObject {
    const { store } = this.#cloud.context;
    const definition = findCommand(row.name);
    const { payload: _payload, ackedFinal: _ackedFinal, cancel, ...rest } = row;
    return {
      ...(rest as unknown as JsonObject),
      attempts: store.command(row.device, row.id)?.attempt ?? row.attempt,
      final: isFinal(row.state),
      progress: (row.progress as JsonObject | undefined) ?? null,
      timeoutMs: definition?.timeoutMs ?? null,
      expectedMs: definition?.expectedMs ?? null,
      cancelRequestedMs: cancel?.atMs ?? null,
      error: row.error === undefined ? null : { ...row.error },
      effect: row.effect ?? null,
      result: row.result ?? null,
      durationMs: row.durationMs ?? null,
    };
  }

  desired(row: DocumentRow | undefined, device: string): JsonObject {
    const report = this.#cloud.context.store.document(device, "reported")?.document["desired"];
    return { version: row?.version ?? 0, issuedMs: row?.atMs ?? null, document: row?.document ?? {}, report: report ?? null };
  }

  upload(row: UploadRow, offset: number): JsonObject {
    const { token: _token, request: _request, expiresMs: _expires, ...rest } = row;
    return {
      ...(rest as unknown as JsonObject),
      offset: row.state === "complete" ? row.bytes : offset,
      completedMs: row.completedMs ?? null,
      command: row.command === undefined ? null : { ...row.command },
      url: row.state === "complete" ? fileUrl(row.id) : null,
    };
  }

  #screenshot(device: string): Json {
    const newest = this.newestScreenshot(device);
    if (newest === undefined) return null;
    return {
      upload: newest.id,
      takenMs: newest.completedMs ?? newest.createdMs,
      url: fileUrl(newest.id),
      contentType: newest.contentType,
      bytes: newest.bytes,
    };
  }

  newestScreenshot(device: string): UploadRow | undefined {
    return this.#cloud.context.store.uploads({ device, purpose: "screenshot", state: "complete", limit: 1, internal: true })[0];
  }
}

/** Display name: the name given by an operator, else the device's own, else the start of its id. */
export function nameOf(row: DeviceRow): string {
  return row.name ?? row.agent?.name ?? row.id.slice(0, 8);
}

export function recordView(row: RecordRow): JsonObject {
  const { device: _device, hidden: _hidden, ...rest } = row;
  return rest;
}

function fileUrl(id: string): string {
  return `/api/v1/uploads/${encodeURIComponent(id)}/file`;
}

function linkView({ link }: DeviceRow): JsonObject {
  return {
    state: link.state,
    sinceMs: link.sinceMs,
    reason: link.reason ?? null,
    session: link.session ?? null,
    epoch: link.epoch ?? null,
    bootId: link.bootId ?? null,
    remote: link.remote ?? null,
  };
}

function verdictOf(reported: JsonObject | undefined): Json {
  const screen = reported?.["screen"];
  if (!isJsonObject(screen)) return null;
  return { verdict: screen["verdict"] ?? "unknown", confidence: screen["confidence"] ?? 0, sinceMs: screen["sinceMs"] ?? null };
}

function adapterOf(reported: JsonObject | undefined): Json {
  const agent = reported?.["agent"];
  return isJsonObject(agent) ? (agent["adapter"] ?? null) : null;
}

function appliedVersion(reported: JsonObject | undefined): Json {
  const desired = reported?.["desired"];
  return isJsonObject(desired) ? (desired["version"] ?? 0) : 0;
}

function openAlarms(document: JsonObject | undefined): Json {
  return Object.entries(document ?? {}).map(([code, alarm]) => ({ code, ...(alarm as Pick<Alarm, "severity" | "message">) }));
}
