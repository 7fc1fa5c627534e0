import type { DeviceSummary } from "../../model/api-types.ts";
import { confirmFirst, openDialog } from "../../ui/dialog.dom.ts";
import { freshId, h } from "../../ui/dom.dom.ts";
import { type DeviceContext, pathOf, summaryOf } from "./context.dom.ts";

/** Rename, release, forget, and what else is done to a device as a whole. */
export function openManageMenu(context: DeviceContext): void {
  const { store, announcer } = context;
  const device = summaryOf(context);
  if (device === undefined) return;
  const nameId = freshId("name");
  const box = h("input", { class: "input", id: nameId, maxlength: 64, autocomplete: "off", "data-first": true });
  box.value = device.name;

  const rename = async (): Promise<void> => {
    const answer = await store.api.patch<{ device: DeviceSummary }>(pathOf(context), { name: box.value.trim() });
    if (!answer.ok) {
      announcer.issue("Not renamed", answer.error);
      return;
    }
    store.takeDevice(answer.value.device);
    dialog.close();
    announcer.say(`It is called ${answer.value.device.name} now.`, "good");
  };
  const post = async (what: string, path: string, done: string): Promise<void> => {
    const answer = await store.api.post<{ device?: DeviceSummary }>(pathOf(context, path));
    if (!answer.ok) announcer.issue(what, answer.error);
    else announcer.say(done, "good");
  };
  const forget = async (): Promise<void> => {
    const answer = await store.api.remove(pathOf(context));
    if (!answer.ok) {
      announcer.issue("Not forgotten", answer.error);
      return;
    }
    announcer.say(`${device.name} and all that was stored of it are forgotten.`, "good");
    location.hash = "#/";
  };
  const online = device.link.state === "online";
  const dialog = openDialog("Manage this device", [
    h(
      "form",
      {
        class: "stack",
        on: {
          submit: (event) => {
            event.preventDefault();
            void rename();
          },
        },
      },
      h("div", { class: "field" }, h("label", { class: "field-label", for: nameId }, "Name"), h("div", { class: "input-row" }, box, h("button", { class: "button button-primary", type: "submit" }, "Rename"))),
    ),
    h(
      "div",
      { class: "manage-rows" },
      row("Ask for its state again", "The device sends its profile and its whole reported state.", "Ask", false, () => void ask()),
      row("Cut the connection", "Without a word, as a broken network would. It comes back by itself.", "Cut", !online, () => void post("Not cut", "/disconnect", "The connection was cut.")),
      row("Release", online ? "It belongs to nobody and shows a pairing code again." : "It must be online for this.", "Release…", !online || !device.claimed, () =>
        confirmFirst("Release this device?", `${device.name} will belong to nobody and show a pairing code. Its content stays until somebody claims it.`, "Release", () => {
          dialog.close();
          void post("Not released", "/release", "It belongs to nobody now.");
        }),
      ),
      row("Forget", online ? "Only a device that is offline can be forgotten." : "Deletes everything stored of it.", "Forget…", online, () =>
        confirmFirst("Forget this device?", `Everything stored of ${device.name} is deleted: state, commands, records, files.`, "Forget", () => {
          dialog.close();
          void forget();
        }),
      ),
    ),
  ]);

  async function ask(): Promise<void> {
    const answer = await store.api.post(pathOf(context, "/fetch"), { wants: ["profile", "reported"] });
    if (!answer.ok) announcer.issue("Not asked", answer.error);
    else announcer.say("Asked. What it sends appears by itself.", "good");
  }
}

function row(title: string, help: string, action: string, disabled: boolean, act: () => void): HTMLElement {
  return h(
    "div",
    { class: "manage-row" },
    h("div", {}, h("p", {}, h("strong", {}, title)), h("p", { class: "muted" }, help)),
    h("button", { class: "button", type: "button", disabled, on: { click: act } }, action),
  );
}
