import * as v from "valibot";

/**
 * The local API: one JSON text per line over `agent.sock` (mode 0600), beside the player's socket. Request
 * `{"id":1,"method":"status","params":{}}`; answer `{"id":1,"result":…}` or `{"id":1,"error":{"code","message","hint"}}`.
 * Clients are the `vitrine` command line and, in development, the simulated-hardware panel. Only root and the agent's user
 * may connect.
 */
export const LOCAL_LINE_BYTES_MAX = 1024 * 1024;

export const LocalRequestSchema = v.object({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  method: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9.-]{0,63}$/)),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
});

export const LocalResponseSchema = v.union([
  v.object({ id: v.number(), error: v.object({ code: v.string(), message: v.string(), hint: v.optional(v.string()) }) }),
  v.object({ id: v.number(), result: v.unknown() }),
]);
export type LocalResponse = v.InferOutput<typeof LocalResponseSchema>;
