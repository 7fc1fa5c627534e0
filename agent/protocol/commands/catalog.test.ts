import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { COMMANDS, findCommand, type CommandName } from "./catalog.ts";
import { DAY_MS } from "./definition.ts";
import { CancelPayloadSchema, CommandPayloadSchema } from "./payload.ts";

const NAMES = Object.keys(COMMANDS) as CommandName[];

const SIGNED = { payload: "{}", key: "0".repeat(32), signature: "A".repeat(86) };

/** Valid and invalid parameters for every command. */
const EXAMPLES: { readonly [N in CommandName]: { readonly good: readonly unknown[]; readonly bad: readonly unknown[] } } = {
  "software.update": {
    good: [{ release: SIGNED }, { release: SIGNED, mirror: "http://10.0.0.5/releases", notBeforeMs: 0, notAfterMs: 1, spreadMinutes: 720, holdSeconds: 5, trialMinutes: 1 }],
    bad: [{}, { release: { ...SIGNED, signature: "short" } }, { release: SIGNED, mirror: "file:///tmp" }, { release: SIGNED, spreadMinutes: 721 }, { release: SIGNED, holdSeconds: 1 }, { release: SIGNED, trialMinutes: 0 }],
  },
  reboot: { good: [{}, { reason: "new kernel" }], bad: [{ reason: "x".repeat(201) }, { reason: 5 }] },
  shutdown: { good: [{}], bad: [{ now: true }] },
  "restart-player": { good: [{}], bad: [{ force: true }] },
  "reload-player": { good: [{}, { ignoreCache: true }], bad: [{ ignoreCache: "yes" }] },
  screenshot: {
    good: [{}, { format: "png" }, { format: "jpeg", quality: 1, widthMax: 64 }],
    bad: [{ format: "gif" }, { quality: 0 }, { quality: 1.5 }, { widthMax: 63 }],
  },
  "display.power": { good: [{ on: true }, { on: false }], bad: [{}, { on: 1 }] },
  "display.input": { good: [{ input: "hdmi-1" }], bad: [{}, { input: "" }, { input: "x".repeat(33) }] },
  "display.brightness": {
    good: [{ percent: 0 }, { percent: 100 }],
    bad: [{ percent: -1 }, { percent: 101 }, { percent: 1.5 }, { percent: "5" }],
  },
  "display.mode": { good: [{ mode: "1920x1080@60" }, { mode: "3840x2160" }, { mode: "1280x720@59.94", display: "lobby" }], bad: [{ mode: "1080p" }, { mode: "1920x1080@" }, { mode: "1920x1080@59.9401" }, { mode: "0x0" }, { mode: { width: 1920, height: 1080 } }, {}] },
  "display.orientation": { good: [{ degrees: 270 }], bad: [{ degrees: 45 }, {}] },
  "audio.volume": { good: [{ percent: 50 }], bad: [{ percent: Number.NaN }, {}] },
  "audio.mute": { good: [{ mute: true }], bad: [{}] },
  "gpio.write": {
    good: [
      { line: "GPIO17", level: 1 },
      { line: 17, level: 0 },
    ],
    bad: [{ line: 17, level: 2 }, { line: -1, level: 0 }, { line: "", level: 0 }, { level: 0 }],
  },
  "gpio.pulse": {
    good: [
      { line: 4, durationMs: 1 },
      { line: 4, level: 0, durationMs: 60_000 },
    ],
    bad: [
      { line: 4, durationMs: 0 },
      { line: 4, durationMs: 60_001 },
    ],
  },
  "gpio.read": { good: [{ line: 4 }], bad: [{ line: 1_024 }, { line: null }] },
  "cec.send": {
    good: [{ destination: 0 }, { destination: 15, opcode: 0x36 }, { destination: 0, opcode: 0x44, operands: [0x6d] }],
    bad: [
      { destination: 16 },
      { destination: 0, opcode: 256 },
      { destination: 0, opcode: 1, operands: Array(15).fill(0) },
      { destination: 0, opcode: 1, operands: [-1] },
    ],
  },
  "content.clear-cache": { good: [{}, { storage: true }], bad: [{ storage: 1 }] },
  "logs.collect": { good: [{}, { bytesMax: 1_024 }], bad: [{ bytesMax: 1_023 }, { bytesMax: 64 * 1024 * 1024 + 1 }] },
  "telemetry.burst": {
    good: [{ minutes: 1 }, { minutes: 60, intervalMs: 1_000 }],
    bad: [{}, { minutes: 0 }, { minutes: 61 }, { minutes: 1, intervalMs: 999 }],
  },
  "page.message": { good: [{ message: { order: 42 } }, { message: null }], bad: [{}, { message: 1, more: 2 }] },
  identify: { good: [{}, { durationMs: 1_000, text: "here" }], bad: [{ durationMs: 999 }, { text: "x".repeat(81) }] },
  "diagnostics.run": { good: [{}], bad: [{ deep: true }] },
  "overrides.end": { good: [{}, { key: "display.power" }], bad: [{ key: "" }, { all: true }] },
};

describe.each(NAMES)("%s", (name) => {
  const definition = COMMANDS[name];

  it("is listed under its own name with all texts for the documents", () => {
    expect(definition.name).toBe(name);
    for (const text of [definition.summary, definition.wall, definition.proof]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it("has consistent times", () => {
    const { expectedMs, timeoutMs, ttlMs, ttlMaxMs } = definition;
    const stepTimeoutMs = "stepTimeoutMs" in definition ? definition.stepTimeoutMs : undefined;
    expect(expectedMs).toBeLessThan(timeoutMs);
    expect(ttlMs).toBeLessThanOrEqual(ttlMaxMs);
    // The journal keeps outcomes for longer than this.
    expect(ttlMaxMs).toBeLessThanOrEqual(DAY_MS);
    expect(stepTimeoutMs ?? 0).toBeLessThan(timeoutMs);
  });

  it("accepts valid parameters and refuses invalid ones", () => {
    for (const params of EXAMPLES[name].good)
      expect(v.safeParse(definition.params, params).issues, JSON.stringify(params)).toBeUndefined();
    for (const params of EXAMPLES[name].bad) expect(v.is(definition.params, params), JSON.stringify(params)).toBe(false);
    for (const params of [null, "text", 5]) expect(v.is(definition.params, params)).toBe(false);
    // A misspelt option must not silently become its default.
    expect(v.is(definition.params, { ...(EXAMPLES[name].good[0] as object), extra: 1 })).toBe(false);
  });
});

describe("the catalog", () => {
  it("does not mistake inherited object properties for commands", () => {
    for (const name of ["toString", "constructor", "__proto__", "hasOwnProperty", ""]) expect(findCommand(name)).toBeUndefined();
    expect(findCommand("reboot")).toBe(COMMANDS.reboot);
  });

  it("marks the commands that are harmful when sent twice, and re-runs only those that change nothing after a crash", () => {
    expect(NAMES.filter((name) => !COMMANDS[name].idempotent)).toEqual(["reboot", "shutdown", "gpio.pulse", "cec.send", "page.message"]);
    const again = NAMES.filter((name) => COMMANDS[name].afterCrash === "run-again");
    expect(again).toEqual(["screenshot", "gpio.read", "logs.collect", "telemetry.burst", "diagnostics.run"]);
    for (const name of again) expect(COMMANDS[name].wall).toBe("Nothing.");
  });
});

describe("signed payloads", () => {
  const payload = {
    device: "0".repeat(32),
    id: "c-1",
    attempt: 1,
    number: 7,
    name: "reboot",
    params: {},
    issuedMs: 1,
    notAfterMs: 2,
  };

  it("need every field, in range", () => {
    expect(v.is(CommandPayloadSchema, payload)).toBe(true);
    for (const field of Object.keys(payload)) {
      const { [field as keyof typeof payload]: _left, ...rest } = payload;
      expect(v.is(CommandPayloadSchema, rest), `without ${field}`).toBe(false);
    }
    for (const wrong of [
      { attempt: 0 },
      { number: -1 },
      { number: 1.5 },
      { id: "a/b" },
      { device: "x" },
      { name: "" },
      { params: "" },
      { notAfterMs: 1e18 },
      { ttlMs: -1 },
    ]) {
      expect(v.is(CommandPayloadSchema, { ...payload, ...wrong }), JSON.stringify(wrong)).toBe(false);
    }
    expect(v.is(CancelPayloadSchema, { device: payload.device, id: "c-1", attempt: 1, number: 8, issuedMs: 1 })).toBe(true);
  });

  it("ignore fields of later versions", () => {
    expect(v.parse(CommandPayloadSchema, { ...payload, later: true })).toEqual(payload);
  });
});
