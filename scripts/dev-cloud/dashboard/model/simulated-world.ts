import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";

/** An action offered by a simulated device. */
export interface LabAction {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly group: string;
  /** JSON Schema of the parameters; `null` when the device gave none. */
  readonly params: Json;
}

export interface LabLine {
  readonly direction: string;
  readonly pull: string;
  readonly level: 0 | 1;
  readonly button: string;
  readonly external: Json;
  readonly wiredTo: string | null;
  readonly consumer: string | undefined;
}

/** State of the simulated hardware. `undefined`: not reported. */
export interface LabWorld {
  readonly display: JsonObject;
  readonly mood: string | undefined;
  readonly connected: boolean | undefined;
  readonly dpms: string | undefined;
  readonly lines: ReadonlyMap<string, LabLine>;
  readonly networkUp: boolean | undefined;
  readonly extraC: number | undefined;
  readonly temperatureC: number | undefined;
  readonly diskFull: boolean | undefined;
  readonly clockOffsetMs: number | undefined;
  readonly boots: number | undefined;
}

/** Reads an array of actions, or an object with `actions`. Skips malformed entries. */
export function readActions(answer: Json | undefined): LabAction[] {
  const list = isJsonObject(answer) ? answer["actions"] : answer;
  if (!Array.isArray(list)) return [];
  return (list as readonly Json[]).flatMap((item) => {
    if (!isJsonObject(item) || typeof item["name"] !== "string") return [];
    const text = (key: string, otherwise: string): string => (typeof item[key] === "string" ? item[key] : otherwise);
    return [{ name: item["name"], label: text("label", item["name"]), help: text("help", ""), group: text("group", "more"), params: item["params"] ?? null }];
  });
}

/** Reads the state itself, or an object with `state` or `world`. `undefined` when there is none. */
export function readWorld(answer: Json | undefined): LabWorld | undefined {
  const world = [answer, at(answer, "state"), at(answer, "world")].find((candidate) => isJsonObject(candidate) && isJsonObject(candidate["display"]));
  if (!isJsonObject(world)) return undefined;
  const display = objectAt(world, "display");
  const output = Object.values(objectAt(world, "outputs"))[0];
  const temperature = objectAt(world, "temperature");
  const [baseC, extraC] = [numberIn(temperature, "baseC"), numberIn(temperature, "extraC")];
  return {
    display,
    mood: textIn(display, "mood"),
    connected: isJsonObject(output) && typeof output["connected"] === "boolean" ? output["connected"] : undefined,
    dpms: isJsonObject(output) ? textIn(output, "dpms") : undefined,
    lines: readLines(objectAt(objectAt(world, "gpio"), "lines")),
    networkUp: flag(textIn(objectAt(world, "network"), "link"), "up"),
    extraC,
    temperatureC: baseC === undefined ? undefined : baseC + (extraC ?? 0),
    diskFull: flag(textIn(objectAt(world, "disk"), "mood"), "full"),
    clockOffsetMs: numberIn(objectAt(world, "clock"), "offsetMs"),
    boots: numberIn(objectAt(world, "power"), "boots"),
  };
}

function readLines(lines: JsonObject): ReadonlyMap<string, LabLine> {
  return new Map(
    Object.entries(lines).flatMap(([name, line]) => {
      if (!isJsonObject(line)) return [];
      const read: LabLine = {
        direction: textIn(line, "direction") ?? "input",
        pull: textIn(line, "pull") ?? "none",
        level: line["level"] === 1 ? 1 : 0,
        button: textIn(line, "button") ?? "up",
        external: line["external"] ?? null,
        wiredTo: textIn(line, "wiredTo") ?? null,
        consumer: textIn(line, "consumer"),
      };
      return [[name, read] as const];
    }),
  );
}

function at(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) ? value[key] : undefined;
}

function objectAt(value: JsonObject, key: string): JsonObject {
  const inner = value[key];
  return isJsonObject(inner) ? inner : {};
}

function textIn(value: JsonObject, key: string): string | undefined {
  const inner = value[key];
  return typeof inner === "string" ? inner : undefined;
}

function numberIn(value: JsonObject, key: string): number | undefined {
  const inner = value[key];
  return typeof inner === "number" ? inner : undefined;
}

function flag(text: string | undefined, yes: string): boolean | undefined {
  return text === undefined ? undefined : text === yes;
}
