import { h } from "preact";
import { useState } from "preact/hooks";
import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import { brief } from "../../model/format.ts";
import { useFreshId, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export interface ScheduleProps {
  readonly schedule: Json | undefined;
  readonly set: (schedule: JsonObject | null) => void;
}

/** Adds and removes weekly windows in which the screen is on. Everything else is edited in the document. */
export function ScheduleControl({ schedule, set }: ScheduleProps): View {
  const now = isJsonObject(schedule) ? schedule : undefined;
  const weekly = now !== undefined && Array.isArray(now["weekly"]) ? (now["weekly"] as readonly Json[]).filter((window) => isJsonObject(window)) : [];
  const zone = typeof now?.["timeZone"] === "string" ? now["timeZone"] : Intl.DateTimeFormat().resolvedOptions().timeZone;
  const drop = (index: number): void => set({ timeZone: zone, weekly: weekly.filter((_window, at) => at !== index) });
  return h(
    "div",
    { class: "quick quick-wide" },
    h("h4", { class: "quick-title" }, icon("clock"), "Schedule"),
    now === undefined
      ? h("p", { class: "muted" }, "No schedule. It takes effect when screen power is “By schedule”.")
      : h(
          "ul",
          { class: "window-list" },
          weekly.map((window, index) =>
            h("li", {}, h("span", {}, daysText(window["days"])), h("strong", {}, `${brief(window["on"])} – ${brief(window["off"])}`), h("button", { class: "icon-button", type: "button", "aria-label": `Remove ${daysText(window["days"])}`, onClick: () => drop(index) }, icon("cross"))),
          ),
          weekly.length === 0 ? h("li", { class: "muted" }, "Always off.") : null,
        ),
    h("details", {}, h("summary", {}, "Add hours"), h(WindowForm, { key: zone, zone, add: (timeZone, window) => set({ timeZone, weekly: [...weekly, window] }) })),
    now === undefined ? null : h("button", { class: "link-button", type: "button", onClick: () => set(null) }, "Remove the schedule"),
  );
}

function WindowForm({ zone, add }: { readonly zone: string; readonly add: (timeZone: string, window: JsonObject) => void }): View {
  const [onId, offId, zoneId] = [useFreshId("on"), useFreshId("off"), useFreshId("zone")];
  const [days, setDays] = useState<readonly string[]>(DAYS.slice(0, 5));
  const [on, setOn] = useState("08:00");
  const [off, setOff] = useState("20:00");
  const [timeZone, setTimeZone] = useState(zone);
  const toggle = (day: string): void => setDays(DAYS.filter((known) => days.includes(known) !== (known === day)));
  const submit = (): void => {
    if (days.length > 0 && on !== "" && off !== "") add(timeZone.trim(), { days, on, off });
  };
  return h(
    "div",
    { class: "window-form" },
    h("fieldset", { class: "checks" }, h("legend", { class: "sr-only" }, "Days"), DAYS.map((day) => h("label", {}, h("input", { type: "checkbox", value: day, checked: days.includes(day), onChange: () => toggle(day) }), h("span", {}, day)))),
    h(
      "div",
      { class: "input-row" },
      h("label", { for: onId }, "On"),
      h("input", { class: "input input-time", id: onId, type: "time", required: true, value: on, onInput: ({ currentTarget }) => setOn(currentTarget.value) }),
      h("label", { for: offId }, "Off"),
      h("input", { class: "input input-time", id: offId, type: "time", required: true, value: off, onInput: ({ currentTarget }) => setOff(currentTarget.value) }),
    ),
    h(
      "div",
      { class: "input-row" },
      h("label", { for: zoneId }, "Zone"),
      h("input", { class: "input", id: zoneId, spellcheck: false, value: timeZone, onInput: ({ currentTarget }) => setTimeZone(currentTarget.value) }),
      h("button", { class: "button", type: "button", onClick: submit }, "Add"),
    ),
  );
}

function daysText(days: Json | undefined): string {
  return Array.isArray(days) ? (days as readonly Json[]).map((day) => brief(day)).join(" ") : "";
}
