import { isJsonObject, type Json } from "../../../platform/runtime/json.ts";

/** 366 days, the longest duration in the protocol. */
const INTERVAL_MS_MAX = 31_622_400_000;

/**
 * Fast check whether a body is certainly a telemetry rollup: with dozens of numbers per record, validating a
 * backlog by schema costs more than storing it. `false` means that the schema must decide.
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
