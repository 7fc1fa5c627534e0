import { isJsonObject } from "../../../../../platform/runtime/json.ts";
import { titled } from "../../model/format.ts";
import { fieldOf, fieldsOf } from "../../model/schema-form.ts";
import type { LabAction } from "../../model/simulated-world.ts";
import { h } from "../../ui/dom.dom.ts";
import { fieldControl, readAll } from "../../ui/field.dom.ts";
import type { Act } from "./lab-part.dom.ts";

/** Drawn as a television, a header or a switch; everything else the device lists gets a form. */
const DRAWN: ReadonlySet<string> = new Set([
  "display.mood", "hdmi.pull", "hdmi.plug", "gpio.press", "gpio.external", "temperature.cool", "disk.fill", "disk.free", "network.cut", "network.restore",
  "player.freeze", "player.kill", "power.cut",
]);

export function moreActions(actions: readonly LabAction[], act: Act): HTMLElement {
  const rest = actions.filter((action) => !DRAWN.has(action.name));
  return h(
    "section",
    { class: "box more-box", hidden: rest.length === 0, "aria-label": "More that can be done" },
    h("h3", { class: "box-title" }, "More that can be done"),
    h("div", { class: "more-list" }, ...rest.map((action) => actionForm(action, act))),
  );
}

function actionForm(action: LabAction, act: Act): HTMLElement {
  const fields = isJsonObject(action.params) && isJsonObject(action.params["properties"]) ? fieldsOf(action.params) : isJsonObject(action.params) ? [] : [fieldOf("params", {}, false)];
  const controls = fields.map((field) => [field, fieldControl(field)] as const);
  const error = h("p", { class: "form-error", role: "alert" });
  const submit = (): void => {
    const values = readAll(controls);
    error.textContent = values.ok ? "" : values.error.message;
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
      {
        class: "stack",
        novalidate: true,
        on: {
          submit: (event) => {
            event.preventDefault();
            submit();
          },
        },
      },
      h("p", { class: "muted" }, action.help),
      ...controls.map(([, control]) => control.root),
      error,
      h("div", { class: "form-actions" }, h("button", { class: "button", type: "submit" }, action.label)),
    ),
  );
}
