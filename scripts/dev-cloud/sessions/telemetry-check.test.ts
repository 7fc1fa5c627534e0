import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
import { TelemetrySchema } from "../../../agent/protocol/records.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { isPlainTelemetry } from "./telemetry-check.ts";

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const rollup = fc.record({ min: number, mean: number, max: number, last: number, count: fc.integer({ min: 1 }) });

test("accepts every rollup an agent makes", () => {
  fc.assert(
    fc.property(fc.nat(31_622_400_000), fc.dictionary(fc.string(), rollup, { noNullPrototype: true }), (intervalMs, metrics) => {
      expect(isPlainTelemetry({ intervalMs, metrics })).toBe(true);
    }),
  );
});

test("never accepts what the schema refuses", () => {
  const odd = fc.oneof(
    fc.constantFrom<Json>(null, "1", -1, 0, 1.5, 2 ** 53, [], {}),
    fc.jsonValue().map((value) => value as Json),
  );
  const body = fc.oneof(
    fc.jsonValue().map((value) => value as Json),
    fc.record(
      {
        intervalMs: odd,
        metrics: fc.oneof(
          odd,
          fc.dictionary(
            fc.string(),
            fc.oneof(odd, fc.record({ min: odd, mean: odd, max: odd, last: odd, count: odd }, { requiredKeys: [] })),
            { noNullPrototype: true },
          ),
        ),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Json>,
  );
  fc.assert(
    fc.property(body, (value) => {
      expect(isPlainTelemetry(value) && !v.safeParse(TelemetrySchema, value).success).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});
