import { h, type ComponentChild } from "preact";
import type { DeviceSummary } from "../model/api-types.ts";
import { age, lasting } from "../model/format.ts";
import { reasonText, sentenceOf, wallOf, type Tone } from "../model/verdict.ts";
import type { Store } from "../data/store.dom.ts";
import { Ticking, type View } from "./hooks.dom.ts";
import { icon, type IconName } from "./icon.dom.ts";

const TONE_ICONS: Readonly<Record<Tone, IconName>> = { good: "check", warn: "alert", bad: "cross", calm: "moon", unknown: "question" };

/** A word on a coloured background, with an icon, because colour alone is not accessible. */
export function pill(tone: Tone, word: ComponentChild, name: IconName = TONE_ICONS[tone], attributes: Readonly<Record<string, string>> = {}): View {
  return h("span", { class: `pill pill-${tone}`, ...attributes }, icon(name), h("span", {}, word));
}

/** The verdict as far as it is known now. */
export function verdictBadge(store: Store, device: DeviceSummary): View {
  const wall = wallOf(device, store.freshness);
  return pill(wall.tone, h(Ticking, { text: () => sentenceOf(wall, store.nowMs()) }), undefined, { title: wall.meaning, "data-verdict": wall.tone });
}

/** `for 3 min`, by the device's clock; `null` while the verdict is unknown. */
export function verdictSince(store: Store, device: DeviceSummary): View | null {
  const { sinceMs } = wallOf(device, store.freshness);
  if (sinceMs === undefined) return null;
  const text = (): string => {
    const length = store.nowMs() - sinceMs;
    return length < -60_000 ? "since a time in the future, by its clock" : lasting(Math.max(0, length));
  };
  return h(Ticking, { class: "muted nowrap", title: `since ${new Date(sinceMs).toLocaleString()} by the device's clock`, text });
}

/** Whether the device is connected, and since when. */
export function linkLine(store: Store, device: DeviceSummary): View {
  const { link } = device;
  const stale = !store.freshness.live;
  const tone = stale || link.state === "never" ? "unknown" : link.state === "online" ? "good" : "bad";
  const reason = link.state === "offline" ? reasonText(link.reason) : undefined;
  const title = link.sinceMs === null ? undefined : `since ${new Date(link.sinceMs).toLocaleString()}${reason === undefined ? "" : `: ${reason}`}`;
  const text = (): string => {
    const since = Math.max(0, store.nowMs() - (link.sinceMs ?? store.nowMs()));
    if (stale) return `was ${link.state}`;
    if (link.state === "never") return "never connected";
    return link.state === "online" ? `online ${lasting(since)}` : `offline, left ${age(since)}${reason === undefined ? "" : ` — ${reason}`}`;
  };
  return h("span", { class: `link-line tone-${tone}`, title }, dot(), h(Ticking, { text }));
}

export function dot(): View {
  return h("svg", { class: "dot", viewBox: "0 0 8 8", width: 8, height: 8, "aria-hidden": "true" }, h("circle", { cx: 4, cy: 4, r: 4, fill: "currentColor" }));
}

const COMMAND_TONES: ReadonlyMap<string, readonly [Tone, IconName]> = new Map([
  ["queued", ["unknown", "clock"]],
  ["sent", ["calm", "send"]],
  ["delivered", ["calm", "check"]],
  ["running", ["calm", "play"]],
  ["succeeded", ["good", "check"]],
  ["failed", ["bad", "cross"]],
  ["rejected", ["bad", "ban"]],
  ["canceled", ["unknown", "cross"]],
  ["expired", ["warn", "clock"]],
  ["timed-out", ["bad", "clock"]],
]);

export function commandPill(state: string): View {
  const [tone, name] = COMMAND_TONES.get(state) ?? ["unknown", "question"];
  return pill(tone, state, name);
}

const KEY_TONES: ReadonlyMap<string, readonly [Tone, IconName]> = new Map([
  ["applied", ["good", "check"]],
  ["pending", ["calm", "clock"]],
  ["refused", ["bad", "ban"]],
  ["unsupported", ["unknown", "question"]],
  ["failed", ["bad", "cross"]],
]);

export function keyPill(status: string): View {
  const [tone, name] = KEY_TONES.get(status) ?? ["unknown", "question"];
  return pill(tone, status, name);
}

export function severityTone(severity: string): Tone {
  return severity === "info" ? "calm" : severity === "warning" ? "warn" : "bad";
}
