import { h } from "preact";
import { useState } from "preact/hooks";
import type { JsonObject } from "../../../../../platform/runtime/json.ts";
import type { CommandInfo, CommandView, DeviceDetail } from "../../model/api-types.ts";
import { choicesOf, fitOf } from "../../model/command-fit.ts";
import { duration } from "../../model/format.ts";
import { fieldsOf } from "../../model/schema-form.ts";
import { confirmFirst } from "../../ui/dialog.dom.ts";
import { fieldControls, readAll, useReaders } from "../../ui/field.dom.ts";
import type { View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { pathOf, type SectionProps } from "./context.dom.ts";

/** Commands that cannot be undone remotely and need confirmation. */
const ASK_FIRST: ReadonlySet<string> = new Set(["shutdown", "reboot"]);

export interface CommandFormProps extends SectionProps {
  readonly command: CommandInfo;
  readonly device: DeviceDetail;
}

/** A form generated from the command's schema. Shows the effect and the expected time before sending. */
export function CommandForm({ context, command, device }: CommandFormProps): View {
  const { store, announcer } = context;
  const [error, setError] = useState("");
  const [sending, setSending] = useState(false);
  const readers = useReaders();
  const fit = fitOf(command, device);
  const fields = fieldsOf(command.params, choicesOf(command, device));
  const absent = fit.kind === "absent";

  const post = async (params: JsonObject): Promise<void> => {
    setSending(true);
    announcer.say(`Sending ${command.name}…`);
    const answer = await store.api.post<{ command: CommandView }>(pathOf(context, "/commands"), { name: command.name, params });
    setSending(false);
    if (answer.ok) store.takeCommand(answer.value.command);
    else setError(`${answer.error.message}${answer.error.hint === undefined ? "" : ` — ${answer.error.hint}`} (${answer.error.code})`);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (absent) return;
    const params = readAll(fields, readers);
    setError(params.ok ? "" : params.error.message);
    if (!params.ok) return;
    if (ASK_FIRST.has(command.name)) confirmFirst(`Send ${command.name}?`, `${command.summary} ${command.wall}`, "Send it", () => void post(params.value));
    else void post(params.value);
  };
  return h(
    "form",
    { class: "command-form stack", noValidate: true, "aria-label": command.name, onSubmit: submit },
    h("div", {}, h("h3", { class: "command-name" }, command.name), h("p", {}, command.summary)),
    fieldControls(fields, readers),
    h("dl", { class: "foresight" },
      h("dt", {}, "On the wall"), h("dd", {}, command.wall),
      h("dt", {}, "Usually takes"), h("dd", {}, `${duration(command.expectedMs)}; times out after ${duration(command.timeoutMs)}`),
      h("dt", {}, "Success means"), h("dd", {}, command.proof),
      h("dt", {}, "Waits for an offline device"), h("dd", {}, `up to ${duration(command.ttlMs)}`),
    ),
    fit.kind === "ready" ? null : h("p", { class: absent ? "form-note form-note-bad" : "form-note" }, icon(absent ? "ban" : "clock"), h("span", {}, fit.why)),
    h("p", { class: "form-error", role: "alert" }, error),
    h("div", { class: "form-actions" }, h("button", { class: "button button-primary", type: "submit", disabled: absent || sending }, icon("send"), fit.kind === "queued" ? "Queue it" : "Send")),
  );
}
