import { describe, expect, test } from "vitest";
import { decodeCloudMessage, decodeDeviceMessage, encodeMessage } from "./codec.ts";

const code = (frame: string): string => {
  const decoded = decodeCloudMessage(frame);
  return decoded.ok ? "ok" : decoded.error.code;
};

describe("the gate", () => {
  test("accepts a valid message and ignores unknown fields", () => {
    const decoded = decodeCloudMessage('{"t":"pong","serverMs":5,"later":"unknown"}');
    expect(decoded).toEqual({ ok: true, value: { t: "pong", serverMs: 5 } });
  });

  test("refuses invalid frames, each kind with its own code", () => {
    expect(code("nonsense")).toBe("frame.not-json");
    expect(code("[1]")).toBe("frame.not-an-object");
    expect(code('{"t":"evil"}')).toBe("message.unknown-type");
    expect(code('{"t":["pong"]}')).toBe("message.unknown-type");
    expect(code("{}")).toBe("message.unknown-type");
    expect(code('{"t":"pong","serverMs":"late"}')).toBe("message.malformed");
    expect(code(`{"t":"pong","x":${"[".repeat(40)}${"]".repeat(40)}}`)).toBe("frame.too-deep");
    expect(code(`{"t":"pong","x":"${"y".repeat(300_000)}"}`)).toBe("frame.too-large");
  });

  test("names the invalid field", () => {
    const decoded = decodeCloudMessage('{"t":"goaway","reason":"x","retryAfterMs":-1}');
    expect(decoded.ok ? "" : decoded.error.message).toContain("retryAfterMs");
  });

  test("survives nesting deep enough to overflow a recursive check", () => {
    const deep = `{"t":"pong","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(["frame.too-deep", "frame.not-json"]).toContain(code(deep));
  });

  test("keeps the nulls of a patch, which mean deletion", () => {
    const patch = { t: "reported", version: 2, base: 1, document: { player: { kind: "playing", shell: "x", content: "y", sinceMs: 1, why: null } } } as const;
    expect(decodeDeviceMessage(encodeMessage(patch))).toEqual({ ok: true, value: patch });
  });

  test("decodes what it encoded to the same message", () => {
    const message = { t: "error", code: "frame.not-json", message: "the frame is not JSON text" } as const;
    expect(decodeDeviceMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
  });
});
