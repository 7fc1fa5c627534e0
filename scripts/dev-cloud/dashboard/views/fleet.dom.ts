import type { DeviceSummary } from "../model/api-types.ts";
import { FLEET_LABELS, FLEET_STATES, isIn, matchesText, type FleetState } from "../model/fleet-filter.ts";
import { freshId, h } from "../ui/dom.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import type { Store } from "../data/store.dom.ts";
import { deviceCard, type DeviceCard } from "./device-card.dom.ts";
import { roveGrid } from "../ui/rove.dom.ts";

export interface FleetDeps {
  readonly store: Store;
  readonly openClaim: (code?: string) => void;
}

/** What was last typed and chosen, so that coming back from a device shows the same fleet. */
const kept: { text: string; state: FleetState } = { text: "", state: "all" };

/** All devices, each with its picture and what is known of it now. */
export function fleetView({ store, openClaim }: FleetDeps, signal: AbortSignal): HTMLElement {
  const cards = new Map<string, DeviceCard>();
  const grid = h("ul", { class: "fleet-grid", "aria-label": "Devices" });
  const said = h("p", { class: "muted", role: "status" });
  const nothing = h("div", { class: "empty", hidden: true });
  const searchId = freshId("search");
  const search = h("input", { class: "input", id: searchId, type: "search", placeholder: "Name, code, content, alarm…", autocomplete: "off", spellcheck: "false", "data-find": true });
  search.value = kept.text;
  const counts = new Map<FleetState, HTMLElement>();
  const radios = FLEET_STATES.map((state) => {
    const count = h("span", { class: "chip-count" });
    counts.set(state, count);
    const radio = h("input", { type: "radio", name: "fleet-state", value: state, checked: state === kept.state });
    radio.addEventListener("change", () => {
      kept.state = state;
      show();
    });
    return h("label", { class: "chip", "data-state": state }, radio, h("span", { class: "chip-face" }, h("span", {}, FLEET_LABELS[state]), count));
  });
  search.addEventListener("input", () => {
    kept.text = search.value;
    show();
  });

  const show = (): void => {
    const all = [...store.devices.values()].sort((left, right) => left.name.localeCompare(right.name) || left.id.localeCompare(right.id));
    for (const state of FLEET_STATES) {
      const element = counts.get(state);
      if (element !== undefined) element.textContent = String(all.filter((device) => isIn(state, device, store.freshness)).length);
    }
    const wanted = all.filter((device) => isIn(kept.state, device, store.freshness) && matchesText(device, kept.text));
    arrange(wanted);
    const text = all.length === 0 ? "" : wanted.length === all.length ? `${all.length} ${all.length === 1 ? "device" : "devices"}` : `${wanted.length} of ${all.length} devices`;
    if (said.textContent !== text) said.textContent = text;
    nothing.hidden = wanted.length > 0 || !store.loaded;
    if (!nothing.hidden) nothing.replaceChildren(...emptyFleet(store, all.length));
  };

  /** Cards stay the same elements; only what is out of place moves, so that the focus survives. */
  const arrange = (wanted: readonly DeviceSummary[]): void => {
    const ids = new Set(wanted.map((device) => device.id));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      card.root.remove();
      cards.delete(id);
    }
    let place = grid.firstElementChild;
    for (const device of wanted) {
      let card = cards.get(device.id);
      if (card === undefined) {
        card = deviceCard(store, device.id, openClaim);
        cards.set(device.id, card);
      }
      card.update();
      if (card.root === place) place = place.nextElementSibling;
      else grid.insertBefore(card.root, place);
    }
    rove.refresh();
  };

  const rove = roveGrid(grid, ".card", ".card-link");
  store.on(signal, (change) => {
    if (change.t === "fleet" || change.t === "link" || change.t === "reload") show();
    // Names, filters and counts may change with any device; a fleet for development is small enough to look at again.
    else if (change.t === "device") show();
  });
  show();
  return h(
    "div",
    { class: "page fleet" },
    h("div", { class: "page-head" }, h("h1", {}, "Fleet"), said),
    h(
      "div",
      { class: "toolbar", role: "search" },
      h("div", { class: "search" }, icon("search"), h("label", { class: "sr-only", for: searchId }, "Find devices"), search),
      h("fieldset", { class: "chips" }, h("legend", { class: "sr-only" }, "Show"), ...radios),
    ),
    grid,
    nothing,
  );
}

function emptyFleet(store: Store, total: number): HTMLElement[] {
  if (total > 0) return [h("p", {}, "No device matches."), h("p", { class: "muted" }, "Clear the search or choose “All devices”.")];
  const endpoint = store.info?.deviceEndpoint;
  return [
    h("p", {}, "No device has connected yet."),
    h("p", { class: "muted" }, "Start one with ", h("code", {}, "npm start"), endpoint === undefined ? "." : ", or point an agent at ", endpoint === undefined ? null : h("code", {}, endpoint)),
  ];
}
