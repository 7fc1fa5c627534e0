import type { DeviceSummary } from "../model/api-types.ts";
import type { Announcer } from "../ui/announce.dom.ts";
import { openDialog } from "../ui/dialog.dom.ts";
import { freshId, h } from "../ui/dom.dom.ts";
import type { Store } from "../data/store.dom.ts";

/** Claims the device whose screen shows the code. `code` fills it in when the cloud knows it. */
export function openClaimDialog(store: Store, announcer: Announcer, code = ""): void {
  const [codeId, nameId, errorId] = [freshId("code"), freshId("name"), freshId("error")];
  const codeBox = h("input", {
    class: "input input-code", id: codeId, name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 16,
    required: true, "data-first": code === "", "aria-describedby": errorId,
  });
  codeBox.value = code;
  const nameBox = h("input", { class: "input", id: nameId, name: "name", autocomplete: "off", maxlength: 64, placeholder: "Lobby left", "data-first": code !== "" });
  const error = h("p", { class: "form-error", id: errorId, role: "alert" });
  const submit = h("button", { class: "button button-primary", type: "submit" }, "Claim");
  const claim = async (): Promise<void> => {
    const name = nameBox.value.trim();
    submit.disabled = true;
    const answer = await store.api.post<{ device: DeviceSummary }>("/claim", { code: codeBox.value.trim(), ...(name === "" ? {} : { name }) });
    submit.disabled = false;
    if (!answer.ok) {
      error.textContent = `${answer.error.message}${answer.error.hint === undefined ? "" : ` — ${answer.error.hint}`}`;
      codeBox.setAttribute("aria-invalid", "true");
      codeBox.focus();
      codeBox.select();
      return;
    }
    store.takeDevice(answer.value.device);
    dialog.close();
    announcer.say(`${answer.value.device.name} is yours now.`, "good");
  };
  const form = h(
    "form",
    {
      class: "stack",
      novalidate: true,
      on: {
        submit: (event) => {
          event.preventDefault();
          void claim();
        },
      },
    },
    h("p", { class: "muted" }, "An unclaimed device shows a code on its screen. Whoever enters it here becomes its owner."),
    h("div", { class: "field" }, h("label", { class: "field-label", for: codeId }, "Pairing code"), codeBox),
    h("div", { class: "field" }, h("label", { class: "field-label", for: nameId }, "Name ", h("span", { class: "field-optional" }, "optional")), nameBox),
    error,
    h("div", { class: "dialog-actions" }, h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Cancel"), submit),
  );
  const dialog = openDialog("Claim a device", [form]);
}
