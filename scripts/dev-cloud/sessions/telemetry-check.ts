import { isJsonObject, type Json } from "../../../platform/runtime/json.ts";

/** A year, the longest duration of the protocol. */
const INTERVAL_MS_MAX = 31_622_400_000;

/**
 * Whether a body is surely a telemetry rollup. A backlog of telemetry has dozens of numbers a record, and the
 * schema's own walk over them costs more than storing them; "no" only means that the schema decides.
 */
export function isPlainTelemetry(body: Json): boolean {
  if (!isJsonObject(body)) return false;
  const { intervalMs, metrics } = body;
  if (
    !Number.isSafeInteger(intervalMs) ||
    Number(intervalMs) < 0 ||
    Number(intervalMs) > INTERVAL_MS_MAX ||
    !isJsonObject(metrics)
  )
    return false;
  for (const rollup of Object.values(metrics)) {
    if (!isJsonObject(rollup)) return false;
    const { min, mean, max, last, count } = rollup;
    const numbers = typeof min === "number" && typeof mean === "number" && typeof max === "number" && typeof last === "number";
    if (!numbers || !Number.isSafeInteger(count) || Number(count) < 1) return false;
  }
  return true;
}
