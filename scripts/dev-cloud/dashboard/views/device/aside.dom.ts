import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { DeviceDetail, DeviceSummary } from "../../model/api-types.ts";
import { age, brief, titled } from "../../model/format.ts";
import { wallOf } from "../../model/verdict.ts";
import { pill, severityTone, verdictBadge, verdictSince } from "../../ui/badges.dom.ts";
import { h, refill, type Child } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { picture } from "../../ui/picture.dom.ts";
import { tick } from "../../ui/ticker.dom.ts";
import type { Store } from "../../data/store.dom.ts";
import { playerText } from "../device-card.dom.ts";
import { type DeviceContext, detailOf, summaryOf, whenever } from "./context.dom.ts";

/** Always beside the sections: the picture, what is on the wall and why we think so, alarms, and who it is. */
export function aside(context: DeviceContext, openClaim: (code?: string) => void): HTMLElement {
  const { store } = context;
  const view = picture(store, context.id, true);
  const [claim, verdict, alarms, facts] = [h("div"), h("section", { class: "box verdict-box", "aria-label": "What is on the wall" }), h("section", { class: "box", "aria-label": "Alarms" }), h("section", { class: "box about-box", "aria-label": "About this device" })];
  let drawn = "";
  whenever(context, () => {
    const device = summaryOf(context);
    if (device === undefined) return;
    view.update();
    const detail = detailOf(context);
    const { lastSeenMs: _seen, screenshot: _shot, ...rest } = device;
    const key = JSON.stringify([rest, store.freshness, detail?.reported?.document["screen"], detail?.profile?.hash, detail?.owner, detail?.clock]);
    if (key === drawn) return;
    drawn = key;
    refill(claim, ...claimBox(device, openClaim));
    refill(verdict, ...verdictBox(store, device, detail));
    refill(alarms, ...alarmBox(store, device));
    alarms.hidden = device.alarms.length === 0;
    refill(facts, ...factBox(store, device, detail));
  });
  return h("aside", { class: "device-aside", "aria-label": "Picture and verdict" }, view.root, claim, verdict, alarms, facts);
}

function claimBox(device: DeviceSummary, openClaim: (code?: string) => void): Child[] {
  if (device.claimed) return [];
  const { pairing } = device;
  return [
    h(
      "div",
      { class: "box box-note" },
      h("p", {}, h("strong", {}, "Nobody owns this device. "), pairing === null ? "Its pairing code is known while it is online." : h("span", {}, "Its screen shows ", h("strong", { class: "pairing-code" }, pairing.code))),
      pairing === null ? null : h("button", { class: "button button-primary", type: "button", "data-key": "aside-claim", on: { click: () => openClaim(pairing.code) } }, "Claim it"),
    ),
  ];
}

function verdictBox(store: Store, device: DeviceSummary, detail: DeviceDetail | undefined): Child[] {
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

function confidenceMeter(confidence: number): HTMLElement {
  const percent = Math.round(Math.max(0, Math.min(1, confidence)) * 100);
  const meter = h("meter", { min: 0, max: 100, value: percent, "aria-label": "Confidence" });
  return h("p", { class: "confidence" }, meter, h("span", {}, `${percent} % confident`));
}

function alarmBox(store: Store, device: DeviceSummary): Child[] {
  return [
    h("h2", { class: "box-title" }, "Alarms"),
    h(
      "ul",
      { class: "alarm-list" },
      ...device.alarms.map((alarm) => {
        const when = h("span", { class: "muted nowrap" });
        const { raisedMs } = alarm;
        if (typeof raisedMs === "number") tick(when, () => age(Math.max(0, store.nowMs() - raisedMs)));
        return h("li", {}, pill(severityTone(alarm.severity), alarm.severity, "alert"), h("div", {}, h("p", {}, alarm.message), h("p", { class: "muted" }, h("code", {}, alarm.code), " ", when)));
      }),
    ),
  ];
}

function factBox(store: Store, device: DeviceSummary, detail: DeviceDetail | undefined): Child[] {
  const seen = h("span", {});
  const { lastSeenMs } = device;
  if (lastSeenMs !== null && device.link.state !== "online") tick(seen, () => age(Math.max(0, store.nowMs() - lastSeenMs)));
  else seen.textContent = device.link.state === "online" ? "connected" : "never";
  const clock = detail?.clock;
  const rows: (readonly [string, Child])[] = [
    ["Player", playerText(device)],
    ["Adapter", device.adapter ?? "not reported"],
    ["Agent", [device.agentVersion, device.platform].filter((part) => part !== null).join(", ") || "not reported"],
    ["Desired state", desiredText(device)],
    ["Last heard", seen],
    ["Clock", clock === null || clock === undefined ? "unknown" : `${clock.quality}, ${offsetText(clock.offsetMs)}`],
    ["Boot id", h("code", {}, device.link.bootId ?? "unknown")],
    ["Device id", h("code", {}, device.id)],
  ];
  const evidence = detail?.profile?.evidence ?? [];
  return [
    h("h2", { class: "box-title" }, icon("chip"), "About"),
    h("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    evidence.length === 0 ? null : h("details", {}, h("summary", { "data-key": "adapter-evidence" }, "Why this adapter"), h("ul", { class: "plain-list" }, ...evidence.map((line) => h("li", {}, line)))),
    detail?.profile === null || detail?.profile === undefined
      ? null
      : h("details", {}, h("summary", { "data-key": "inventory" }, "Inventory"), h("dl", { class: "facts" }, ...inventoryRows(detail.profile.inventory))),
  ];
}

function inventoryRows(inventory: JsonObject): HTMLElement[] {
  return Object.entries(inventory).flatMap(([name, reading]) => [h("dt", {}, titled(name)), h("dd", {}, isJsonObject(reading) && reading["kind"] === "ok" ? brief(reading["value"]) : "not known")]);
}

function desiredText({ desired }: DeviceSummary): string {
  if (desired.version === 0) return "never set";
  return desired.applied === desired.version ? `version ${desired.version}, in force` : `version ${desired.version}; in force there: ${desired.applied === 0 ? "none" : desired.applied}`;
}

function offsetText(offsetMs: number): string {
  if (Math.abs(offsetMs) < 2_000) return "right";
  const seconds = Math.round(Math.abs(offsetMs) / 1_000);
  return `${seconds} s ${offsetMs > 0 ? "ahead" : "behind"}`;
}
