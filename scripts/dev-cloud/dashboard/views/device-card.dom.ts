import { Component, h } from "preact";
import type { DeviceSummary } from "../model/api-types.ts";
import { hashOf } from "../model/route.ts";
import { playerText } from "../model/player-text.ts";
import type { Store } from "../data/store.dom.ts";
import { linkLine, pill, verdictBadge, verdictSince } from "../ui/badges.dom.ts";
import type { View } from "../ui/hooks.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import { Picture } from "../ui/picture.dom.ts";

export interface CardProps {
  readonly store: Store;
  readonly device: DeviceSummary;
  readonly openClaim: (code?: string) => void;
  /** `store.freshness.live`: a separate prop, because `store` itself never changes. */
  readonly live: boolean;
}

/** One device of the fleet. Re-renders only when its own device changes. */
export class DeviceCard extends Component<CardProps> {
  override shouldComponentUpdate(next: CardProps): boolean {
    return next.device !== this.props.device || next.live !== this.props.live;
  }

  override render(): View {
    return h(Card, this.props);
  }
}

function Card({ store, device, openClaim }: CardProps): View {
  const { pairing, alarms } = device;
  const facts = [device.adapter, device.agentVersion === null ? null : `agent ${device.agentVersion}`, device.platform].filter((fact) => fact !== null);
  return h(
    "li",
    { class: device.link.state === "online" ? "card" : "card is-offline" },
    h(Picture, { store, device }),
    h(
      "div",
      { class: "card-text" },
      h("h2", { class: "card-title" }, h("a", { class: "card-link", href: hashOf({ page: "device", id: device.id, tab: "overview" }), "data-key": `card-${device.id}` }, h("span", { class: "card-name" }, device.name))),
      h(
        "div",
        { class: "card-body" },
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
              pairing === null ? h("span", { class: "muted" }, "Unclaimed. Its code appears while it is online.") : h("span", {}, "Code ", h("strong", { class: "pairing-code" }, pairing.code)),
              pairing === null ? null : h("button", { class: "button button-primary", type: "button", "aria-label": `Claim ${device.name}`, onClick: () => openClaim(pairing.code) }, "Claim"),
            ),
      ),
    ),
  );
}
