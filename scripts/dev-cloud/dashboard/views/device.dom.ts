import type { ApiIssue } from "../data/api.dom.ts";
import { DEVICE_TABS, hashOf, TAB_LABELS, type DeviceTab, type Route } from "../model/route.ts";
import type { Announcer } from "../ui/announce.dom.ts";
import { linkLine } from "../ui/badges.dom.ts";
import { h, refill } from "../ui/dom.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import type { Store } from "../data/store.dom.ts";
import { activitySection } from "./device/activity.dom.ts";
import { aside } from "./device/aside.dom.ts";
import { commandsSection } from "./device/commands.dom.ts";
import { type DeviceContext, summaryOf, whenever } from "./device/context.dom.ts";
import { desiredSection } from "./device/desired.dom.ts";
import { filesSection } from "./device/files.dom.ts";
import { labSection } from "./device/lab.dom.ts";
import { openManageMenu } from "./device/manage.dom.ts";
import { announceOutcomes } from "./device/outcomes.dom.ts";
import { stateSection } from "./device/state.dom.ts";
import { telemetrySection } from "./device/telemetry.dom.ts";

export interface DeviceDeps {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly openClaim: (code?: string) => void;
}

export interface DevicePage {
  readonly root: HTMLElement;
  /** Another section of the same device. */
  show(tab: DeviceTab): void;
}

const SECTIONS: Readonly<Record<DeviceTab, (context: DeviceContext) => HTMLElement>> = {
  overview: stateSection,
  commands: commandsSection,
  desired: desiredSection,
  telemetry: telemetrySection,
  activity: activitySection,
  files: filesSection,
  lab: labSection,
};

/** One device: its picture and verdict beside, and one section of what there is to see and do. */
export function deviceView(deps: DeviceDeps, route: Route & { page: "device" }, signal: AbortSignal): DevicePage {
  const { store, announcer, openClaim } = deps;
  const context: DeviceContext = { store, announcer, id: route.id, signal };
  const name = h("h1", {});
  const line = h("div", { class: "device-link" });
  const tabs = h("nav", { class: "tabs", "aria-label": "Sections of this device" });
  const panel = h("div", { class: "panel" });
  const missing = h("div", { class: "empty", hidden: true });
  const columns = h("div", { class: "device-columns" }, aside(context, openClaim), h("div", { class: "device-main" }, tabs, panel));
  let section: AbortController | undefined;

  whenever(context, () => {
    const device = summaryOf(context);
    name.textContent = device?.name ?? route.id.slice(0, 8);
    if (device === undefined) return;
    document.title = `${device.name} — Vitrine development cloud`;
    refill(line, linkLine(store, device));
  });

  const fill = (tab: DeviceTab): void => {
    refill(tabs, ...DEVICE_TABS.map((known) => h("a", { href: hashOf({ ...route, tab: known }), "data-key": `tab-${known}`, "aria-current": known === tab ? "page" : undefined }, TAB_LABELS[known])));
    tabs.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
    section?.abort();
    section = new AbortController();
    panel.replaceChildren(SECTIONS[tab]({ ...context, signal: section.signal }));
  };

  const gone = (issue: ApiIssue): void => {
    columns.hidden = true;
    missing.hidden = false;
    missing.replaceChildren(h("p", {}, "This device cannot be shown."), h("p", { class: "muted" }, `${issue.message} (${issue.code})`), h("p", {}, h("a", { href: "#/" }, "Back to the fleet")));
  };

  signal.addEventListener("abort", () => section?.abort(), { once: true });
  store.on(signal, (change) => {
    if (change.t === "fleet" && store.loaded && !store.devices.has(route.id)) gone({ code: "device.unknown", message: "the cloud does not know it (any more)", status: 404, beside: {} });
  });
  void store.follow(route.id).then((issue) => {
    if (issue !== undefined && issue.status !== 0 && !signal.aborted) gone(issue);
  });
  announceOutcomes(context);
  fill(route.tab);
  const root = h(
    "div",
    { class: "page device" },
    h(
      "div",
      { class: "page-head" },
      h("a", { class: "back-link", href: "#/", "data-key": "back" }, icon("back"), "Fleet"),
      name,
      line,
      h("button", { class: "button head-action", type: "button", "data-key": "manage", on: { click: () => openManageMenu(context) } }, icon("pencil"), "Manage"),
    ),
    missing,
    columns,
  );
  return { root, show: fill };
}
