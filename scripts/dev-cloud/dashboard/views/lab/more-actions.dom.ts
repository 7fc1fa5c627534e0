import { h } from "preact";
import { useState } from "preact/hooks";
import { isJsonObject } from "../../../../../platform/runtime/json.ts";
import { titled } from "../../model/format.ts";
import { fieldOf, fieldsOf } from "../../model/schema-form.ts";
import type { LabAction } from "../../model/simulated-world.ts";
import { fieldControls, readAll, useReaders } from "../../ui/field.dom.ts";
import type { View } from "../../ui/hooks.dom.ts";
import type { Act } from "./lab-part.dom.ts";

/** Actions with their own control; all others get a form. */
const DRAWN: ReadonlySet<string> = new Set([
  "display.mood", "hdmi.pull", "hdmi.plug", "gpio.press", "gpio.external", "temperature.cool", "disk.fill", "disk.free", "network.cut", "network.restore",
  "player.freeze", "player.kill", "power.cut",
]);

export function MoreActions({ actions, act }: { readonly actions: readonly LabAction[]; readonly act: Act }): View | null {
  const rest = actions.filter((action) => !DRAWN.has(action.name));
  if (rest.length === 0) return null;
  return h(
    "section",
    { class: "box more-box", "aria-label": "More actions" },
    h("h3", { class: "box-title" }, "More actions"),
    h("div", { class: "more-list" }, rest.map((action) => h(ActionForm, { key: action.name, action, act }))),
  );
}

function ActionForm({ action, act }: { readonly action: LabAction; readonly act: Act }): View {
  const { params } = action;
  const fields = !isJsonObject(params) ? [fieldOf("params", {}, false)] : isJsonObject(params["properties"]) ? fieldsOf(params) : [];
  const readers = useReaders();
  const [error, setError] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const values = readAll(fields, readers);
    setError(values.ok ? "" : values.error.message);
    if (!values.ok) return;
    const whole = values.value["params"];
    void act(action.name, fields.length === 1 && fields[0]?.kind === "json" && isJsonObject(whole) ? whole : values.value);
  };
  return h(
    "details",
    { class: "more" },
    h("summary", {}, h("strong", {}, action.label), h("span", { class: "muted" }, ` ${titled(action.group)}`)),
    h(
      "form",
      { class: "stack", noValidate: true, onSubmit: submit },
      h("p", { class: "muted" }, action.help),
      fieldControls(fields, readers),
      h("p", { class: "form-error", role: "alert" }, error),
      h("div", { class: "form-actions" }, h("button", { class: "button", type: "submit" }, action.label)),
    ),
  );
}
