import * as v from "valibot";
import { LimitsSchema } from "../../../agent/protocol/cloud-messages.ts";
import {
  DurationMsSchema,
  EndpointSchema,
  FingerprintSchema,
  PublicKeySchema,
  SignatureSchema,
  TextSchema,
} from "../../../agent/protocol/values.ts";
import { limitsOf } from "../sessions/admission.ts";
import type { DeviceRow } from "../sessions/cloud-store.ts";
import type { LiveSession } from "../sessions/live-sessions.ts";
import { updateDevice } from "../sessions/context.ts";
import { apiError } from "./api-error.ts";
import { nameOf } from "./device-view.ts";
import { readJson, sendJson, sendNothing, type Exchange } from "./exchange.ts";
import type { Router } from "./router.ts";
import type { ServerParts } from "./server-parts.ts";
import { validateAs } from "../validate-as.ts";

const NameSchema = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(64));
const ClaimSchema = v.object({ code: v.pipe(v.string(), v.maxLength(64)), name: v.optional(NameSchema) });
const RenameSchema = v.object({ name: NameSchema });
const FetchSchema = v.object({ wants: v.pipe(v.array(v.picklist(["profile", "reported"])), v.minLength(1), v.maxLength(2)) });
const GoAwaySchema = v.object({
  reason: v.optional(TextSchema),
  retryAfterMs: v.optional(DurationMsSchema),
  endpoint: v.optional(EndpointSchema),
});
const EndorseSchema = v.object({ publicKey: PublicKeySchema });
const AdoptSchema = v.object({
  publicKey: PublicKeySchema,
  endorsement: v.object({ by: FingerprintSchema, signature: SignatureSchema }),
});

/** Reads the body and checks it against the schema. Throws 400 `request.malformed`, and what {@link readJson} throws. */
export async function bodyOf<S extends v.GenericSchema>(exchange: Exchange, schema: S): Promise<v.InferOutput<S>> {
  const checked = validateAs("request.malformed", schema, await readJson(exchange.request), "body");
  if (!checked.ok) throw apiError(checked.error);
  return checked.value;
}

/** The device named in the path. Throws 404 `device.unknown`. */
export function deviceOf(parts: ServerParts, exchange: Exchange): DeviceRow {
  const row = parts.cloud.context.store.device(exchange.params["device"] ?? "");
  if (row === undefined)
    throw apiError({ code: "device.unknown", message: "there is no such device", hint: "GET /api/v1/devices lists all" });
  return row;
}

/** The device's open session. Throws 409 `device.offline`. */
export function sessionOf(parts: ServerParts, device: DeviceRow): LiveSession {
  const session = parts.cloud.context.live.get(device.id);
  if (session === undefined) throw apiError({ code: "device.offline", message: "the device is not connected" });
  return session;
}

export function deviceRoutes(router: Router, parts: ServerParts): void {
  const { cloud, views } = parts;
  const { store } = cloud.context;

  router.on("GET", "/api/v1/devices", ({ response }) => {
    const rows = [...store.devices()].sort((a, b) => nameOf(a).localeCompare(nameOf(b)) || (a.id < b.id ? -1 : 1));
    sendJson(response, 200, { devices: rows.map((row) => views.summary(row)) });
  });

  router.on("GET", "/api/v1/devices/:device", (exchange) =>
    sendJson(exchange.response, 200, { device: views.detail(deviceOf(parts, exchange)) }),
  );

  router.on("PATCH", "/api/v1/devices/:device", async (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const { name } = await bodyOf(exchange, RenameSchema);
    const row = store.transaction(() => updateDevice(store, id, (before) => ({ ...before, name })));
    if (row === undefined) throw apiError({ code: "device.unknown", message: "the device was forgotten in the meantime" });
    cloud.context.emit({ t: "device", device: id });
    sendJson(exchange.response, 200, { device: views.summary(row) });
  });

  router.on("DELETE", "/api/v1/devices/:device", (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const uploads = store.uploads({ device: id, limit: 100_000, internal: true });
    if (!cloud.forget(id))
      throw apiError({ code: "device.online", message: "the device is connected", hint: "stop it first" });
    parts.uploads.removeFiles(uploads);
    sendNothing(exchange.response, 204);
  });

  router.on("POST", "/api/v1/claim", async (exchange) => {
    const { code, name } = await bodyOf(exchange, ClaimSchema);
    const claimed = await cloud.ownership.claim(code, name);
    if (!claimed.ok) {
      const waitMs = cloud.ownership.pairing.waitMs(cloud.context.clock.wallMs());
      throw apiError(
        claimed.error,
        claimed.error.code === "pairing.rate-limited" ? { headers: { "retry-after": String(Math.ceil(waitMs / 1000)) } } : {},
      );
    }
    sendJson(exchange.response, 200, { device: views.summary(claimed.value) });
  });

  router.on("POST", "/api/v1/devices/:device/release", (exchange) => {
    const released = cloud.ownership.release(deviceOf(parts, exchange));
    if (!released.ok) throw apiError(released.error);
    sendJson(exchange.response, 200, { device: views.summary(released.value) });
  });

  router.on("POST", "/api/v1/owner/rotate", async ({ response }) => {
    const { fingerprint, publicKey } = await cloud.ownership.rotateKey();
    sendJson(response, 200, { owner: { name: cloud.context.signer.name, key: fingerprint, publicKey } });
  });

  router.on("POST", "/api/v1/devices/:device/endorse", async (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const { publicKey } = await bodyOf(exchange, EndorseSchema);
    sendJson(exchange.response, 200, { endorsement: await cloud.ownership.endorse(id, publicKey) });
  });

  router.on("POST", "/api/v1/adopt/:device", async (exchange) => {
    const checked = validateAs("request.malformed", FingerprintSchema, exchange.params["device"], "device");
    if (!checked.ok) throw apiError(checked.error);
    const { publicKey, endorsement } = await bodyOf(exchange, AdoptSchema);
    sendJson(exchange.response, 200, { device: views.summary(cloud.ownership.adopt(checked.value, publicKey, endorsement)) });
  });

  linkRoutes(router, parts);
}

function linkRoutes(router: Router, parts: ServerParts): void {
  const { cloud } = parts;

  router.on("POST", "/api/v1/devices/:device/fetch", async (exchange) => {
    const session = sessionOf(parts, deviceOf(parts, exchange));
    const { wants } = await bodyOf(exchange, FetchSchema);
    session.send({ t: "fetch", wants });
    sendJson(exchange.response, 202, {});
  });

  router.on("POST", "/api/v1/devices/:device/goaway", async (exchange) => {
    const session = sessionOf(parts, deviceOf(parts, exchange));
    const { reason, retryAfterMs, endpoint } = await bodyOf(exchange, GoAwaySchema);
    session.end("goaway", {
      t: "goaway",
      reason: reason ?? "requested by the operator",
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(endpoint === undefined ? {} : { endpoint }),
    });
    sendJson(exchange.response, 202, {});
  });

  router.on("POST", "/api/v1/devices/:device/disconnect", (exchange) => {
    sessionOf(parts, deviceOf(parts, exchange)).cut("disconnected");
    sendJson(exchange.response, 202, {});
  });

  router.on("PUT", "/api/v1/devices/:device/limits", async (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const limits = await bodyOf(exchange, LimitsSchema);
    cloud.setLimits(id, limits);
    sendJson(exchange.response, 200, { limits: limitsOf(cloud.context, id) });
  });
}
