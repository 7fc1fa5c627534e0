import { h } from "preact";
import { useRef, useState } from "preact/hooks";
import type { DeviceSummary } from "../model/api-types.ts";
import type { Announcer } from "../ui/announce.dom.ts";
import { openDialog } from "../ui/dialog.dom.ts";
import { useFreshId, type View } from "../ui/hooks.dom.ts";
import type { Store } from "../data/store.dom.ts";

/** Opens the dialog that claims a device. `code`: prefilled pairing code. */
export function openClaimDialog(store: Store, announcer: Announcer, code = ""): void {
  openDialog("Claim a device", (close) => h(Claim, { store, announcer, code, close }));
}

interface ClaimProps {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly code: string;
  readonly close: () => void;
}

function Claim({ store, announcer, code, close }: ClaimProps): View {
  const [codeId, nameId, errorId] = [useFreshId("code"), useFreshId("name"), useFreshId("error")];
  const codeBox = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(code);
  const [name, setName] = useState("");
  const [error, setError] = useState("");
  const [asking, setAsking] = useState(false);
  const claim = async (event: Event): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    const answer = await store.api.post<{ device: DeviceSummary }>("/claim", { code: typed.trim(), ...(name.trim() === "" ? {} : { name: name.trim() }) });
    setAsking(false);
    if (!answer.ok) {
      setError(`${answer.error.message}${answer.error.hint === undefined ? "" : ` — ${answer.error.hint}`}`);
      codeBox.current?.focus();
      codeBox.current?.select();
      return;
    }
    store.takeDevice(answer.value.device);
    close();
    announcer.say(`${answer.value.device.name} is yours now.`, "good");
  };
  return h(
    "form",
    { class: "stack", noValidate: true, onSubmit: (event: Event) => void claim(event) },
    h("p", { class: "muted" }, "An unclaimed device shows a code on its screen. Whoever enters it here becomes its owner."),
    h("div", { class: "field" }, h("label", { class: "field-label", for: codeId }, "Pairing code"), h("input", {
      class: "input input-code", id: codeId, name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: false, maxLength: 16, required: true, ref: codeBox,
      ...(code === "" && { "data-first": true }), ...(error !== "" && { "aria-invalid": "true" as const }), "aria-describedby": errorId, value: typed, onInput: ({ currentTarget }) => setTyped(currentTarget.value),
    })),
    h("div", { class: "field" }, h("label", { class: "field-label", for: nameId }, "Name ", h("span", { class: "field-optional" }, "optional")), h("input", {
      class: "input", id: nameId, name: "name", autocomplete: "off", maxLength: 64, placeholder: "Lobby left", ...(code !== "" && { "data-first": true }), value: name, onInput: ({ currentTarget }) => setName(currentTarget.value),
    })),
    h("p", { class: "form-error", id: errorId, role: "alert" }, error),
    h("div", { class: "dialog-actions" }, h("button", { class: "button", type: "button", onClick: close }, "Cancel"), h("button", { class: "button button-primary", type: "submit", disabled: asking }, "Claim")),
  );
}
