import { h } from "preact";
import { duration } from "../../model/format.ts";
import type { LabWorld } from "../../model/simulated-world.ts";
import { confirmFirst } from "../../ui/dialog.dom.ts";
import type { View } from "../../ui/hooks.dom.ts";
import { icon, type IconName } from "../../ui/icon.dom.ts";
import type { Act, LabPartProps } from "./lab-part.dom.ts";

interface Fault {
  readonly name: IconName;
  readonly label: string;
  readonly on: string;
  readonly off: string;
  readonly good: string;
  readonly bad: (world: LabWorld) => string;
  /** `undefined`: not reported. */
  readonly isBad: (world: LabWorld) => boolean | undefined;
}

/** Faults that can be switched on and off. */
const FAULTS: readonly Fault[] = [
  { name: "cable", label: "HDMI cable pulled", on: "hdmi.pull", off: "hdmi.plug", good: "plugged in", bad: () => "pulled", isBad: (world) => (world.connected === undefined ? undefined : !world.connected) },
  { name: "network", label: "Network cut", on: "network.cut", off: "network.restore", good: "link is up", bad: () => "link is down", isBad: (world) => (world.networkUp === undefined ? undefined : !world.networkUp) },
  { name: "thermometer", label: "Overheating", on: "temperature.overheat", off: "temperature.cool", good: "normal", bad: (world) => `${world.temperatureC ?? "?"} °C`, isBad: (world) => (world.extraC === undefined ? undefined : world.extraC > 0) },
  { name: "disk", label: "Disk full", on: "disk.fill", off: "disk.free", good: "space is left", bad: () => "no space left", isBad: (world) => world.diskFull },
];

const STEPS: readonly (readonly [string, number])[] = [
  ["−1 year", -31_536_000_000],
  ["−1 h", -3_600_000],
  ["+1 h", 3_600_000],
  ["+1 year", 31_536_000_000],
];

export function Switches({ world, act }: LabPartProps): View {
  const { clockOffsetMs: offsetMs = 0, boots } = world;
  const button = (label: string, run: () => void, name?: IconName, spoken?: string): View => h("button", { class: "button", type: "button", "aria-label": spoken, onClick: run }, name === undefined ? null : icon(name), label);
  const pull = (): void => confirmFirst("Pull the plug?", "Power is cut at once: everything not on disk is lost. The device is then started again.", "Pull it", () => void act("power.cut"));
  return h(
    "section",
    { class: "box switch-box", "aria-label": "Faults" },
    h("h3", { class: "box-title" }, "Faults"),
    h("div", { class: "switch-list" }, FAULTS.map((fault) => faultSwitch(fault, world, act))),
    h("h4", { class: "minor-title" }, "Player"),
    h("div", { class: "button-row" }, button("Freeze the player", () => void act("player.freeze"), "snow"), button("Kill the player", () => void act("player.kill"), "cross")),
    h("h4", { class: "minor-title" }, "Clock ", h("span", { class: "muted" }, offsetMs === 0 ? "correct" : `${duration(offsetMs)} ${offsetMs > 0 ? "ahead" : "behind"}`)),
    h("div", { class: "button-row" },
      STEPS.map(([label, byMs]) => button(label, () => void act("clock.step", { byMs }), undefined, `Step the clock ${label}`)),
      button("Correct", () => (offsetMs === 0 ? undefined : void act("clock.step", { byMs: -offsetMs }))),
    ),
    h("h4", { class: "minor-title" }, "Power ", h("span", { class: "muted" }, boots === undefined ? "" : `${boots} ${boots === 1 ? "boot" : "boots"}`)),
    h("div", { class: "button-row" }, h("button", { class: "button button-danger", type: "button", onClick: pull }, icon("plug"), "Pull the plug")),
  );
}

function faultSwitch(fault: Fault, world: LabWorld, act: Act): View {
  const now = fault.isBad(world);
  const isBad = now === true;
  return h(
    "button",
    { class: "switch", type: "button", role: "switch", "aria-checked": isBad ? "true" : "false", onClick: () => void act(isBad ? fault.off : fault.on) },
    icon(fault.name),
    h("span", { class: "switch-label" }, fault.label),
    h("span", { class: "switch-state" }, now === undefined ? "not known" : isBad ? fault.bad(world) : fault.good),
    h("span", { class: "switch-track", "aria-hidden": "true" }),
  );
}
