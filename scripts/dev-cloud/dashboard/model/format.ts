import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A duration in at most two units: `350 ms`, `4 s`, `3 min`, `2 h 5 min`, `6 d`. */
export function duration(ms: number): string {
  const length = Math.abs(ms);
  if (length < 1_000) return `${Math.round(length)} ms`;
  if (length < 10_000) return `${trimmed(length / 1_000, 1)} s`;
  if (length < MINUTE_MS) return `${Math.round(length / 1_000)} s`;
  if (length < HOUR_MS) return pair(length, MINUTE_MS, "min", 1_000, "s", 10);
  if (length < DAY_MS) return pair(length, HOUR_MS, "h", MINUTE_MS, "min", 24);
  return pair(length, DAY_MS, "d", HOUR_MS, "h", 7);
}

/** Adds the smaller unit only while there are fewer than `both` of the larger one. */
function pair(ms: number, large: number, largeName: string, small: number, smallName: string, both: number): string {
  const whole = Math.floor(ms / large);
  const rest = Math.floor((ms % large) / small);
  return whole < both && rest > 0 ? `${whole} ${largeName} ${rest} ${smallName}` : `${whole} ${largeName}`;
}

/** An age as a whole number of one unit: `3 min ago`. */
export function age(ms: number): string {
  if (ms < 1_000) return "just now";
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1_000)} s ago`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ago`;
  return `${Math.floor(ms / DAY_MS)} d ago`;
}

/** How long something has lasted: `for 3 min`. */
export function lasting(ms: number): string {
  if (ms < 1_000) return "just now";
  if (ms < MINUTE_MS) return `for ${Math.floor(ms / 1_000)} s`;
  return `for ${duration(Math.floor(ms / MINUTE_MS) * MINUTE_MS)}`;
}

/** 1024-based: `3.2 MiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : trimmed(value, Math.abs(value) < 10 ? 2 : 1)} ${units[unit] ?? ""}`;
}

/** At most `digits` decimals, without trailing zeros. */
export function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** Turns an identifier into a title: `cpu.load-average` becomes `CPU load average`. */
export function titled(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").split(/[\s._-]+/).filter((word) => word !== "");
  const spelled = words.map((word) => SPELLING.get(word.toLowerCase()) ?? word.toLowerCase());
  const text = spelled.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const SPELLING: ReadonlyMap<string, string> = new Map(
  ["CPU", "HDMI", "CEC", "GPIO", "TV", "RSS", "FPS", "URL", "ID", "OS", "DPMS", "EDID", "IP", "MAC", "SHA256", "TTL", "Hz"].map((word) => [word.toLowerCase(), word]),
);

/** One line of readable text for any JSON value, cut to `max` characters. */
export function brief(value: Json | undefined, max = 160): string {
  if (value === undefined || value === null) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : partsOf(value, max);
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

function partsOf(value: JsonObject | readonly Json[], max: number): string {
  const parts = isJsonObject(value) ? Object.entries(value).map(([key, part]) => `${titled(key)} ${brief(part, max)}`) : value.map((part) => brief(part, max));
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

export interface Unit {
  readonly name: string;
  format(value: number): string;
  /** Divisor and unit name for an axis up to `high`, so that its ticks are round. */
  axis(high: number): { readonly divisor: number; readonly name: string };
}

/** The unit of a metric, from the end of its name: `memory.used-bytes`, `cpu.percent`, `temperature.c`. */
export function unitOf(metric: string): Unit {
  return UNITS.get(lastWord(metric)) ?? PLAIN;
}

/** Title of a metric without its unit: `memory.used-bytes` becomes `Memory used`. */
export function metricTitle(metric: string): string {
  const last = lastWord(metric);
  const rest = UNITS.has(last) ? metric.slice(0, metric.length - last.length) : metric;
  return titled(rest === "" ? metric : rest);
}

function lastWord(metric: string): string {
  return metric.split(/[.-]/).at(-1)?.toLowerCase() ?? "";
}

const plain = (value: number): string => trimmed(value, Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
const withSuffix = (name: string): Unit => ({ name, format: (value) => `${plain(value)} ${name}`.trim(), axis: () => ({ divisor: 1, name }) });
const PLAIN = withSuffix("");
const BYTES: Unit = { name: "bytes", format: bytes, axis: (high) => stepOf(high, [[1, "B"], [1024, "KiB"], [1024 ** 2, "MiB"], [1024 ** 3, "GiB"], [1024 ** 4, "TiB"]]) };
const timeIn = (unitMs: number): Unit => ({
  name: "time",
  format: (value) => duration(value * unitMs),
  axis: (high) => stepOf(high, [[1 / unitMs, "ms"], [1_000 / unitMs, "s"], [MINUTE_MS / unitMs, "min"], [HOUR_MS / unitMs, "h"], [DAY_MS / unitMs, "d"]]),
});

/** The largest unit of which `high` is at least two. */
function stepOf(high: number, steps: readonly (readonly [number, string])[]): { readonly divisor: number; readonly name: string } {
  const fitting = steps.filter(([divisor]) => high >= divisor * 2).at(-1) ?? steps[0] ?? [1, ""];
  return { divisor: fitting[0], name: fitting[1] };
}

const UNITS: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ["percent", withSuffix("%")],
  ["bytes", BYTES],
  ["c", withSuffix("°C")],
  ["celsius", withSuffix("°C")],
  ["fps", withSuffix("fps")],
  ["ms", timeIn(1)],
  ["s", timeIn(1_000)],
  ["seconds", timeIn(1_000)],
  ["mhz", withSuffix("MHz")],
]);
