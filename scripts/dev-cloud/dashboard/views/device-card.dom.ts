import { isJsonObject } from "../../../../platform/runtime/json.ts";
import type { DeviceSummary } from "../model/api-types.ts";
import { brief, titled } from "../model/format.ts";
import { hashOf } from "../model/route.ts";
import { linkLine, pill, verdictBadge, verdictSince } from "../ui/badges.dom.ts";
import { h, refill, type Child } from "../ui/dom.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import { picture } from "../ui/picture.dom.ts";
import type { Store } from "../data/store.dom.ts";

export interface DeviceCard {
  readonly root: HTMLElement;
  update(): void;
}

export function deviceCard(store: Store, id: string, openClaim: (code?: string) => void): DeviceCard {
  const view = picture(store, id, false);
  const name = h("span", { class: "card-name" });
  const link = h("a", { class: "card-link", href: hashOf({ page: "device", id, tab: "overview" }), "data-key": `card-${id}` }, name);
  const body = h("div", { class: "card-body" });
  const root = h("li", { class: "card" }, view.root, h("div", { class: "card-text" }, h("h2", { class: "card-title" }, link), body));
  let drawn = "";
  const update = (): void => {
    const device = store.devices.get(id);
    if (device === undefined) return;
    view.update();
    if (name.textContent !== device.name) name.textContent = device.name;
    // Frames of a busy device change `lastSeenMs` alone; that is no reason to draw the card again.
    const { lastSeenMs: _lastSeen, screenshot: _screenshot, ...rest } = device;
    const key = JSON.stringify([rest, store.freshness.live, device.link.state === "online" ? 0 : device.lastSeenMs]);
    if (key === drawn) return;
    drawn = key;
    root.classList.toggle("is-offline", device.link.state !== "online");
    refill(body, ...cardBody(store, device, openClaim));
  };
  update();
  return { root, update };
}

function cardBody(store: Store, device: DeviceSummary, openClaim: (code?: string) => void): Child[] {
  const { pairing, alarms } = device;
  const facts = [device.adapter, device.agentVersion === null ? null : `agent ${device.agentVersion}`, device.platform].filter((fact) => fact !== null);
  return [
    h("div", { class: "card-verdict" }, verdictBadge(store, device), verdictSince(store, device)),
    h("p", { class: "card-line" }, linkLine(store, device)),
    h("p", { class: "card-line" }, icon("play"), h("span", { class: "clip" }, playerText(device))),
    h("p", { class: "card-line muted" }, icon("chip"), h("span", { class: "clip" }, facts.length === 0 ? "nothing reported yet" : facts.join(" · "))),
    alarms.length === 0 ? null : h("p", { class: "card-alarms" }, pill("bad", `${alarms.length} ${alarms.length === 1 ? "alarm" : "alarms"}`, "alert"), h("span", { class: "clip" }, alarms[0]?.message ?? "")),
    device.claimed
      ? null
      : h(
          "div",
          { class: "card-claim" },
          pairing === null ? h("span", { class: "muted" }, "Unclaimed; its code is known while it is online.") : h("span", {}, "Code ", h("strong", { class: "pairing-code" }, pairing.code)),
          pairing === null ? null : h("button", { class: "button button-primary", type: "button", "data-key": `claim-${device.id}`, "aria-label": `Claim ${device.name}`, on: { click: () => openClaim(pairing.code) } }, "Claim"),
        ),
  ];
}

/** What the player does, in one line. The player's words come from the device and are shown as text. */
export function playerText(device: DeviceSummary): string {
  const { player } = device;
  if (!isJsonObject(player)) return "no player reported";
  const content = brief(player["content"] ?? "nothing");
  switch (player["kind"]) {
    case "absent":
      return `no player: ${brief(player["why"])}`;
    case "idle":
      return `idle, ${titled(brief(player["screen"])).toLowerCase()} screen`;
    case "loading":
      return `loading ${content}`;
    case "playing":
      return `playing ${content}`;
    case "failed":
      return `failed on ${content}: ${brief(player["error"])}`;
    default:
      return brief(player);
  }
}
