import { isJsonObject, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { CommandInfo, CommandView, DeviceDetail } from "../../model/api-types.ts";
import { fitOf } from "../../model/command-fit.ts";
import { duration } from "../../model/format.ts";
import { fieldsOf } from "../../model/schema-form.ts";
import { confirmFirst } from "../../ui/dialog.dom.ts";
import { h } from "../../ui/dom.dom.ts";
import { fieldControl, readAll } from "../../ui/field.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, pathOf } from "./context.dom.ts";

/** After these nobody at a desk can undo what happened: one more question. */
const ASK_FIRST: ReadonlySet<string> = new Set(["shutdown", "reboot"]);

/** A form made from the command's schema; what the wall will do and how long it takes stand above the button. */
export function commandForm(context: DeviceContext, command: CommandInfo, device: DeviceDetail): HTMLElement {
  const { store, announcer } = context;
  const fit = fitOf(command, device);
  const choices = device.profile?.choices[command.name];
  const controls = fieldsOf(command.params, isJsonObject(choices) ? choices : {}).map((field) => [field, fieldControl(field)] as const);
  const error = h("p", { class: "form-error", role: "alert" });
  const absent = fit.kind === "absent";
  const send = h("button", { class: "button button-primary", type: "submit", disabled: absent, "data-key": "send-command" }, icon("send"), fit.kind === "queued" ? "Queue it" : "Send");

  const post = async (params: JsonObject): Promise<void> => {
    send.disabled = true;
    announcer.say(`Sending ${command.name}…`);
    const answer = await store.api.post<{ command: CommandView }>(pathOf(context, "/commands"), { name: command.name, params });
    send.disabled = absent;
    if (!answer.ok) {
      error.textContent = `${answer.error.message}${answer.error.hint === undefined ? "" : ` — ${answer.error.hint}`} (${answer.error.code})`;
      return;
    }
    store.takeCommand(answer.value.command);
  };
  const submit = (): void => {
    const params = readAll(controls);
    error.textContent = params.ok ? "" : params.error.message;
    if (!params.ok) return;
    if (ASK_FIRST.has(command.name)) confirmFirst(`Send ${command.name}?`, `${command.summary} ${command.wall}`, "Send it", () => void post(params.value));
    else void post(params.value);
  };
  return h(
    "form",
    {
      class: "command-form stack",
      novalidate: true,
      "aria-label": command.name,
      on: {
        submit: (event) => {
          event.preventDefault();
          if (!absent) submit();
        },
      },
    },
    h("div", {}, h("h3", { class: "command-name" }, command.name), h("p", {}, command.summary)),
    ...controls.map(([, control]) => control.root),
    h("dl", { class: "foresight" },
      h("dt", {}, "On the wall"), h("dd", {}, command.wall),
      h("dt", {}, "Usually takes"), h("dd", {}, `${duration(command.expectedMs)}; given up after ${duration(command.timeoutMs)}`),
      h("dt", {}, "Succeeded means"), h("dd", {}, command.proof),
      h("dt", {}, "Waits for an offline device"), h("dd", {}, `up to ${duration(command.ttlMs)}`),
    ),
    fit.kind === "ready" ? null : h("p", { class: absent ? "form-note form-note-bad" : "form-note" }, icon(absent ? "ban" : "clock"), h("span", {}, fit.why)),
    error,
    h("div", { class: "form-actions" }, send),
  );
}
