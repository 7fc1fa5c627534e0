import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import { brief } from "../../model/format.ts";
import { freshId, h } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Weekly windows in which the screen is on. One more is added here; anything finer is in the document. */
export function scheduleControl(schedule: Json | undefined, set: (schedule: JsonObject | null) => void): HTMLElement {
  const now = isJsonObject(schedule) ? schedule : undefined;
  const weekly = now !== undefined && Array.isArray(now["weekly"]) ? (now["weekly"] as readonly Json[]).filter((window) => isJsonObject(window)) : [];
  const zone = typeof now?.["timeZone"] === "string" ? now["timeZone"] : Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [onId, offId, zoneId] = [freshId("on"), freshId("off"), freshId("zone")];
  const boxes = DAYS.map((day, index) => h("input", { type: "checkbox", value: day, checked: index < 5 }));
  const on = h("input", { class: "input input-time", id: onId, type: "time", value: "08:00", required: true });
  const off = h("input", { class: "input input-time", id: offId, type: "time", value: "20:00", required: true });
  const zoneBox = h("input", { class: "input", id: zoneId, value: zone, spellcheck: "false" });
  const add = (): void => {
    const days = DAYS.filter((_day, index) => boxes[index]?.checked === true);
    if (days.length === 0 || on.value === "" || off.value === "") return;
    set({ timeZone: zoneBox.value.trim(), weekly: [...weekly, { days, on: on.value, off: off.value }] });
  };
  const drop = (index: number): void => set({ timeZone: zone, weekly: weekly.filter((_window, at) => at !== index) });
  return h(
    "div",
    { class: "quick quick-wide" },
    h("h4", { class: "quick-title" }, icon("clock"), "Schedule"),
    now === undefined
      ? h("p", { class: "muted" }, "No schedule. Windows count once screen power is “By schedule”.")
      : h(
          "ul",
          { class: "window-list" },
          ...weekly.map((window, index) =>
            h("li", {}, h("span", {}, daysText(window["days"])), h("strong", {}, `${brief(window["on"])} – ${brief(window["off"])}`), h("button", { class: "icon-button", type: "button", "aria-label": `Remove ${daysText(window["days"])}`, "data-key": `window-${index}`, on: { click: () => drop(index) } }, icon("cross"))),
          ),
          weekly.length === 0 ? h("li", { class: "muted" }, "Always off.") : null,
        ),
    h(
      "details",
      {},
      h("summary", { "data-key": "add-window" }, "Add hours"),
      h(
        "div",
        { class: "window-form" },
        h("fieldset", { class: "checks" }, h("legend", { class: "sr-only" }, "Days"), ...DAYS.map((day, index) => h("label", {}, boxes[index], h("span", {}, day)))),
        h("div", { class: "input-row" }, h("label", { for: onId }, "On"), on, h("label", { for: offId }, "Off"), off),
        h("div", { class: "input-row" }, h("label", { for: zoneId }, "Zone"), zoneBox, h("button", { class: "button", type: "button", "data-key": "window-add", on: { click: add } }, "Add")),
      ),
    ),
    now === undefined ? null : h("button", { class: "link-button", type: "button", "data-key": "schedule-drop", on: { click: () => set(null) } }, "Remove the schedule"),
  );
}

function daysText(days: Json | undefined): string {
  return Array.isArray(days) ? (days as readonly Json[]).map((day) => brief(day)).join(" ") : "";
}
