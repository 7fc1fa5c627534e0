import * as v from "valibot";
import { STREAMS, type Stream } from "../../../agent/protocol/records.ts";
import { CountSchema, JsonObjectSchema } from "../../../agent/protocol/values.ts";
import type { Result } from "../../tool-result.ts";
import type { DocumentRow } from "../sessions/cloud-store.ts";
import { apiError } from "./api-error.ts";
import { bodyOf, deviceOf } from "./device-routes.ts";
import { recordView } from "./device-view.ts";
import { badQuery, listOf, numberOf, sendJson, type Exchange } from "./exchange.ts";
import type { Router } from "./router.ts";
import type { ServerParts } from "./server-parts.ts";
import { bucketed, metricNames } from "./telemetry-series.ts";

const PutSchema = v.object({ document: JsonObjectSchema, ifVersion: v.optional(CountSchema) });
const PatchSchema = v.object({ patch: JsonObjectSchema, ifVersion: v.optional(CountSchema) });
const HOUR_MS = 3_600_000;
/** Rollup records read per query. A week of one per minute is 10,080. */
const TELEMETRY_ROWS_MAX = 50_000;
const METRICS_MAX = 32;
const NOT_METRICS: readonly Stream[] = STREAMS.filter((stream) => stream !== "metric");

export function stateRoutes(router: Router, parts: ServerParts): void {
  desiredRoutes(router, parts);
  telemetryRoutes(router, parts);
  recordRoutes(router, parts);
}

function desiredRoutes(router: Router, parts: ServerParts): void {
  const { cloud, views } = parts;
  const { store } = cloud.context;

  const answerDesired = (exchange: Exchange, device: string, result: Result<DocumentRow | undefined>): void => {
    const present = store.document(device, "desired");
    if (result.ok) {
      sendJson(exchange.response, 200, views.desired(result.value, device));
      return;
    }
    const conflict = result.error.code === "desired.version-conflict";
    throw apiError(
      result.error,
      conflict ? { beside: { current: { version: present?.version ?? 0, document: present?.document ?? {} } } } : {},
    );
  };

  router.on("GET", "/api/v1/devices/:device/desired", (exchange) => {
    const { id } = deviceOf(parts, exchange);
    sendJson(exchange.response, 200, views.desired(store.document(id, "desired"), id));
  });

  router.on("PUT", "/api/v1/devices/:device/desired", async (exchange) => {
    const row = deviceOf(parts, exchange);
    const { document, ifVersion } = await bodyOf(exchange, PutSchema);
    answerDesired(exchange, row.id, cloud.desired.put(store.device(row.id) ?? row, document, ifVersion));
  });

  router.on("PATCH", "/api/v1/devices/:device/desired", async (exchange) => {
    const row = deviceOf(parts, exchange);
    const { patch, ifVersion } = await bodyOf(exchange, PatchSchema);
    answerDesired(exchange, row.id, cloud.desired.patch(store.device(row.id) ?? row, patch, ifVersion));
  });
}

function telemetryRoutes(router: Router, parts: ServerParts): void {
  const { store, clock } = parts.cloud.context;

  router.on("GET", "/api/v1/devices/:device/telemetry/metrics", (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const nowMs = clock.wallMs();
    sendJson(exchange.response, 200, { metrics: metricNames(store.telemetry(id, 0, nowMs + 365 * 24 * HOUR_MS, 500)) });
  });

  router.on("GET", "/api/v1/devices/:device/telemetry", (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const { query } = exchange;
    const names = (query.get("metrics") ?? "").split(",").filter((name) => name !== "");
    if (names.length === 0 || names.length > METRICS_MAX) throw badQuery(`metrics must be 1 to ${METRICS_MAX} names`);
    const toMs = numberOf(query, "toMs", { min: 1, max: 253_402_300_799_999 }) ?? clock.wallMs();
    const fromMs = numberOf(query, "fromMs", { min: 0, max: 253_402_300_799_999 }) ?? Math.max(0, toMs - HOUR_MS);
    const buckets = numberOf(query, "buckets", { min: 1, max: 1_000 }) ?? 120;
    if (fromMs >= toMs) throw badQuery("fromMs must be before toMs");
    sendJson(
      exchange.response,
      200,
      bucketed(store.telemetry(id, fromMs, toMs, TELEMETRY_ROWS_MAX), { names, fromMs, toMs, buckets }),
    );
  });
}

function recordRoutes(router: Router, parts: ServerParts): void {
  const { store } = parts.cloud.context;

  router.on("GET", "/api/v1/devices/:device/records", (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const { query } = exchange;
    const limit = numberOf(query, "limit", { min: 1, max: 1_000 }) ?? 100;
    const before = numberOf(query, "before", { min: 0, max: Number.MAX_SAFE_INTEGER });
    const after = numberOf(query, "after", { min: 0, max: Number.MAX_SAFE_INTEGER });
    const kind = query.get("kind");
    const rows = store.records({
      device: id,
      streams: listOf(query, "stream", STREAMS) ?? NOT_METRICS,
      limit,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(kind === null ? {} : { kind: kind.slice(0, 64) }),
    });
    const last = rows.at(-1)?.cursor;
    const next = after === undefined ? (rows.length < limit ? null : (last ?? null)) : (last ?? after);
    sendJson(exchange.response, 200, { records: rows.map(recordView), next });
  });
}
