import * as v from "valibot";
import { JsonObjectSchema } from "../../../agent/protocol/values.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { misbehave } from "../sessions/misdeeds.ts";
import { MISDEEDS, MisbehaviourSchema } from "../sessions/misbehaviour.ts";
import { jsonSchemaOf } from "../../docs/json-schema.ts";
import { ApiError, apiError } from "./api-error.ts";
import { bodyOf, deviceOf, sessionOf } from "./device-routes.ts";
import { sendJson } from "./exchange.ts";
import type { Router } from "./router.ts";
import type { ServerParts } from "./server-parts.ts";

const ActiveSchema = v.object({ active: MisbehaviourSchema });
const MisdeedSchema = v.object({ do: v.picklist(MISDEEDS) });
const ApplySchema = v.object({
  action: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  params: v.optional(JsonObjectSchema, {}),
});

const available = Object.entries(MisbehaviourSchema.entries).map(([name, schema]) => {
  const params = jsonSchemaOf(schema.wrapped);
  return { name, summary: typeof params["description"] === "string" ? params["description"] : name, params };
});

/** Routes for tests and simulated devices. */
export function testRoutes(router: Router, parts: ServerParts): void {
  const { cloud, simulated } = parts;
  const { misbehaviours } = cloud.context;

  router.on("GET", "/api/v1/misbehaviours", ({ response }) =>
    sendJson(response, 200, { available, active: misbehaviours.forNew() }),
  );

  router.on("PUT", "/api/v1/misbehaviours", async (exchange) => {
    const { active } = await misbehaviourOf(exchange);
    misbehaviours.setForNew(active);
    sendJson(exchange.response, 200, { active });
  });

  router.on("GET", "/api/v1/devices/:device/misbehaviours", (exchange) => {
    sendJson(exchange.response, 200, { available, active: misbehaviours.of(deviceOf(parts, exchange).id) });
  });

  router.on("PUT", "/api/v1/devices/:device/misbehaviours", async (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const { active } = await misbehaviourOf(exchange);
    misbehaviours.set(id, active);
    cloud.context.emit({ t: "misbehaviours", device: id, active });
    sendJson(exchange.response, 200, { active });
  });

  router.on("POST", "/api/v1/devices/:device/misbehave", async (exchange) => {
    const session = sessionOf(parts, deviceOf(parts, exchange));
    const { do: misdeed } = await bodyOf(exchange, MisdeedSchema);
    const done = await misbehave(cloud.context, session, misdeed);
    if (!done.ok) throw apiError(done.error);
    sendJson(exchange.response, 202, {});
  });

  router.on("GET", "/api/v1/devices/:device/simulated", async (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const [actions, state] = await Promise.all([ask(id, "simulated.actions", {}), ask(id, "simulated.state", {})]);
    sendJson(exchange.response, 200, { actions: unwrapped(actions, "actions"), state: unwrapped(state, "state") });
  });

  router.on("POST", "/api/v1/devices/:device/simulated", async (exchange) => {
    const { id } = deviceOf(parts, exchange);
    const request = await bodyOf(exchange, ApplySchema);
    const result = await ask(id, "simulated.apply", request);
    // May fail: actions such as pulling the plug end the device's process.
    const state = await simulated.call(id, "simulated.state", {});
    sendJson(exchange.response, 200, { result, state: state.ok ? unwrapped(state.value, "state") : null });
  });

  async function misbehaviourOf(exchange: Parameters<typeof bodyOf>[0]): Promise<v.InferOutput<typeof ActiveSchema>> {
    try {
      return await bodyOf(exchange, ActiveSchema);
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.issue.code === "request.malformed") {
        throw apiError({ ...thrown.issue, code: "misbehaviour.invalid", hint: "GET on the same path lists the available ones" });
      }
      throw thrown;
    }
  }

  async function ask(device: string, method: string, params: JsonObject): Promise<Json> {
    const answer = await simulated.call(device, method, params);
    if (answer.ok) return answer.value;
    const { code } = answer.error;
    if (code === "simulated.unavailable") throw new ApiError(501, answer.error);
    throw new ApiError(/invalid|unknown/.test(code) ? 400 : 502, answer.error);
  }
}

/** Unwraps `{ [key]: value }`: a device may answer with that or with the value itself. */
function unwrapped(value: Json, key: string): Json {
  return isJsonObject(value) && Object.hasOwn(value, key) && Object.keys(value).length === 1 ? (value[key] ?? null) : value;
}
