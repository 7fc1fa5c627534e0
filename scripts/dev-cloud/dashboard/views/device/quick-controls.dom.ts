import { h, type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { COMMANDED_PROPERTIES, PERCENT_PROPERTIES, propertyRow } from "../../../../../platform/ports/display-properties.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { DesiredAnswer } from "../../model/api-types.ts";
import { brief } from "../../model/format.ts";
import { useFreshId, type View } from "../../ui/hooks.dom.ts";
import { icon, type IconName } from "../../ui/icon.dom.ts";
import { detailOf, pathOf, type SectionProps, useDevice } from "./context.dom.ts";
import { ScheduleControl } from "./schedule-control.dom.ts";

/** Controls for the most common keys. Each change is a merge patch against the version shown. */
export function QuickControls({ context }: SectionProps): View {
  const { store, announcer } = context;
  useDevice(context);
  const patch = async (change: JsonObject, what: string): Promise<void> => {
    const ifVersion = detailOf(context)?.desiredDocument?.version ?? 0;
    const answer = await store.api.patch<DesiredAnswer>(pathOf(context, "/desired"), { patch: change, ifVersion });
    if (!answer.ok) {
      if (answer.error.code === "desired.version-conflict") await store.loadDetail(context.id);
      announcer.issue(`${what} was not saved`, answer.error);
      return;
    }
    store.takeDesired(context.id, answer.value);
    announcer.say(`${what}: saved as version ${answer.value.version}.`, "good");
  };
  const detail = detailOf(context);
  const document = detail?.desiredDocument?.document ?? {};
  const capabilities = detail?.profile?.capabilities;
  const display = isJsonObject(document["display"]) ? document["display"] : {};
  const audio = isJsonObject(document["audio"]) ? document["audio"] : {};
  const can = (capability: string): boolean => capabilities === undefined || capabilities.includes(capability);
  return h(
    "section",
    { class: "box", "aria-label": "Common settings" },
    h("h3", { class: "box-title" }, "Common settings"),
    h("div", { class: "quick-grid" }, detail === undefined
      ? null
      : [
          h(ContentControl, { context, content: document["content"], patch }),
          h(PowerControl, { power: display["power"], can: can("display.power"), set: (power) => void patch({ display: { power } }, "Power") }),
          LEVELS.map((name) => {
            const { label } = propertyRow(name);
            return h(PercentControl, { title: label, name: "sun", value: display[name], can: can(`display.${name}`), set: (value) => void patch({ display: { [name]: value } }, label) });
          }),
          h(PercentControl, { title: "Volume", name: "volume", value: audio["volume"], can: can("audio.volume"), set: (value) => void patch({ audio: { volume: value } }, "Volume") }),
          h(ScheduleControl, { schedule: document["schedule"], set: (schedule) => void patch({ schedule }, "Schedule") }),
        ]),
  );
}

/** Display levels that have their own capability. */
const LEVELS = COMMANDED_PROPERTIES.filter((name) => PERCENT_PROPERTIES.includes(name));

type Patch = (change: JsonObject, what: string) => Promise<void>;

function quick(title: string, name: IconName, ...children: readonly ComponentChildren[]): View {
  return h("div", { class: "quick" }, h("h4", { class: "quick-title" }, icon(name), title), ...children);
}

interface ContentProps extends SectionProps {
  readonly content: Json | undefined;
  readonly patch: Patch;
}

function ContentControl({ context: { store }, content, patch }: ContentProps): View {
  const id = useFreshId("url");
  const box = useRef<HTMLInputElement>(null);
  const sample = store.info?.sample ?? null;
  const now = isJsonObject(content) ? content : undefined;
  const url = now?.["kind"] === "url" ? brief(now["url"], 2048) : "";
  // Typed text stays until the content changes.
  useEffect(() => {
    if (box.current !== null) box.current.value = url;
  }, [url]);
  // A merge patch keeps keys it does not name, so keys of the old content are removed explicitly.
  const replace = (next: JsonObject): void => {
    const gone = Object.fromEntries(Object.keys(now ?? {}).map((key) => [key, null]));
    void patch({ content: { ...gone, ...next } }, "Content");
  };
  const set = (): void => {
    const typed = box.current?.value.trim() ?? "";
    if (typed !== "") replace({ kind: "url", url: typed });
  };
  return quick(
    "Content",
    "play",
    h("p", { class: "muted clip" }, now === undefined ? "not managed" : `${brief(now["kind"])}: ${brief(now["name"] ?? now["url"], 200)}`),
    h("div", { class: "input-row" }, h("label", { class: "sr-only", for: id }, "URL of the content"), h("input", { class: "input", id, type: "url", placeholder: "https://…", spellcheck: false, ref: box }), h("button", { class: "button", type: "button", onClick: set }, "Set")),
    sample === null
      ? null
      : h(
          "div",
          { class: "button-row" },
          h("button", { class: "button", type: "button", onClick: () => replace({ kind: "url", url: sample.url, name: "Sample player" }) }, "Sample by URL"),
          sample.package === null ? null : h("button", { class: "button", type: "button", onClick: () => replace({ kind: "package", ...sample.package, name: "Sample player" }) }, "Sample as package"),
        ),
  );
}

interface ControlProps<T> {
  readonly can: boolean;
  readonly set: (value: T | null) => void;
}

function PowerControl({ power, can, set }: ControlProps<string> & { readonly power: Json | undefined }): View {
  const name = useFreshId("power");
  const options: readonly (readonly [string | null, string])[] = [["on", "On"], ["standby", "Standby"], ["schedule", "By schedule"], [null, "Unmanaged"]];
  return quick(
    "Screen power",
    "bolt",
    h("div", { class: "segmented", role: "radiogroup", "aria-label": "Screen power" }, options.map(([value, label]) =>
      h("label", {}, h("input", { type: "radio", name, disabled: !can, checked: (power ?? null) === value, onChange: () => set(value) }), h("span", {}, label)))),
    can ? null : h("p", { class: "muted small" }, "This device cannot switch its screen."),
  );
}

function PercentControl({ title, name, value, can, set }: ControlProps<number> & { readonly title: string; readonly name: IconName; readonly value: Json | undefined }): View {
  /** Slider position until the document confirms it. */
  const [held, hold] = useState<number>();
  const managed = typeof value === "number" ? value : undefined;
  useEffect(() => hold(undefined), [managed]);
  const said = held ?? managed;
  return quick(
    title,
    name,
    h(
      "div",
      { class: "number-row" },
      h("input", { type: "range", min: 0, max: 100, step: 1, value: said ?? 50, disabled: !can, "aria-label": title, onInput: ({ currentTarget }) => hold(Number(currentTarget.value)), onChange: ({ currentTarget }) => set(Number(currentTarget.value)) }),
      h("output", { class: "percent-said" }, said === undefined ? "not managed" : `${said} %`),
    ),
    managed === undefined ? null : h("button", { class: "link-button", type: "button", onClick: () => set(null) }, "Stop managing it"),
    can ? null : h("p", { class: "muted small" }, "This device has no such control."),
  );
}
