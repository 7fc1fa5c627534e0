import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { MisbehaviourInfo } from "../../model/api-types.ts";
import { titled } from "../../model/format.ts";
import { fieldOf } from "../../model/schema-form.ts";
import { freshId, h, refill } from "../../ui/dom.dom.ts";
import { fieldControl } from "../../ui/field.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, pathOf } from "../device/context.dom.ts";

const MISDEEDS = [
  "nonsense-frame", "unknown-type", "oversized-frame", "binary-frame", "unsigned-command", "wrong-key-command", "tampered-command", "replayed-command",
  "old-number-command", "expired-command", "other-device-command", "unknown-command", "desired-invalid", "desired-older",
] as const;

/** How the cloud mistreats this device, for whoever tests an agent. Folded away: nobody needs it by accident. */
export function developerSection(context: DeviceContext): HTMLElement {
  const { store, announcer, signal, id } = context;
  const body = h("div", { class: "stack" });
  const details = h("details", { class: "box developer" }, h("summary", {}, h("strong", {}, "Developer: a cloud that misbehaves"), h("span", { class: "muted" }, " for tests of the agent; all off by default")), body);
  let available: readonly MisbehaviourInfo[] = [];

  const show = (active: JsonObject): void => {
    refill(body,
      h("div", { class: "switch-list" }, ...available.map((info) => misbehaviourRow(info, active, (next) => void put(next)))),
      misdeedForm(async (deed) => {
        const answer = await store.api.post(pathOf(context, "/misbehave"), { do: deed });
        if (answer.ok) announcer.say(`Done once: ${deed}.`);
        else announcer.issue("Not done", answer.error);
      }),
    );
  };
  const put = async (active: JsonObject): Promise<void> => {
    const answer = await store.api.put<{ active: JsonObject }>(pathOf(context, "/misbehaviours"), { active });
    if (answer.ok) show(answer.value.active);
    else announcer.issue("Not switched", answer.error);
  };
  const load = async (): Promise<void> => {
    const answer = await store.api.get<{ available: readonly MisbehaviourInfo[]; active: JsonObject }>(pathOf(context, "/misbehaviours"), signal);
    if (signal.aborted || !answer.ok) return;
    ({ available } = answer.value);
    show(answer.value.active);
  };
  details.addEventListener("toggle", () => {
    if (details.open) void load();
  });
  store.on(signal, (change) => {
    if (details.open && change.t === "misbehaviours" && change.id === id) show(change.active);
  });
  return details;
}

function misbehaviourRow(info: MisbehaviourInfo, active: JsonObject, put: (active: JsonObject) => void): HTMLElement {
  const isOn = info.name in active;
  const field = fieldOf(info.name, isJsonObject(info.params) ? info.params : {}, true);
  const control = field.kind === "boolean" || isJsonObject(info.params) === false ? undefined : fieldControl(field, active[info.name]);
  const error = h("p", { class: "form-error", role: "alert" });
  const toggle = (): void => {
    const { [info.name]: _gone, ...rest } = active;
    if (isOn) {
      put(rest);
      return;
    }
    const value = control?.read();
    error.textContent = value === undefined || value.ok ? "" : value.error.message;
    if (value !== undefined && !value.ok) return;
    const wanted: Json = value?.value ?? true;
    put({ ...rest, [info.name]: wanted });
  };
  return h(
    "div",
    { class: "misbehaviour" },
    h("button", { class: "switch", type: "button", role: "switch", "aria-checked": String(isOn), "data-key": `mis-${info.name}`, on: { click: toggle } }, icon("alert"), h("span", { class: "switch-label" }, titled(info.name)), h("span", { class: "switch-state" }, info.summary), h("span", { class: "switch-track", "aria-hidden": "true" })),
    control === undefined || isOn ? null : control.root,
    error,
  );
}

function misdeedForm(act: (deed: string) => Promise<void>): HTMLElement {
  const id = freshId("deed");
  const select = h("select", { class: "input", id, "data-key": "deed" }, ...MISDEEDS.map((deed) => h("option", { value: deed }, deed)));
  return h("div", { class: "field" }, h("label", { class: "field-label", for: id }, "Do one thing wrong, once"), h("div", { class: "input-row" }, select, h("button", { class: "button", type: "button", "data-key": "deed-do", on: { click: () => void act(select.value) } }, "Do it")));
}
