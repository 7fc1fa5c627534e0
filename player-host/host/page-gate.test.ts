import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { CALL_BYTES_MAX, CALLS_BURST, CALLS_PER_SECOND, PageGate } from "./page-gate.ts";

const call = (body: object): string => JSON.stringify({ id: 1, ...body });
const emit = (data: object): string => call({ do: "emit", name: "x", data });

describe("the gate", () => {
  test("accepts every call of the contract", () => {
    const gate = new PageGate(new VirtualTime());
    expect(gate.take(emit({ a: 1 }))).toEqual({ kind: "call", call: { id: 1, do: "emit", name: "x", data: { a: 1 } } });
    const play = { item: "a.mp4", startedMs: 1000.4, durationMs: 99.6, result: "completed" };
    expect(gate.take(call({ do: "report-play", play }))).toMatchObject({ kind: "call", call: { play: { startedMs: 1000, durationMs: 100 } } });
    expect(gate.takeCounts().size).toBe(0);
  });

  test.each<[string, string, string]>([
    ["not JSON", "{", "page.invalid"],
    ["not an object", "7", "page.invalid"],
    ["null", "null", "page.invalid"],
    ["an unknown call", call({ do: "reboot" }), "page.invalid"],
    ["a name that is too long", call({ do: "emit", name: "x".repeat(129) }), "page.invalid"],
    ["an empty item", call({ do: "report-play", play: { item: "", startedMs: 0, durationMs: 0, result: "completed" } }), "page.invalid"],
    ["a negative duration", call({ do: "report-play", play: { item: "a", startedMs: 0, durationMs: -1, result: "completed" } }), "page.invalid"],
    ["an infinite duration", '{"id":1,"do":"report-play","play":{"item":"a","startedMs":0,"durationMs":1e999,"result":"completed"}}', "page.invalid"],
    ["data that is a list", call({ do: "emit", name: "x", data: [] }), "page.invalid"],
    ["an abyss", `{"id":1,"do":"emit","name":"x","data":{"a":${"[".repeat(2000)}${"]".repeat(2000)}}}`, "page.invalid"],
    ["one byte too much", emit({ a: "x".repeat(CALL_BYTES_MAX) }), "page.too-large"],
    ["too much in UTF-8", emit({ a: "€".repeat(3000) }), "page.too-large"],
    ["a state over 4 KiB", call({ do: "report-state", state: { a: "x".repeat(4096) } }), "page.too-large"],
    ["GPIO without the grant", call({ do: "watch-gpio" }), "page.not-granted"],
  ])("refuses %s", (_name, text, code) => {
    const gate = new PageGate(new VirtualTime());
    expect(gate.take(text)).toMatchObject({ kind: "refused", code });
    expect([...gate.takeCounts()]).toEqual([[code, 1]]);
  });

  test("accepts GPIO calls with the grant", () => {
    const gate = new PageGate(new VirtualTime());
    gate.setGrants(["gpio"]);
    expect(gate.take(call({ do: "watch-gpio" })).kind).toBe("call");
  });

  test("accepts a burst, then the rate, and refuses the rest without answering each call", async () => {
    const time = new VirtualTime();
    const gate = new PageGate(time);
    const taken = (): number => Array.from({ length: 1000 }, () => gate.take(emit({}))).filter(({ kind }) => kind === "call").length;
    expect(taken()).toBe(CALLS_BURST);
    expect(gate.take(emit({}))).toEqual({ kind: "refused", code: "page.rate-limited", message: "too many calls" });
    await time.advance(2_000);
    expect(taken()).toBe(2 * CALLS_PER_SECOND);
    await time.advance(3_600_000);
    expect(taken()).toBe(CALLS_BURST);
  });

  test("accepts only numbers under known names in the page's own count of refusals", () => {
    const gate = new PageGate(new VirtualTime());
    gate.take(call({ do: "refused", counts: { "page.rate-limited": 20_000, "page.unavailable": 5, __proto__x: 1 } }));
    expect([...gate.takeCounts()]).toEqual([["page.rate-limited", 20_000]]);
  });

  test("is not affected by a key called __proto__", () => {
    const gate = new PageGate(new VirtualTime());
    gate.take('{"id":1,"do":"emit","name":"x","data":{"__proto__":{"polluted":true}}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("throws for no text", () => {
    const gate = new PageGate({ wallMs: () => 0, monotonicMs: (() => { let ms = 0; return () => (ms += 1_000); })() });
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.json().map((json) => `{"id":1,"do":"emit","name":"x","data":${json}}`)), (text) => {
      expect(["call", "refused"]).toContain(gate.take(text).kind);
    }), { numRuns: 2_000 });
  });
});
