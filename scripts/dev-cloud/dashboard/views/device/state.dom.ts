import { unitOf } from "../../../../../platform/ports/display-properties.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import { age, brief, bytes, duration, titled } from "../../model/format.ts";
import { isReading, tell } from "../../model/reading-text.ts";
import { h, refill, type Child } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { tick } from "../../ui/ticker.dom.ts";
import { type DeviceContext, detailOf, summaryOf, whenever } from "./context.dom.ts";

/** Parts in the order people look for them; parts this page does not know come after. */
const ORDER = ["player", "browser", "display", "outputs", "audio", "schedule", "gpio", "network", "clock", "outbox", "health", "agent", "page"];
/** Shown elsewhere: the verdict beside the picture, the answer to the desired state in its own section. */
const ELSEWHERE = new Set(["screen", "desired"]);

/** The reported document as sections for people, and whole for machines. */
export function stateSection(context: DeviceContext): HTMLElement {
  const { store } = context;
  const head = h("p", { class: "muted" });
  const grid = h("div", { class: "state-grid" });
  const raw = h("pre", { class: "raw", tabindex: "0", "aria-label": "Reported document as JSON" });
  const old = h("p", { class: "form-note", role: "status", hidden: true }, icon("clock"), h("span", {}, "Not live: this is what the device reported last."));
  let drawn = -1;
  whenever(context, () => {
    old.hidden = summaryOf(context)?.link.state === "online" && store.freshness.live;
    const reported = detailOf(context)?.reported;
    if (reported === undefined || reported === null) {
      refill(grid, h("div", { class: "empty" }, detailOf(context) === undefined ? "Loading…" : "The device has not reported its state yet."));
      return;
    }
    if (reported.version === drawn) return;
    drawn = reported.version;
    refill(head, `Version ${reported.version}, heard `, tick(h("span", {}), () => age(Math.max(0, store.nowMs() - reported.receivedMs))), ".");
    const { document } = reported;
    const names = [...ORDER.filter((name) => name in document), ...Object.keys(document).filter((name) => !ORDER.includes(name) && !ELSEWHERE.has(name))];
    refill(grid, ...names.map((name) => partBox(name, document[name] ?? null, store.nowMs())));
    raw.textContent = JSON.stringify(document, undefined, 2);
  });
  return h("div", { class: "stack" }, h("div", { class: "section-head" }, h("h2", {}, "Reported state"), head), old, grid, h("details", { class: "box" }, h("summary", {}, "The whole document"), raw));
}

function partBox(name: string, value: Json, nowMs: number): HTMLElement {
  return h("section", { class: "box", "aria-label": titled(name) }, h("h3", { class: "box-title" }, titled(name)), ...partBody(name, value, nowMs));
}

function partBody(name: string, value: Json, nowMs: number): Child[] {
  if (name === "gpio" && isJsonObject(value)) return [gpioLevels(value)];
  if (name === "page") return [h("pre", { class: "raw raw-small", tabindex: "0", "aria-label": "What the page reports" }, JSON.stringify(value, undefined, 2))];
  if (name === "health" && isJsonObject(value) && Object.keys(value).length === 0) return [h("p", { class: "muted" }, icon("check"), " Every part of the agent is well.")];
  return [valueRows(value, nowMs, 0)];
}

/** Objects as names and values, two levels deep; deeper ones as JSON. */
function valueRows(value: Json, nowMs: number, depth: number): HTMLElement {
  if (!isJsonObject(value)) return h("p", {}, brief(value));
  const entries = Object.entries(value);
  if (entries.length === 0) return h("p", { class: "muted" }, "nothing");
  return h("dl", { class: "facts" }, ...entries.flatMap(([key, inner]) => {
    const group = isJsonObject(inner) && !isReading(inner) && depth < 2;
    return [h("dt", { class: group ? "fact-group" : undefined }, labelOf(key)), h("dd", { class: group ? "fact-group" : undefined }, valueCell(key, inner, nowMs, depth))];
  }));
}

function valueCell(key: string, value: Json, nowMs: number, depth: number): Child {
  if (isReading(value)) return readingCell(key, value);
  if (isJsonObject(value)) return depth < 2 ? valueRows(value, nowMs, depth + 1) : h("code", {}, brief(value, 300));
  if (Array.isArray(value)) return h("span", {}, (value as readonly Json[]).length === 0 ? "none" : (value as readonly Json[]).map((item) => brief(item)).join(", "));
  return plainText(key, value, nowMs);
}

function readingCell(key: string, reading: JsonObject): HTMLElement {
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

/** Field names become words; names of things (`HDMI-A-1`, `eth0`, `disk.full`) stay as they are. */
function labelOf(key: string): string {
  return /^[a-z][A-Za-z]*$/.test(key) ? titled(key.replace(/Ms$/, "")) : key;
}

/** A number is a time, a size or a percentage by its name; the names follow one rule in this code base. */
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

function gpioLevels(lines: JsonObject): HTMLElement {
  const entries = Object.entries(lines);
  if (entries.length === 0) return h("p", { class: "muted" }, "no lines watched or driven");
  return h("ul", { class: "gpio-levels" }, ...entries.map(([line, level]) => h("li", { class: level === 1 ? "is-high" : "" }, h("span", {}, line), h("strong", {}, level === 1 ? "high" : "low"))));
}
