import type { CommandInfo } from "../../model/api-types.ts";
import { fitOf } from "../../model/command-fit.ts";
import { titled } from "../../model/format.ts";
import { h, refill } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { commandForm } from "./command-form.dom.ts";
import { commandHistory } from "./command-history.dom.ts";
import { type DeviceContext, detailOf, whenever } from "./context.dom.ts";

/** What was last chosen, over all devices: whoever sends one command often sends it again. */
let lastChosen = "screenshot";

/** The catalog beside a form, and what became of what was sent. */
export function commandsSection(context: DeviceContext): HTMLElement {
  const { store } = context;
  const list = h("nav", { class: "command-list", "aria-label": "Commands" });
  const place = h("div", { class: "command-place" });
  let listed = "";
  let formed = "";

  const choose = (name: string): void => {
    lastChosen = name;
    showForm();
    showList();
  };
  const showForm = (): void => {
    const command = store.catalog.find((candidate) => candidate.name === lastChosen) ?? store.catalog[0];
    const device = detailOf(context);
    if (command === undefined || device === undefined) return;
    // A form somebody is filling in is drawn again only when what it offers has changed.
    const key = JSON.stringify([command.name, device.profile?.hash, fitOf(command, device)]);
    if (key === formed) return;
    formed = key;
    refill(place, commandForm(context, command, device));
  };
  const showList = (): void => {
    const device = detailOf(context);
    const key = JSON.stringify([store.catalog.length, lastChosen, device?.profile?.hash, device?.claimed]);
    if (key === listed) return;
    listed = key;
    refill(list, ...byLane(store.catalog).map(([lane, commands]) =>
      h("div", { class: "command-lane" }, h("h3", { class: "minor-title" }, titled(lane)), h("ul", {}, ...commands.map((command) => item(command, fitOf(command, device).kind === "absent", choose)))),
    ));
  };
  whenever(context, () => {
    showList();
    showForm();
  });
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Send a command"), h("p", { class: "muted" }, "Signed by the owner’s key; done once, answered once.")),
    h("div", { class: "box command-box" }, list, place),
    h("div", { class: "section-head" }, h("h2", {}, "What became of them")),
    commandHistory(context),
  );
}

function item(command: CommandInfo, absent: boolean, choose: (name: string) => void): HTMLElement {
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: absent ? "command-item is-absent" : "command-item", type: "button", "data-key": `command-${command.name}`,
        "aria-pressed": command.name === lastChosen ? "true" : "false", title: absent ? "Not possible on this device" : command.summary,
        on: { click: () => choose(command.name) },
      },
      h("span", {}, command.name),
      absent ? icon("ban") : null,
      absent ? h("span", { class: "sr-only" }, ", not possible here") : null,
    ),
  );
}

function byLane(catalog: readonly CommandInfo[]): [string, CommandInfo[]][] {
  const lanes = new Map<string, CommandInfo[]>();
  for (const command of catalog) {
    const lane = LANE_GROUPS.get(command.lane) ?? command.lane;
    lanes.set(lane, [...(lanes.get(lane) ?? []), command]);
  }
  return [...lanes];
}

/** Lanes that belong together for a person although they run apart. */
const LANE_GROUPS: ReadonlyMap<string, string> = new Map([
  ["capture", "player"],
  ["cec", "display"],
]);
