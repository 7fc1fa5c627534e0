import { h } from "preact";
import { openDialog } from "../ui/dialog.dom.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["?", "This help"],
  ["/", "Find a device (fleet), filter (activity)"],
  ["c", "Claim a device"],
  ["f", "Back to the fleet"],
  ["1 … 7", "Sections of a device's page"],
  ["[ and ]", "Previous and next device"],
  ["Arrow keys", "Move between devices in the fleet, along a chart, between GPIO lines"],
  ["Enter", "Open a device; activate the focused control"],
  ["Esc", "Close a dialog"],
];
const SETTING = "vitrine.single-keys";

/** Single-key shortcuts interfere with speech input, so they can be switched off. */
export function singleKeysOn(): boolean {
  return localStorage.getItem(SETTING) !== "off";
}

export function openHelp(): void {
  openDialog("Keyboard", () => [
    h("dl", { class: "keys" }, KEYS.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
    h("label", { class: "check-line" }, h("input", { type: "checkbox", defaultChecked: singleKeysOn(), onChange: ({ currentTarget }) => localStorage.setItem(SETTING, currentTarget.checked ? "on" : "off") }), h("span", {}, "Single-key shortcuts are on")),
  ]);
}
