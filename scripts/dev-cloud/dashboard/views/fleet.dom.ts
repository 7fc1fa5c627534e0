import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { FLEET_LABELS, FLEET_STATES, isIn, matchesText, type FleetState } from "../model/fleet-filter.ts";
import type { Store } from "../data/store.dom.ts";
import { useDrawnOn, useFreshId, type View } from "../ui/hooks.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import { roveGrid, type Rove } from "../ui/rove.dom.ts";
import { DeviceCard } from "./device-card.dom.ts";

export interface FleetProps {
  readonly store: Store;
  readonly openClaim: (code?: string) => void;
}

/** Last search and filter, kept for the return from a device page. */
let kept: { readonly text: string; readonly state: FleetState } = { text: "", state: "all" };

/** All devices, each with picture and current state. */
export function Fleet({ store, openClaim }: FleetProps): View {
  const [chosen, choose] = useState(kept);
  kept = chosen;
  const searchId = useFreshId("search");
  const grid = useRef<HTMLUListElement>(null);
  const rove = useRef<Rove>(undefined);
  // Order, filters and counts may change with any device; a development fleet is small enough to re-render.
  useDrawnOn(store, ({ t }) => t === "fleet" || t === "link" || t === "reload" || t === "device");
  useEffect(() => {
    if (grid.current !== null) rove.current ??= roveGrid(grid.current, ".card", ".card-link");
    rove.current?.refresh();
  });
  const all = [...store.devices.values()].sort((left, right) => left.name.localeCompare(right.name) || left.id.localeCompare(right.id));
  const wanted = all.filter((device) => isIn(chosen.state, device, store.freshness) && matchesText(device, chosen.text));
  const said = all.length === 0 ? "" : wanted.length === all.length ? `${all.length} ${all.length === 1 ? "device" : "devices"}` : `${wanted.length} of ${all.length} devices`;
  return h(
    "div",
    { class: "page fleet" },
    h("div", { class: "page-head" }, h("h1", {}, "Fleet"), h("p", { class: "muted", role: "status" }, said)),
    h(
      "div",
      { class: "toolbar", role: "search" },
      h(
        "div",
        { class: "search" },
        icon("search"),
        h("label", { class: "sr-only", for: searchId }, "Find devices"),
        h("input", { class: "input", id: searchId, type: "search", placeholder: "Name, code, content, alarm…", autocomplete: "off", spellcheck: false, "data-find": true, value: chosen.text, onInput: ({ currentTarget }) => choose({ ...chosen, text: currentTarget.value }) }),
      ),
      h("fieldset", { class: "chips" }, h("legend", { class: "sr-only" }, "Show"), FLEET_STATES.map((state) =>
        h("label", { class: "chip", "data-state": state, key: state },
          h("input", { type: "radio", name: "fleet-state", value: state, checked: state === chosen.state, onChange: () => choose({ ...chosen, state }) }),
          h("span", { class: "chip-face" }, h("span", {}, FLEET_LABELS[state]), h("span", { class: "chip-count" }, all.filter((device) => isIn(state, device, store.freshness)).length)),
        ))),
    ),
    h("ul", { class: "fleet-grid", "aria-label": "Devices", ref: grid }, wanted.map((device) => h(DeviceCard, { key: device.id, store, device, openClaim, live: store.freshness.live }))),
    wanted.length > 0 || !store.loaded ? null : h("div", { class: "empty" }, emptyFleet(store, all.length)),
  );
}

function emptyFleet(store: Store, total: number): View[] {
  if (total > 0) return [h("p", {}, "No device matches."), h("p", { class: "muted" }, "Clear the search or choose “All devices”.")];
  const endpoint = store.info?.deviceEndpoint;
  return [
    h("p", {}, "No device has connected yet."),
    h("p", { class: "muted" }, "Start one with ", h("code", {}, "npm start"), endpoint === undefined ? "." : ", or point an agent at ", endpoint === undefined ? null : h("code", {}, endpoint)),
  ];
}
