import { COMMANDED_PROPERTIES, PERCENT_PROPERTIES, propertyRow } from "../../../../../platform/ports/display-properties.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { DesiredAnswer } from "../../model/api-types.ts";
import { brief } from "../../model/format.ts";
import { freshId, h, refill, type Child } from "../../ui/dom.dom.ts";
import { icon, type IconName } from "../../ui/icon.dom.ts";
import { type DeviceContext, detailOf, pathOf, whenever } from "./context.dom.ts";
import { scheduleControl } from "./schedule-control.dom.ts";

/** The keys people change most, without JSON. Each change is one merge patch against the version shown. */
export function quickControls(context: DeviceContext): HTMLElement {
  const { store, announcer } = context;
  const body = h("div", { class: "quick-grid" });

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

  let drawn = "";
  whenever(context, () => {
    const detail = detailOf(context);
    if (detail === undefined) return;
    const document = detail.desiredDocument?.document ?? {};
    const capabilities = detail.profile?.capabilities;
    const key = JSON.stringify([document, capabilities, detail.claimed, store.info?.sample]);
    if (key === drawn) return;
    drawn = key;
    const display = isJsonObject(document["display"]) ? document["display"] : {};
    const audio = isJsonObject(document["audio"]) ? document["audio"] : {};
    const can = (capability: string): boolean => capabilities === undefined || capabilities.includes(capability);
    refill(
      body,
      contentControl(context, document["content"], patch),
      powerControl(display["power"], can("display.power"), (power) => void patch({ display: { power } }, "Power")),
      ...LEVELS.map((name) => {
        const { label } = propertyRow(name);
        return percentControl(label, "sun", display[name], can(`display.${name}`), (value) => void patch({ display: { [name]: value } }, label));
      }),
      percentControl("Volume", "volume", audio["volume"], can("audio.volume"), (value) => void patch({ audio: { volume: value } }, "Volume")),
      scheduleControl(document["schedule"], (schedule) => void patch({ schedule }, "Schedule")),
    );
  });
  return h("section", { class: "box", "aria-label": "Common settings" }, h("h3", { class: "box-title" }, "Common settings"), body);
}

/** Levels of the display that have a capability of their own. */
const LEVELS = COMMANDED_PROPERTIES.filter((name) => PERCENT_PROPERTIES.includes(name));

type Patch = (change: JsonObject, what: string) => Promise<void>;

function quick(title: string, name: IconName, ...children: readonly Child[]): HTMLElement {
  return h("div", { class: "quick" }, h("h4", { class: "quick-title" }, icon(name), title), ...children);
}

function contentControl({ store }: DeviceContext, content: Json | undefined, patch: Patch): HTMLElement {
  const id = freshId("url");
  const sample = store.info?.sample ?? null;
  const box = h("input", { class: "input", id, type: "url", placeholder: "https://…", spellcheck: "false", "data-key": "content-url" });
  const now = isJsonObject(content) ? content : undefined;
  if (now?.["kind"] === "url") box.value = brief(now["url"], 2048);
  // A merge patch keeps what it does not name: what the old content had and the new has not is removed by name.
  const replace = (next: JsonObject): void => {
    const gone = Object.fromEntries(Object.keys(now ?? {}).map((key) => [key, null]));
    void patch({ content: { ...gone, ...next } }, "Content");
  };
  const set = (): void => {
    if (box.value.trim() !== "") replace({ kind: "url", url: box.value.trim() });
  };
  return quick(
    "Content",
    "play",
    h("p", { class: "muted clip" }, now === undefined ? "not managed" : `${brief(now["kind"])}: ${brief(now["name"] ?? now["url"], 200)}`),
    h("div", { class: "input-row" }, h("label", { class: "sr-only", for: id }, "Address of the content"), box, h("button", { class: "button", type: "button", "data-key": "content-set", on: { click: set } }, "Set")),
    sample === null
      ? null
      : h(
          "div",
          { class: "button-row" },
          h("button", { class: "button", type: "button", "data-key": "content-sample", on: { click: () => replace({ kind: "url", url: sample.url, name: "Sample player" }) } }, "Sample by address"),
          sample.package === null
            ? null
            : h("button", { class: "button", type: "button", "data-key": "content-package", on: { click: () => replace({ kind: "package", ...sample.package, name: "Sample player" }) } }, "Sample as package"),
        ),
  );
}

function powerControl(power: Json | undefined, can: boolean, set: (power: string | null) => void): HTMLElement {
  const name = freshId("power");
  const options: readonly (readonly [string | null, string])[] = [["on", "On"], ["standby", "Standby"], ["schedule", "By schedule"], [null, "Unmanaged"]];
  return quick(
    "Screen power",
    "bolt",
    h(
      "div",
      { class: "segmented", role: "radiogroup", "aria-label": "Screen power" },
      ...options.map(([value, label]) =>
        h("label", {}, h("input", { type: "radio", name, disabled: !can, checked: (power ?? null) === value, "data-key": `power-${label}`, on: { change: () => set(value) } }), h("span", {}, label)),
      ),
    ),
    can ? null : h("p", { class: "muted small" }, "This device cannot switch its screen."),
  );
}

function percentControl(title: string, name: IconName, value: Json | undefined, can: boolean, set: (value: number | null) => void): HTMLElement {
  const said = h("output", { class: "percent-said" }, typeof value === "number" ? `${value} %` : "not managed");
  const range = h("input", { type: "range", min: 0, max: 100, step: 1, value: typeof value === "number" ? value : 50, disabled: !can, "aria-label": title, "data-key": `range-${title}` });
  range.addEventListener("input", () => (said.textContent = `${range.value} %`));
  range.addEventListener("change", () => set(Number(range.value)));
  return quick(
    title,
    name,
    h("div", { class: "number-row" }, range, said),
    typeof value === "number" ? h("button", { class: "link-button", type: "button", "data-key": `unset-${title}`, on: { click: () => set(null) } }, "Stop managing it") : null,
    can ? null : h("p", { class: "muted small" }, "This device has no such control."),
  );
}
