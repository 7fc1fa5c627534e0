import { duration } from "../../model/format.ts";
import type { LabWorld } from "../../model/simulated-world.ts";
import { confirmFirst } from "../../ui/dialog.dom.ts";
import { h } from "../../ui/dom.dom.ts";
import { icon, type IconName } from "../../ui/icon.dom.ts";
import type { Act, LabPart } from "./lab-part.dom.ts";

interface Fault {
  readonly name: IconName;
  readonly label: string;
  readonly on: string;
  readonly off: string;
  readonly good: string;
  readonly bad: (world: LabWorld) => string;
  /** `undefined`: the device did not say. */
  readonly isBad: (world: LabWorld) => boolean | undefined;
}

/** Faults that are there or not: a switch each. */
const FAULTS: readonly Fault[] = [
  { name: "cable", label: "HDMI cable pulled", on: "hdmi.pull", off: "hdmi.plug", good: "plugged in", bad: () => "pulled", isBad: (world) => (world.connected === undefined ? undefined : !world.connected) },
  { name: "network", label: "Network cut", on: "network.cut", off: "network.restore", good: "link is up", bad: () => "link is down", isBad: (world) => (world.networkUp === undefined ? undefined : !world.networkUp) },
  { name: "thermometer", label: "Overheating", on: "temperature.overheat", off: "temperature.cool", good: "resting", bad: (world) => `${world.temperatureC ?? "?"} °C`, isBad: (world) => (world.extraC === undefined ? undefined : world.extraC > 0) },
  { name: "disk", label: "Disk full", on: "disk.fill", off: "disk.free", good: "room is left", bad: () => "no byte is free", isBad: (world) => world.diskFull },
];

const STEPS: readonly (readonly [string, number])[] = [
  ["−1 year", -31_536_000_000],
  ["−1 h", -3_600_000],
  ["+1 h", 3_600_000],
  ["+1 year", 31_536_000_000],
];

export function switches(act: Act): LabPart {
  const rows = FAULTS.map((fault) => faultSwitch(fault, act));
  const clock = h("span", { class: "muted" });
  const boots = h("span", { class: "muted" });
  let offsetMs = 0;
  const root = h(
    "section",
    { class: "box switch-box", "aria-label": "Faults" },
    h("h3", { class: "box-title" }, "Faults"),
    h("div", { class: "switch-list" }, ...rows.map((row) => row.root)),
    h("h4", { class: "minor-title" }, "Player"),
    h("div", { class: "button-row" },
      h("button", { class: "button", type: "button", on: { click: () => void act("player.freeze") } }, icon("snow"), "Freeze the player"),
      h("button", { class: "button", type: "button", on: { click: () => void act("player.kill") } }, icon("cross"), "Kill the player"),
    ),
    h("h4", { class: "minor-title" }, "Clock ", clock),
    h("div", { class: "button-row" },
      ...STEPS.map(([label, byMs]) => h("button", { class: "button", type: "button", "aria-label": `Step the clock ${label}`, on: { click: () => void act("clock.step", { byMs }) } }, label)),
      h("button", { class: "button", type: "button", on: { click: () => (offsetMs === 0 ? undefined : void act("clock.step", { byMs: -offsetMs })) } }, "Set right"),
    ),
    h("h4", { class: "minor-title" }, "Power ", boots),
    h("div", { class: "button-row" },
      h("button", { class: "button button-danger", type: "button", "data-key": "pull-plug", on: { click: () => confirmFirst("Pull the plug?", "The power goes at once: nothing is saved that was not on disk. The machine room starts it again.", "Pull it", () => void act("power.cut")) } }, icon("plug"), "Pull the plug"),
    ),
  );
  return {
    root,
    update: (world) => {
      for (const row of rows) row.update(world);
      offsetMs = world.clockOffsetMs ?? 0;
      clock.textContent = offsetMs === 0 ? "right" : `${duration(offsetMs)} ${offsetMs > 0 ? "ahead" : "behind"}`;
      boots.textContent = world.boots === undefined ? "" : `${world.boots} ${world.boots === 1 ? "boot" : "boots"}`;
    },
  };
}

function faultSwitch(fault: Fault, act: Act): LabPart {
  const state = h("span", { class: "switch-state" }, "…");
  let isBad = false;
  const button = h("button", { class: "switch", type: "button", role: "switch", "aria-checked": "false" }, icon(fault.name), h("span", { class: "switch-label" }, fault.label), state, h("span", { class: "switch-track", "aria-hidden": "true" }));
  button.addEventListener("click", () => void act(isBad ? fault.off : fault.on));
  return {
    root: button,
    update: (world) => {
      const now = fault.isBad(world);
      isBad = now === true;
      button.setAttribute("aria-checked", String(isBad));
      state.textContent = now === undefined ? "not known" : isBad ? fault.bad(world) : fault.good;
    },
  };
}
