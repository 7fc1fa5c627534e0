import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { COMMANDED_PROPERTIES, DESIRED_PROPERTIES, propertyRow } from "../../../platform/ports/display-properties.ts";
import { examplesOf } from "../../../platform/ports/testing/display-examples.ts";
import type { Json } from "../../../platform/runtime/json.ts";

const GOLDEN = resolve(import.meta.dirname, "../../../agent/protocol/golden");

/** The text of every golden message of one side. A file has one message or a list. */
export function goldenTexts(side: "cloud" | "device"): readonly string[] {
  return readdirSync(GOLDEN)
    .filter((name) => name.startsWith(`${side}.`) && name.endsWith(".json"))
    .flatMap((name) => {
      const json = JSON.parse(readFileSync(join(GOLDEN, name), "utf8")) as Json;
      return (Array.isArray(json) ? (json as Json[]) : [json]).map((message) => JSON.stringify(message));
    });
}

const text = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value));

export const PAGE_CALLS = text([
  { id: 1, do: "device" }, { id: 2, do: "config" }, { id: 3, do: "watch-gpio" }, { id: 4, do: "report-state", state: { a: { b: [1, 2] } } },
  { id: 5, do: "emit", name: "menu.opened", data: { table: 4 } }, { id: 6, do: "report-play", play: { item: "ad-1", startedMs: 1.5e12, durationMs: 1e4, result: "completed", data: { x: 1 } } },
  { id: 7, do: "refused", counts: { "page.invalid": 3 } }, { id: 8, do: "error", message: "x is not a function" },
]);

export const HOST_LINES = text([
  { t: "host-hello", version: 1, instance: "i1", pid: 42, shell: "chromium 156", scene: { kind: "blank" } },
  { t: "stage", stage: { kind: "playing", content: "c", sinceMs: 1, loads: 2 }, picture: { verdict: "showing", confidence: 1, evidence: [{ witness: "frame", says: "moves" }] } },
  { t: "page-event", id: "e1", name: "menu.opened", data: { table: 4 } }, { t: "page-play", id: "p1", play: { item: "ad-1", startedMs: 1.5e12, durationMs: 1e4, result: "completed" } },
  { t: "page-state", state: { a: 1 } }, { t: "page-refused", code: "page.invalid", count: 3 }, { t: "metrics", metrics: { "player.fps": 60 } },
  { t: "reply", id: "r1", reply: { ok: true, result: { x: 1 } } }, { t: "log", level: "info", message: "hello", fields: { a: 1 } },
]);

export const LOCAL_LINES = text([{ id: 1, method: "status", params: {} }, { id: 2, method: "events", params: { limit: 5 } }, { id: 3, method: "simulated.apply", params: { action: "gpio.press", params: { line: "GPIO4" } } }]);

export const DESIRED_DOCUMENTS = text([
  {
    content: { kind: "url", url: "https://menu.example/", name: "menu", grants: ["gpio"] }, display: { ...Object.fromEntries(DESIRED_PROPERTIES.map((name) => [name, examplesOf(name)[0]])), power: "schedule" }, audio: { volume: 20, mute: false },
    schedule: { timeZone: "Europe/Berlin", weekly: [{ days: ["mon", "sun"], on: "08:00", off: "22:30" }] }, telemetry: { intervalsMs: { cpu: 10_000 }, rollupMs: 60_000 }, log: { level: "info" },
    cloud: { endpoints: ["wss://cloud.example/device/v1"] }, player: { config: { a: [1, { b: null }] } },
  },
  { content: { kind: "package", url: "https://menu.example/p.zip", sha256: "0".repeat(64), bytes: 1_000 } },
]);

export const COMMAND_PARAMS: Readonly<Record<string, string>> = {
  "gpio.pulse": '{"line":"GPIO4","durationMs":20}', "gpio.write": '{"line":4,"level":1}', "cec.send": '{"destination":0,"opcode":143,"operands":[1,2]}',
  ...Object.fromEntries(COMMANDED_PROPERTIES.map((name) => [`display.${name}`, JSON.stringify({ [propertyRow(name).command?.parameter ?? name]: propertyRow(name).command?.flag === undefined ? examplesOf(name)[0] : true })])),
  "audio.volume": '{"percent":40}', screenshot: '{"format":"jpeg","quality":80,"widthMax":640}', "logs.collect": '{"bytesMax":65536}',
  "telemetry.burst": '{"minutes":5,"intervalMs":5000}', identify: '{"durationMs":3000,"text":"A"}', reboot: '{"reason":"test"}',
};
