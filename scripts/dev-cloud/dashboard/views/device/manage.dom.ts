import { Fragment, h } from "preact";
import { useState } from "preact/hooks";
import type { JsonObject } from "../../../../../platform/runtime/json.ts";
import type { DeviceSummary } from "../../model/api-types.ts";
import { confirmFirst, openDialog } from "../../ui/dialog.dom.ts";
import { useFreshId, type View } from "../../ui/hooks.dom.ts";
import { type DeviceContext, pathOf, type SectionProps, summaryOf } from "./context.dom.ts";

/** Opens the menu of actions on the device itself: rename, release, forget and others. */
export function openManageMenu(context: DeviceContext): void {
  const device = summaryOf(context);
  if (device !== undefined) openDialog("Manage this device", (close) => h(Manage, { context, device, close }));
}

interface ManageProps extends SectionProps {
  readonly device: DeviceSummary;
  readonly close: () => void;
}

function Manage({ context, device, close }: ManageProps): View {
  const { store, announcer } = context;
  const nameId = useFreshId("name");
  const [name, setName] = useState(device.name);
  const rename = async (event: Event): Promise<void> => {
    event.preventDefault();
    const answer = await store.api.patch<{ device: DeviceSummary }>(pathOf(context), { name: name.trim() });
    if (!answer.ok) {
      announcer.issue("Not renamed", answer.error);
      return;
    }
    store.takeDevice(answer.value.device);
    close();
    announcer.say(`Renamed to ${answer.value.device.name}.`, "good");
  };
  const post = async (what: string, path: string, done: string, body?: JsonObject): Promise<void> => {
    const answer = await store.api.post(pathOf(context, path), body);
    if (!answer.ok) announcer.issue(what, answer.error);
    else announcer.say(done, "good");
  };
  const forget = async (): Promise<void> => {
    const answer = await store.api.remove(pathOf(context));
    if (!answer.ok) {
      announcer.issue("Not forgotten", answer.error);
      return;
    }
    announcer.say(`${device.name} and all its data were deleted.`, "good");
    location.hash = "#/";
  };
  const release = (): void => {
    close();
    void post("Not released", "/release", "It is no longer claimed.");
  };
  const online = device.link.state === "online";
  return h(
    Fragment,
    {},
    h(
      "form",
      { class: "stack", onSubmit: (event: Event) => void rename(event) },
      h("div", { class: "field" }, h("label", { class: "field-label", for: nameId }, "Name"),
        h("div", { class: "input-row" }, h("input", { class: "input", id: nameId, maxLength: 64, autocomplete: "off", "data-first": true, value: name, onInput: ({ currentTarget }) => setName(currentTarget.value) }), h("button", { class: "button button-primary", type: "submit" }, "Rename"))),
    ),
    h(
      "div",
      { class: "manage-rows" },
      row("Request its state again", "The device sends its profile and its whole reported state.", "Request", false, () => void post("Not requested", "/fetch", "Requested. The answer appears by itself.", { wants: ["profile", "reported"] })),
      row("Cut the connection", "Without notice, like a broken network. The device reconnects by itself.", "Cut", !online, () => void post("Not cut", "/disconnect", "The connection was cut.")),
      row("Release", online ? "It becomes unclaimed and shows a pairing code again." : "It must be online for this.", "Release…", !online || !device.claimed, () =>
        confirmFirst("Release this device?", `${device.name} will become unclaimed and show a pairing code. Its content stays until it is claimed.`, "Release", release)),
      row("Forget", online ? "Only a device that is offline can be forgotten." : "Deletes all data of the device.", "Forget…", online, () =>
        confirmFirst("Forget this device?", `All data of ${device.name} is deleted: state, commands, records, files.`, "Forget", () => {
          close();
          void forget();
        })),
    ),
  );
}

function row(title: string, help: string, action: string, disabled: boolean, act: () => void): View {
  return h(
    "div",
    { class: "manage-row" },
    h("div", {}, h("p", {}, h("strong", {}, title)), h("p", { class: "muted" }, help)),
    h("button", { class: "button", type: "button", disabled, onClick: act }, action),
  );
}
