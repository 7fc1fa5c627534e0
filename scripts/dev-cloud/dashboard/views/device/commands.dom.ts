import { h } from "preact";
import { useState } from "preact/hooks";
import type { CommandInfo } from "../../model/api-types.ts";
import { fitOf } from "../../model/command-fit.ts";
import { titled } from "../../model/format.ts";
import type { View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { CommandForm } from "./command-form.dom.ts";
import { CommandHistory } from "./command-history.dom.ts";
import { detailOf, type SectionProps, useDevice } from "./context.dom.ts";

/** Last selected command, shared by all devices. */
let lastChosen = "screenshot";

/** The command catalog with a form, and the history of sent commands. */
export function Commands({ context }: SectionProps): View {
  const { store } = context;
  const [chosen, choose] = useState(lastChosen);
  lastChosen = chosen;
  useDevice(context);
  const device = detailOf(context);
  const command = store.catalog.find((candidate) => candidate.name === chosen) ?? store.catalog[0];
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Send a command"), h("p", { class: "muted" }, "Signed with the owner’s key; each runs once and has one outcome.")),
    h(
      "div",
      { class: "box command-box" },
      h("nav", { class: "command-list", "aria-label": "Commands" }, byLane(store.catalog).map(([lane, commands]) =>
        h("div", { class: "command-lane" }, h("h3", { class: "minor-title" }, titled(lane)), h("ul", {}, commands.map((known) => item(known, known.name === chosen, fitOf(known, device).kind === "absent", choose)))))),
      // The form depends on the profile, so another profile gets a new form.
      h("div", { class: "command-place" }, command === undefined || device === undefined ? null : h(CommandForm, { key: `${command.name} ${device.profile?.hash ?? ""}`, context, command, device })),
    ),
    h("div", { class: "section-head" }, h("h2", {}, "History")),
    h(CommandHistory, { context }),
  );
}

function item(command: CommandInfo, isChosen: boolean, absent: boolean, choose: (name: string) => void): View {
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: absent ? "command-item is-absent" : "command-item", type: "button",
        "aria-pressed": isChosen ? "true" : "false", title: absent ? "Not possible on this device" : command.summary,
        onClick: () => choose(command.name),
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

/** Lanes shown under another lane's heading, although they run separately. */
const LANE_GROUPS: ReadonlyMap<string, string> = new Map([
  ["capture", "player"],
  ["cec", "display"],
]);
