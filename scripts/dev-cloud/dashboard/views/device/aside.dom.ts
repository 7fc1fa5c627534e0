import { h, type ComponentChildren } from "preact";
import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { DeviceDetail, DeviceSummary } from "../../model/api-types.ts";
import { age, brief, titled } from "../../model/format.ts";
import { playerText } from "../../model/player-text.ts";
import { softwareLines } from "../../model/software-text.ts";
import { wallOf } from "../../model/verdict.ts";
import { pill, severityTone, verdictBadge, verdictSince } from "../../ui/badges.dom.ts";
import { Ticking, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { Picture } from "../../ui/picture.dom.ts";
import type { Store } from "../../data/store.dom.ts";
import { detailOf, type SectionProps, summaryOf, useDevice } from "./context.dom.ts";

/** Shown beside every section: picture, verdict with its evidence, alarms and facts about the device. */
export function Aside({ context, openClaim }: SectionProps & { readonly openClaim: (code?: string) => void }): View {
  const { store } = context;
  useDevice(context);
  const device = summaryOf(context);
  const detail = detailOf(context);
  return h(
    "aside",
    { class: "device-aside", "aria-label": "Picture and verdict" },
    h(Picture, { store, device, large: true }),
    device === undefined
      ? null
      : [
          claimBox(device, openClaim),
          h("section", { class: "box verdict-box", "aria-label": "What is on the wall" }, verdictBox(store, device, detail)),
          device.alarms.length === 0 ? null : h("section", { class: "box", "aria-label": "Alarms" }, alarmBox(store, device)),
          h("section", { class: "box about-box", "aria-label": "About this device" }, factBox(store, device, detail)),
        ],
  );
}

function claimBox(device: DeviceSummary, openClaim: (code?: string) => void): View | null {
  if (device.claimed) return null;
  const { pairing } = device;
  return h(
    "div",
    { class: "box box-note" },
    h("p", {}, h("strong", {}, "This device is not claimed. "), pairing === null ? "Its pairing code appears while it is online." : h("span", {}, "Its screen shows ", h("strong", { class: "pairing-code" }, pairing.code))),
    pairing === null ? null : h("button", { class: "button button-primary", type: "button", onClick: () => openClaim(pairing.code) }, "Claim it"),
  );
}

function verdictBox(store: Store, device: DeviceSummary, detail: DeviceDetail | undefined): ComponentChildren[] {
  const wall = wallOf(device, store.freshness);
  const screen = detail?.reported?.document["screen"];
  const evidence = isJsonObject(screen) && Array.isArray(screen["evidence"]) ? (screen["evidence"] as readonly Json[]).filter((item) => isJsonObject(item)) : [];
  const known = wall.tone !== "unknown";
  const confidence = device.verdict?.confidence;
  return [
    h("h2", { class: "box-title" }, "On the wall"),
    h("div", { class: "verdict-line" }, verdictBadge(store, device), verdictSince(store, device)),
    h("p", { class: "muted" }, wall.meaning),
    known && typeof confidence === "number" ? confidenceMeter(confidence) : null,
    evidence.length === 0
      ? null
      : h("div", {}, h("h3", { class: "minor-title" }, known ? "What the witnesses say" : "What the witnesses said last"),
          h("dl", { class: known ? "evidence" : "evidence is-old" }, ...evidence.flatMap((item) => [h("dt", {}, brief(item["witness"])), h("dd", {}, brief(item["says"], 400))]))),
  ];
}

function confidenceMeter(confidence: number): View {
  const percent = Math.round(Math.max(0, Math.min(1, confidence)) * 100);
  const meter = h("meter", { min: 0, max: 100, value: percent, "aria-label": "Confidence" });
  return h("p", { class: "confidence" }, meter, h("span", {}, `${percent} % confident`));
}

function alarmBox(store: Store, device: DeviceSummary): ComponentChildren[] {
  return [
    h("h2", { class: "box-title" }, "Alarms"),
    h(
      "ul",
      { class: "alarm-list" },
      ...device.alarms.map((alarm) => {
        const { raisedMs } = alarm;
        const when = typeof raisedMs === "number" ? h(Ticking, { class: "muted nowrap", text: () => age(Math.max(0, store.nowMs() - raisedMs)) }) : null;
        return h("li", {}, pill(severityTone(alarm.severity), alarm.severity, "alert"), h("div", {}, h("p", {}, alarm.message), h("p", { class: "muted" }, h("code", {}, alarm.code), " ", when)));
      }),
    ),
  ];
}

function factBox(store: Store, device: DeviceSummary, detail: DeviceDetail | undefined): ComponentChildren[] {
  const { lastSeenMs } = device;
  const online = device.link.state === "online";
  const seen = lastSeenMs !== null && !online ? h(Ticking, { text: () => age(Math.max(0, store.nowMs() - lastSeenMs)) }) : online ? "connected" : "never";
  const clock = detail?.clock;
  const { release, outcomes } = softwareLines(device.software);
  const rows: (readonly [string, ComponentChildren])[] = [
    ["Player", playerText(device)],
    ["Adapter", device.adapter ?? "not reported"],
    ["Agent", [device.agentVersion, device.platform].filter((part) => part !== null).join(", ") || "not reported"],
    ["Release", release],
    ...(outcomes.length === 0 ? [] : [["Last updates", h("ul", { class: "plain-list" }, ...outcomes.map((line) => h("li", {}, line)))] as const]),
    ["Desired state", desiredText(device)],
    ["Last seen", seen],
    ["Clock", clock === null || clock === undefined ? "unknown" : `${clock.quality}, ${offsetText(clock.offsetMs)}`],
    ["Boot id", h("code", {}, device.link.bootId ?? "unknown")],
    ["Device id", h("code", {}, device.id)],
  ];
  const evidence = detail?.profile?.evidence ?? [];
  return [
    h("h2", { class: "box-title" }, icon("chip"), "About"),
    h("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    evidence.length === 0 ? null : h("details", {}, h("summary", {}, "Why this adapter"), h("ul", { class: "plain-list" }, ...evidence.map((line) => h("li", {}, line)))),
    detail?.profile === null || detail?.profile === undefined
      ? null
      : h("details", {}, h("summary", {}, "Inventory"), h("dl", { class: "facts" }, ...inventoryRows(detail.profile.inventory))),
  ];
}

function inventoryRows(inventory: JsonObject): View[] {
  return Object.entries(inventory).flatMap(([name, reading]) => [h("dt", {}, titled(name)), h("dd", {}, isJsonObject(reading) && reading["kind"] === "ok" ? brief(reading["value"]) : "not known")]);
}

function desiredText({ desired }: DeviceSummary): string {
  if (desired.version === 0) return "never set";
  return desired.applied === desired.version ? `version ${desired.version}, applied` : `version ${desired.version}; applied on the device: ${desired.applied === 0 ? "none" : desired.applied}`;
}

function offsetText(offsetMs: number): string {
  if (Math.abs(offsetMs) < 2_000) return "correct";
  const seconds = Math.round(Math.abs(offsetMs) / 1_000);
  return `${seconds} s ${offsetMs > 0 ? "ahead" : "behind"}`;
}
