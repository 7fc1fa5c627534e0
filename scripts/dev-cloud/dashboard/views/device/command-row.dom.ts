import { h, type ComponentChildren, type TargetedEvent } from "preact";
import { useState } from "preact/hooks";
import { isJsonObject } from "../../../../../platform/runtime/json.ts";
import type { CommandStage, CommandView } from "../../model/api-types.ts";
import { age, brief, duration } from "../../model/format.ts";
import { tell } from "../../model/reading-text.ts";
import { commandPill, pill } from "../../ui/badges.dom.ts";
import { Ticking, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, pathOf, type SectionProps } from "./context.dom.ts";

export interface CommandRowProps extends SectionProps {
  readonly command: CommandView;
  /** Whether the row starts expanded. */
  readonly open: boolean;
}

/** One command: its state in one line; expanded, its stages, effect and result. */
export function CommandRow({ context, command, open }: CommandRowProps): View {
  const [isOpen, setOpen] = useState(open);
  return h(
    "li",
    {},
    h(
      "details",
      { class: "command-row", open: isOpen, onToggle: ({ currentTarget }: TargetedEvent<HTMLDetailsElement>) => setOpen(currentTarget.open) },
      h("summary", { class: "command-head" }, headLine(context, command)),
      h("div", { class: "command-body" }, isOpen ? bodyParts(context, command) : null),
    ),
  );
}

/** Whether `next` is at least as recent as `shown`: an API answer may arrive after later events. */
export function isNewer(next: CommandView, shown: CommandView): boolean {
  if (next.attempt !== shown.attempt) return next.attempt > shown.attempt;
  return next.stages.length >= shown.stages.length && (next.final || !shown.final);
}

function headLine({ store }: DeviceContext, command: CommandView): ComponentChildren[] {
  const params = Object.entries(command.params).map(([key, value]) => `${key} ${brief(value, 40)}`).join(", ");
  return [
    icon("back", "turn"),
    h("span", { class: "command-title" }, h("strong", {}, command.name), params === "" ? null : h("span", { class: "muted clip" }, params)),
    command.attempts > 1 ? h("span", { class: "muted nowrap" }, `attempt ${command.attempt}`) : null,
    !command.final && command.cancelRequestedMs !== null ? pill("warn", "cancel requested") : null,
    commandPill(command.state),
    h(Ticking, { class: "muted nowrap command-age", text: () => age(Math.max(0, store.nowMs() - command.issuedMs)) }),
  ];
}

function bodyParts(context: DeviceContext, command: CommandView): ComponentChildren[] {
  const { progress, error } = command;
  return [
    timeline(context, command),
    progress === null || command.final ? null : h("p", { class: "progress-line" }, progress.percent === null ? null : h("progress", { max: 100, value: progress.percent, "aria-label": "Progress" }), h("span", {}, progress.step ?? "in progress")),
    error === null ? null : h("div", { class: "issue" }, icon("alert"), h("div", {}, h("p", {}, error.message), error.hint === undefined ? null : h("p", {}, error.hint), h("p", { class: "muted" }, h("code", {}, error.code)))),
    effectTable(command),
    Object.keys(command.params).length === 0 ? null : h("details", {}, h("summary", {}, "Arguments"), h("pre", { class: "raw raw-small", tabIndex: 0, "aria-label": "Arguments" }, JSON.stringify(command.params, undefined, 2))),
    command.result === null ? null : h("details", { open: true }, h("summary", {}, "Result"), h("pre", { class: "raw raw-small", tabIndex: 0, "aria-label": "Result" }, JSON.stringify(command.result, undefined, 2))),
    command.notes.length === 0 ? null : h("ul", { class: "plain-list muted" }, ...command.notes.map((note) => h("li", {}, `${new Date(note.atMs).toLocaleTimeString()}: ${note.text}`))),
    command.uploads.length === 0 ? null : h("ul", { class: "plain-list" }, ...command.uploads.map((upload) => h("li", {}, h("a", { href: `/api/v1/uploads/${encodeURIComponent(upload)}/file`, target: "_blank", rel: "noopener" }, icon("file"), "Open the uploaded file")))),
    actions(context, command),
    h("p", { class: "muted small" }, "Id ", h("code", {}, command.id), ` · expires ${new Date(command.notAfterMs).toLocaleTimeString()}`, command.durationMs === null ? "" : ` · the effect took ${duration(command.durationMs)}`),
  ];
}

/** Stages in order with the time between them. */
function timeline({ store }: DeviceContext, command: CommandView): View {
  const stages = command.stages.map((stage, index) => stageItem(stage, command.stages[index - 1]));
  const last = command.stages.at(-1);
  const waiting =
    command.final || last === undefined
      ? null
      : h("li", { class: "stage is-waiting" }, h("span", { class: "stage-dot" }), h("span", { class: "stage-name" }, waitingFor(command)), h(Ticking, { class: "stage-time", text: () => duration(Math.max(0, Math.floor((store.nowMs() - last.atMs) / 1_000) * 1_000)) }));
  return h("ol", { class: "timeline", "aria-label": "Stages" }, ...stages, waiting);
}

function stageItem(stage: CommandStage, before: CommandStage | undefined): View {
  const at = new Date(stage.atMs);
  const time = `${at.toLocaleTimeString()}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return h(
    "li",
    { class: `stage stage-${stage.state}`, title: `reported by the ${stage.by}` },
    h("span", { class: "stage-dot" }),
    h("span", { class: "stage-name" }, stage.state),
    h("span", { class: "stage-time" }, time),
    h("span", { class: "stage-gap" }, before === undefined ? "" : `+${duration(Math.max(0, stage.atMs - before.atMs))}`),
  );
}

function waitingFor(command: CommandView): string {
  switch (command.state) {
    case "queued":
      return "waiting for the device";
    case "sent":
      return "waiting for acknowledgement";
    case "delivered":
      return "waiting for its turn";
    default:
      return "in progress";
  }
}

function effectTable({ effect, state }: CommandView): ComponentChildren {
  if (!isJsonObject(effect)) return null;
  const attempted = effect["attempted"] === true;
  const acknowledged = effect["acknowledged"];
  const observed = tell(effect["observed"] ?? null);
  const seen = isJsonObject(effect["observed"]) && observed.kind === "ok";
  return h(
    "dl",
    { class: "effect", "aria-label": "Effect" },
    h("div", { class: attempted ? "tone-good" : "tone-bad" }, h("dt", {}, "Attempted"), h("dd", {}, icon(attempted ? "check" : "cross"), attempted ? "yes" : "no")),
    h(
      "div",
      { class: acknowledged === true ? "tone-good" : acknowledged === false ? "tone-bad" : "tone-unknown" },
      h("dt", {}, "Acknowledged"),
      h("dd", {}, icon(acknowledged === true ? "check" : acknowledged === false ? "cross" : "question"), acknowledged === true ? "yes" : acknowledged === false ? "no" : "not available"),
    ),
    h("div", { class: !seen ? "tone-unknown" : state === "succeeded" ? "tone-good" : "tone-warn" }, h("dt", {}, "Observed"), h("dd", {}, icon(!seen ? "question" : state === "succeeded" ? "check" : "alert"), observed.kind === "ok" ? observed.text : `${observed.kind}: ${observed.text}`)),
  );
}

function actions(context: DeviceContext, command: CommandView): ComponentChildren {
  const { store, announcer } = context;
  const post = async (what: "cancel" | "retry"): Promise<void> => {
    const answer = await store.api.post<{ command: CommandView }>(pathOf(context, `/commands/${encodeURIComponent(command.id)}/${what}`));
    if (answer.ok) store.takeCommand(answer.value.command);
    else announcer.issue(`Could not ${what}`, answer.error);
  };
  if (command.final) return h("div", { class: "form-actions" }, h("button", { class: "button", type: "button", onClick: () => void post("retry") }, icon("retry"), "Send it again"));
  const asked = command.cancelRequestedMs !== null;
  return h("div", { class: "form-actions" }, h("button", { class: "button", type: "button", disabled: asked, onClick: () => void post("cancel") }, icon("stop"), asked ? "Cancel requested" : "Cancel"));
}
