import * as v from "valibot";
import { COMMANDS } from "../../../agent/protocol/commands/catalog.ts";
import type { CommandDefinition } from "../../../agent/protocol/commands/definition.ts";
import { DesiredDocumentSchema } from "../../../agent/protocol/desired.ts";
import { DurationMsSchema, IdSchema, JsonObjectSchema } from "../../../agent/protocol/values.ts";
import type { Result } from "../../tool-result.ts";
import type { CommandRow, CommandState } from "../sessions/cloud-store.ts";
import { jsonSchemaOf } from "../../docs/json-schema.ts";
import { apiError } from "./api-error.ts";
import { bodyOf, deviceOf } from "./device-routes.ts";
import { choiceOf, numberOf, sendJson, type Exchange } from "./exchange.ts";
import { checkPossible } from "./possible-command.ts";
import type { Router } from "./router.ts";
import type { ServerParts } from "./server-parts.ts";

const SendSchema = v.object({
  name: v.pipe(v.string(), v.maxLength(64)),
  params: v.optional(JsonObjectSchema, {}),
  ttlMs: v.optional(v.pipe(DurationMsSchema, v.minValue(1_000))),
  id: v.optional(IdSchema),
  /** Sends the command even when the device's profile says it is not possible. */
  insist: v.optional(v.boolean(), false),
});
const STATES = [
  "queued",
  "sent",
  "delivered",
  "running",
  "succeeded",
  "failed",
  "rejected",
  "canceled",
  "expired",
  "timed-out",
  "open",
  "final",
] as const satisfies readonly (CommandState | "open" | "final")[];

const catalog = Object.values(COMMANDS).map((definition: CommandDefinition) => {
  const { params, result, needs, ...facts } = definition;
  return { ...facts, needs: needs ?? null, params: jsonSchemaOf(params), result: jsonSchemaOf(result) };
});
const desiredSchema = jsonSchemaOf(DesiredDocumentSchema);

export function commandRoutes(router: Router, parts: ServerParts): void {
  const { cloud, views } = parts;
  const { store } = cloud.context;

  const answer = (exchange: Exchange, result: Result<CommandRow>, status: number): void => {
    if (!result.ok) throw apiError(result.error);
    sendJson(exchange.response, status, { command: views.command(result.value) });
  };

  router.on("GET", "/api/v1/commands/catalog", ({ response }) => sendJson(response, 200, { commands: catalog }));
  router.on("GET", "/api/v1/schema/desired", ({ response }) => sendJson(response, 200, desiredSchema));

  router.on("POST", "/api/v1/devices/:device/commands", async (exchange) => {
    const { id: device } = deviceOf(parts, exchange);
    const { name, params, ttlMs, id, insist } = await bodyOf(exchange, SendSchema);
    const row = store.device(device);
    if (row === undefined) throw apiError({ code: "device.unknown", message: "the device was forgotten in the meantime" });
    const possible = insist ? undefined : checkPossible(store.document(device, "profile")?.document, name);
    if (possible?.ok === false) throw apiError(possible.error);
    answer(
      exchange,
      cloud.commands.create(row, {
        name,
        params,
        ...(ttlMs === undefined ? {} : { ttlMs }),
        ...(id === undefined ? {} : { id }),
      }),
      202,
    );
  });

  router.on("GET", "/api/v1/devices/:device/commands", (exchange) => {
    const { id: device } = deviceOf(parts, exchange);
    const { query } = exchange;
    const limit = numberOf(query, "limit", { min: 1, max: 200 }) ?? 50;
    const before = numberOf(query, "before", { min: 0, max: Number.MAX_SAFE_INTEGER });
    const state = choiceOf(query, "state", STATES);
    const rows = store.commands({
      device,
      limit,
      internal: query.get("internal") === "1",
      ...(before === undefined ? {} : { before }),
      ...(state === undefined ? {} : { state }),
    });
    const last = rows.at(-1);
    sendJson(exchange.response, 200, {
      commands: rows.map((row) => views.command(row)),
      next: rows.length < limit || last === undefined ? null : last.number,
    });
  });

  router.on("GET", "/api/v1/devices/:device/commands/:command", (exchange) => {
    const { id: device } = deviceOf(parts, exchange);
    const attempt = numberOf(exchange.query, "attempt", { min: 1, max: Number.MAX_SAFE_INTEGER });
    const row = store.command(device, exchange.params["command"] ?? "", attempt);
    if (row === undefined) throw apiError({ code: "command.unknown-id", message: "there is no such command for this device" });
    sendJson(exchange.response, 200, { command: views.command(row) });
  });

  router.on("POST", "/api/v1/devices/:device/commands/:command/cancel", (exchange) => {
    answer(exchange, cloud.commands.cancel(deviceOf(parts, exchange).id, exchange.params["command"] ?? ""), 202);
  });

  router.on("POST", "/api/v1/devices/:device/commands/:command/retry", (exchange) => {
    answer(exchange, cloud.commands.retry(deviceOf(parts, exchange), exchange.params["command"] ?? ""), 202);
  });
}
