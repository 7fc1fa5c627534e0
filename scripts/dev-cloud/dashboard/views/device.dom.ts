import { h, type ComponentType } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ApiIssue } from "../data/api.dom.ts";
import { DEVICE_TABS, hashOf, TAB_LABELS, type DeviceTab } from "../model/route.ts";
import type { Announcer } from "../ui/announce.dom.ts";
import { linkLine } from "../ui/badges.dom.ts";
import { useChanges, type View } from "../ui/hooks.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import type { Store } from "../data/store.dom.ts";
import { Activity } from "./device/activity.dom.ts";
import { Aside } from "./device/aside.dom.ts";
import { Commands } from "./device/commands.dom.ts";
import { type DeviceContext, type SectionProps, summaryOf, useDevice } from "./device/context.dom.ts";
import { Desired } from "./device/desired.dom.ts";
import { Files } from "./device/files.dom.ts";
import { Lab } from "./device/lab.dom.ts";
import { openManageMenu } from "./device/manage.dom.ts";
import { useOutcomes } from "./device/outcomes.dom.ts";
import { State } from "./device/state.dom.ts";
import { Telemetry } from "./device/telemetry.dom.ts";

export interface DevicePageProps {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly openClaim: (code?: string) => void;
  readonly id: string;
  readonly tab: DeviceTab;
}

const SECTIONS: Readonly<Record<DeviceTab, ComponentType<SectionProps>>> = {
  overview: State,
  commands: Commands,
  desired: Desired,
  telemetry: Telemetry,
  activity: Activity,
  files: Files,
  lab: Lab,
};

/** The page of one device: picture and verdict at the side, and the selected section. */
export function DevicePage({ store, announcer, openClaim, id, tab }: DevicePageProps): View {
  const context = useMemo<DeviceContext>(() => ({ store, announcer, id }), [id]);
  const [gone, setGone] = useState<Pick<ApiIssue, "code" | "message">>();
  useDevice(context);
  useOutcomes(context);
  useChanges(store, (change) => {
    if (change.t === "fleet" && store.loaded && !store.devices.has(id)) setGone({ code: "device.unknown", message: "the cloud does not know this device" });
  });
  useEffect(() => {
    let here = true;
    void store.follow(id).then((issue) => {
      if (here && issue !== undefined && issue.status !== 0) setGone(issue);
    });
    return () => void (here = false);
  }, [id]);
  const device = summaryOf(context);
  useEffect(() => {
    if (device !== undefined) document.title = `${device.name} — Vitrine development cloud`;
  }, [device?.name]);
  return h(
    "div",
    { class: "page device" },
    h(
      "div",
      { class: "page-head" },
      h("a", { class: "back-link", href: "#/" }, icon("back"), "Fleet"),
      h("h1", {}, device?.name ?? id.slice(0, 8)),
      h("div", { class: "device-link" }, device === undefined ? null : linkLine(store, device)),
      h("button", { class: "button head-action", type: "button", onClick: () => openManageMenu(context) }, icon("pencil"), "Manage"),
    ),
    gone === undefined
      ? h("div", { class: "device-columns" }, h(Aside, { context, openClaim }), h("div", { class: "device-main" }, h(Tabs, { id, tab }), h("div", { class: "panel" }, h(SECTIONS[tab], { key: tab, context }))))
      : h("div", { class: "empty" }, h("p", {}, "This device cannot be shown."), h("p", { class: "muted" }, `${gone.message} (${gone.code})`), h("p", {}, h("a", { href: "#/" }, "Back to the fleet"))),
  );
}

function Tabs({ id, tab }: { readonly id: string; readonly tab: DeviceTab }): View {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" }), [tab]);
  return h("nav", { class: "tabs", "aria-label": "Sections of this device", ref: nav }, DEVICE_TABS.map((known) => h("a", { href: hashOf({ page: "device", id, tab: known }), "aria-current": known === tab ? "page" : undefined }, TAB_LABELS[known])));
}
