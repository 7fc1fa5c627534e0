import { h, type ComponentChildren } from "preact";
import { unitOf } from "../../../../../platform/ports/display-properties.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import { age, brief, bytes, duration, titled } from "../../model/format.ts";
import { isReading, tell } from "../../model/reading-text.ts";
import { Ticking, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { detailOf, type SectionProps, summaryOf, useDevice } from "./context.dom.ts";

/** Parts in display order; unknown parts follow. */
const ORDER = ["player", "browser", "display", "outputs", "audio", "schedule", "gpio", "network", "clock", "outbox", "health", "agent", "page"];
/** Parts shown elsewhere: the verdict in the sidebar, desired state in its own section. */
const ELSEWHERE = new Set(["screen", "desired"]);

/** The reported document, as sections and as JSON. */
export function State({ context }: SectionProps): View {
  const { store } = context;
  useDevice(context);
  const detail = detailOf(context);
  const reported = detail?.reported ?? undefined;
  const live = summaryOf(context)?.link.state === "online" && store.freshness.live;
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Reported state"), reported === undefined ? null : h("p", { class: "muted" }, `Version ${reported.version}, received `, h(Ticking, { text: () => age(Math.max(0, store.nowMs() - reported.receivedMs)) }), ".")),
    live ? null : h("p", { class: "form-note", role: "status" }, icon("clock"), h("span", {}, "Not live: this is the last reported state.")),
    h("div", { class: "state-grid" }, reported === undefined ? h("div", { class: "empty" }, detail === undefined ? "Loading…" : "The device has not reported its state yet.") : partBoxes(reported.document, store.nowMs())),
    h("details", { class: "box" }, h("summary", {}, "The whole document"), h("pre", { class: "raw", tabIndex: 0, "aria-label": "Reported document as JSON" }, reported === undefined ? "" : JSON.stringify(reported.document, undefined, 2))),
  );
}

function partBoxes(document: JsonObject, nowMs: number): View[] {
  const names = [...ORDER.filter((name) => name in document), ...Object.keys(document).filter((name) => !ORDER.includes(name) && !ELSEWHERE.has(name))];
  return names.map((name) => partBox(name, document[name] ?? null, nowMs));
}

function partBox(name: string, value: Json, nowMs: number): View {
  return h("section", { class: "box", "aria-label": titled(name), key: name }, h("h3", { class: "box-title" }, titled(name)), ...partBody(name, value, nowMs));
}

function partBody(name: string, value: Json, nowMs: number): View[] {
  if (name === "gpio" && isJsonObject(value)) return [gpioLevels(value)];
  if (name === "page") return [h("pre", { class: "raw raw-small", tabIndex: 0, "aria-label": "What the page reports" }, JSON.stringify(value, undefined, 2))];
  if (name === "health" && isJsonObject(value) && Object.keys(value).length === 0) return [h("p", { class: "muted" }, icon("check"), " All parts of the agent are healthy.")];
  return [valueRows(value, nowMs, 0)];
}

/** Objects as names and values, up to two nested levels; deeper ones as one line of text. */
function valueRows(value: Json, nowMs: number, depth: number): View {
  if (!isJsonObject(value)) return h("p", {}, brief(value));
  const entries = Object.entries(value);
  if (entries.length === 0) return h("p", { class: "muted" }, "nothing");
  return h("dl", { class: "facts" }, ...entries.flatMap(([key, inner]) => {
    const group = isJsonObject(inner) && !isReading(inner) && depth < 2;
    return [h("dt", { class: group ? "fact-group" : undefined }, labelOf(key)), h("dd", { class: group ? "fact-group" : undefined }, valueCell(key, inner, nowMs, depth))];
  }));
}

function valueCell(key: string, value: Json, nowMs: number, depth: number): ComponentChildren {
  if (isReading(value)) return readingCell(key, value);
  if (isJsonObject(value)) return depth < 2 ? valueRows(value, nowMs, depth + 1) : h("code", {}, brief(value, 300));
  if (Array.isArray(value)) return h("span", {}, (value as readonly Json[]).length === 0 ? "none" : (value as readonly Json[]).map((item) => brief(item)).join(", "));
  return plainText(key, value, nowMs);
}

function readingCell(key: string, reading: JsonObject): View {
  const told = tell(reading, (value) => plainText(key, value, undefined));
  switch (told.kind) {
    case "ok":
      return h("span", { class: "reading-ok" }, told.text);
    case "unsupported":
      return h("span", { class: "reading-none" }, told.text);
    case "unknown":
      return h("span", { class: "reading-unknown" }, icon("question"), h("span", {}, `unknown: ${told.text}`));
    case "failed":
      return h("span", { class: "reading-failed" }, icon("alert"), h("span", {}, `could not be read: ${told.text} (${told.code})`));
  }
}

/** Turns field names into words; names of things (`HDMI-A-1`, `eth0`, `disk.full`) stay as they are. */
function labelOf(key: string): string {
  return /^[a-z][A-Za-z]*$/.test(key) ? titled(key.replace(/Ms$/, "")) : key;
}

/** Formats a number as a time, size or level by the key's suffix. */
function plainText(key: string, value: Json, nowMs: number | undefined): string {
  if (typeof value !== "number") return brief(value, 300);
  if (/bytes$/i.test(key)) return bytes(value);
  if (unitOf(key) !== "") return `${value}${unitOf(key)}`;
  if (key.endsWith("Ms") && value > 1e12) {
    const when = new Date(value).toLocaleString();
    return nowMs === undefined || value > nowMs ? when : `${when} (${age(nowMs - value)})`;
  }
  return key.endsWith("Ms") ? duration(value) : String(value);
}

function gpioLevels(lines: JsonObject): View {
  const entries = Object.entries(lines);
  if (entries.length === 0) return h("p", { class: "muted" }, "no lines watched or driven");
  return h("ul", { class: "gpio-levels" }, ...entries.map(([line, level]) => h("li", { class: level === 1 ? "is-high" : "" }, h("span", {}, line), h("strong", {}, level === 1 ? "high" : "low"))));
}
