import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { RECORD_BODY_BYTES_MAX } from "../../protocol/limits.ts";
import { CommandOutcomeSchema } from "../../protocol/records.ts";
import { seen } from "../../../platform/ports/reading.ts";
import { outcomeOf, type Ending } from "./outcome-body.ts";
import { foreignCode } from "../../../platform/ports/result.ts";

const COMMAND = { id: "a", attempt: 1, name: "reboot" };

describe("an outcome on the wire", () => {
  it.each<[string, Ending]>([
    ["plain", { state: "succeeded", result: { level: 1 }, durationMs: 12.4 }],
    ["a result that is no object", { state: "succeeded", result: 5 }],
    ["numbers JSON does not have", { state: "succeeded", result: { a: Number.NaN, b: undefined }, durationMs: -1 }],
    [
      "a code nobody knows",
      { state: "failed", error: { code: foreignCode("Not A Code"), message: "x".repeat(5_000), hint: "y".repeat(5_000) } },
    ],
    [
      "an effect with clocks",
      {
        state: "failed",
        error: { code: "display.no-answer", message: "" },
        effect: { attempted: true, observed: seen({ deep: [1, undefined] }, 123.5) },
      },
    ],
    [
      "an effect not seen",
      {
        state: "failed",
        error: { code: "display.no-answer", message: "" },
        effect: { attempted: true, acknowledged: false, observed: { kind: "unknown", why: "z".repeat(5_000) } },
      },
    ],
    ["far too much", { state: "succeeded", result: { text: "ü".repeat(20_000) } }],
  ])("fits the schema and the record: %s", (_what, ending) => {
    const outcome = outcomeOf(COMMAND, ending);
    expect(v.safeParse(CommandOutcomeSchema, outcome).issues).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(outcome))).toBeLessThan(RECORD_BODY_BYTES_MAX);
    expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
    expect(outcome.state).toBe(ending.state);
  });

  it("omits the device's monotonic time, and says so when the result was left out", () => {
    const effect = outcomeOf(COMMAND, { state: "succeeded", result: {}, effect: { attempted: true, observed: seen("on", 55) } });
    expect(effect.effect).toEqual({ attempted: true, observed: { kind: "ok", value: "on" } });
    expect(outcomeOf(COMMAND, { state: "succeeded", result: { text: "x".repeat(20_000) } }).error?.code).toBe(
      "outcome.result-too-large",
    );
  });
});
