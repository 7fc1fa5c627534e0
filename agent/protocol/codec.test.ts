import { describe, expect, test } from "vitest";
import { decodeCloudMessage, decodeDeviceMessage, encodeMessage } from "./codec.ts";

const code = (frame: string): string => {
  const decoded = decodeCloudMessage(frame);
  return decoded.ok ? "ok" : decoded.error.code;
};

describe("the gate", () => {
  test("takes a message of the schema and ignores fields it does not know", () => {
    const decoded = decodeCloudMessage('{"t":"pong","serverMs":5,"later":"unknown"}');
    expect(decoded).toEqual({ ok: true, value: { t: "pong", serverMs: 5 } });
  });

  test("refuses what is not a frame, each with its own code", () => {
    expect(code("nonsense")).toBe("frame.not-json");
    expect(code("[1]")).toBe("frame.not-an-object");
    expect(code('{"t":"evil"}')).toBe("message.unknown-type");
    expect(code('{"t":["pong"]}')).toBe("message.unknown-type");
    expect(code("{}")).toBe("message.unknown-type");
    expect(code('{"t":"pong","serverMs":"late"}')).toBe("message.malformed");
    expect(code(`{"t":"pong","x":${"[".repeat(40)}${"]".repeat(40)}}`)).toBe("frame.too-deep");
    expect(code(`{"t":"pong","x":"${"y".repeat(300_000)}"}`)).toBe("frame.too-large");
  });

  test("names the place that is wrong", () => {
    const decoded = decodeCloudMessage('{"t":"goaway","reason":"x","retryAfterMs":-1}');
    expect(decoded.ok ? "" : decoded.error.message).toContain("retryAfterMs");
  });

  test("survives nesting that would overflow a recursive check", () => {
    const deep = `{"t":"pong","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(["frame.too-deep", "frame.not-json"]).toContain(code(deep));
  });

  test("a patch keeps the nulls by which it deletes", () => {
    const patch = { t: "reported", version: 2, base: 1, document: { player: { kind: "playing", shell: "x", content: "y", sinceMs: 1, why: null } } } as const;
    expect(decodeDeviceMessage(encodeMessage(patch))).toEqual({ ok: true, value: patch });
  });

  test("what is encoded decodes to the same", () => {
    const message = { t: "error", code: "frame.not-json", message: "the frame is not JSON text" } as const;
    expect(decodeDeviceMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
  });
});
