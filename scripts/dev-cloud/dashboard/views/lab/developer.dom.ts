import { h, type TargetedEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isJsonObject, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { MisbehaviourInfo } from "../../model/api-types.ts";
import { titled } from "../../model/format.ts";
import { fieldOf } from "../../model/schema-form.ts";
import { FieldControl, useReaders } from "../../ui/field.dom.ts";
import { useChanges, useFreshId, useSignal, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { pathOf, type SectionProps } from "../device/context.dom.ts";

const MISDEEDS = [
  "nonsense-frame", "unknown-type", "oversized-frame", "binary-frame", "unsigned-command", "wrong-key-command", "tampered-command", "replayed-command",
  "old-number-command", "expired-command", "other-device-command", "unknown-command", "desired-invalid", "desired-older",
] as const;

/** Switches for misbehaviour of the cloud towards this device, for tests of an agent. Collapsed by default. */
export function Developer({ context }: SectionProps): View {
  const { store, announcer, id } = context;
  const signal = useSignal();
  const [isOpen, setOpen] = useState(false);
  const [available, setAvailable] = useState<readonly MisbehaviourInfo[]>();
  const [active, setActive] = useState<JsonObject>({});

  const put = async (wanted: JsonObject): Promise<void> => {
    const answer = await store.api.put<{ active: JsonObject }>(pathOf(context, "/misbehaviours"), { active: wanted });
    if (answer.ok) setActive(answer.value.active);
    else announcer.issue("Not switched", answer.error);
  };
  const misdo = async (deed: string): Promise<void> => {
    const answer = await store.api.post(pathOf(context, "/misbehave"), { do: deed });
    if (answer.ok) announcer.say(`Done once: ${deed}.`);
    else announcer.issue("Not done", answer.error);
  };
  const load = async (): Promise<void> => {
    const answer = await store.api.get<{ available: readonly MisbehaviourInfo[]; active: JsonObject }>(pathOf(context, "/misbehaviours"), signal);
    if (signal.aborted || !answer.ok) return;
    setAvailable(answer.value.available);
    setActive(answer.value.active);
  };
  useEffect(() => {
    if (isOpen) void load();
  }, [isOpen]);
  useChanges(store, (change) => {
    if (change.t === "misbehaviours" && change.id === id) setActive(change.active);
  });
  return h(
    "details",
    { class: "box developer", onToggle: ({ currentTarget }: TargetedEvent<HTMLDetailsElement>) => setOpen(currentTarget.open) },
    h("summary", {}, h("strong", {}, "Developer: a cloud that misbehaves"), h("span", { class: "muted" }, " for tests of the agent; all off by default")),
    h("div", { class: "stack" }, available === undefined
      ? null
      : [
          h("div", { class: "switch-list" }, available.map((info) => h(MisbehaviourSwitch, { key: info.name, info, active, put: (wanted) => void put(wanted) }))),
          h(MisdeedForm, { misdo: (deed) => void misdo(deed) }),
        ]),
  );
}

interface SwitchProps {
  readonly info: MisbehaviourInfo;
  readonly active: JsonObject;
  readonly put: (active: JsonObject) => void;
}

function MisbehaviourSwitch({ info, active, put }: SwitchProps): View {
  const { name, summary, params } = info;
  const readers = useReaders();
  const [error, setError] = useState("");
  const isOn = name in active;
  const field = isJsonObject(params) ? fieldOf(name, params, true) : undefined;
  const asks = field !== undefined && field.kind !== "boolean";
  const toggle = (): void => {
    const { [name]: _gone, ...rest } = active;
    const value = isOn || !asks ? undefined : readers.get(name)?.();
    setError(value === undefined || value.ok ? "" : value.error.message);
    if (value !== undefined && !value.ok) return;
    put(isOn ? rest : { ...rest, [name]: value?.value ?? true });
  };
  return h(
    "div",
    { class: "misbehaviour" },
    h("button", { class: "switch", type: "button", role: "switch", "aria-checked": isOn ? "true" : "false", onClick: toggle }, icon("alert"), h("span", { class: "switch-label" }, titled(name)), h("span", { class: "switch-state" }, summary), h("span", { class: "switch-track", "aria-hidden": "true" })),
    asks && !isOn ? h(FieldControl, { field, readers, start: active[name] }) : null,
    h("p", { class: "form-error", role: "alert" }, error),
  );
}

function MisdeedForm({ misdo }: { readonly misdo: (deed: string) => void }): View {
  const id = useFreshId("deed");
  const [deed, choose] = useState<string>(MISDEEDS[0]);
  return h(
    "div",
    { class: "field" },
    h("label", { class: "field-label", for: id }, "Do one thing wrong, once"),
    h(
      "div",
      { class: "input-row" },
      h("select", { class: "input", id, onChange: ({ currentTarget }: TargetedEvent<HTMLSelectElement>) => choose(currentTarget.value) }, MISDEEDS.map((known) => h("option", { value: known, selected: known === deed }, known))),
      h("button", { class: "button", type: "button", onClick: () => misdo(deed) }, "Do it"),
    ),
  );
}
