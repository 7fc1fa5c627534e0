import { fail, ok, type Result } from "../../../../platform/ports/result.ts";
import type { Json } from "../../../../platform/runtime/json.ts";
import { brief, duration } from "../model/format.ts";
import { readText, type Field } from "../model/schema-form.ts";
import { freshId, h, type Child } from "./dom.dom.ts";

/** A field on the page. `read` says what it holds now; `undefined`: left out. */
export interface FieldControl {
  readonly root: HTMLElement;
  read(): Result<Json | undefined>;
}

const OTHER = "other…";
const RADIOS_MAX = 5;

/** The control for a field, whatever its schema. `start` is the value it begins with. */
export function fieldControl(field: Field, start?: Json, changed: () => void = nothing): FieldControl {
  const initial = start ?? field.fallback;
  switch (field.kind) {
    case "boolean":
      return choiceControl({ ...field, kind: "choice", options: [true, false] }, initial, changed, field.name === "on" ? ["On", "Off"] : ["Yes", "No"]);
    case "choice":
      return choiceControl(field, initial, changed);
    case "number":
      return numberControl(field, initial, changed);
    case "text":
      return field.options.length > 0 ? offeredControl(field, initial, changed) : textControl(field, initial, changed);
    case "set":
      return setControl(field, initial, changed);
    case "group":
      return groupControl(field, changed);
    case "list":
    case "json":
      return textControl(field, initial, changed);
  }
}

function nothing(): void {
  // Nobody waits for changes of this field.
}

/** All fields of an object; the first wrong one answers. */
export function readAll(controls: readonly (readonly [Field, FieldControl])[]): Result<Record<string, Json>> {
  const values: Record<string, Json> = {};
  for (const [field, control] of controls) {
    const read = control.read();
    if (!read.ok) return read;
    if (read.value !== undefined) values[field.name] = read.value;
  }
  return ok(values);
}

function labelled(field: Field, control: HTMLElement, target: HTMLElement, ...after: readonly Child[]): HTMLElement {
  const id = target.id === "" ? freshId("field") : target.id;
  target.id = id;
  const help = helpOf(field);
  if (help !== undefined) target.setAttribute("aria-describedby", `${id}-help`);
  return h(
    "div",
    { class: "field" },
    h("label", { class: "field-label", for: id }, field.label, field.required ? null : h("span", { class: "field-optional" }, "optional")),
    control,
    help === undefined ? null : h("p", { class: "field-help", id: `${id}-help` }, help),
    ...after,
  );
}

function helpOf(field: Field): string | undefined {
  const bounds = field.kind === "number" && (field.min !== undefined || field.max !== undefined) ? `${field.min ?? "any"} to ${field.max ?? "any"}${field.unit === "" ? "" : ` ${field.unit}`}.` : undefined;
  const list = field.kind === "list" ? `Separated by spaces or commas${field.item === "number" ? "; 0x10 is taken" : ""}${field.maxItems === undefined ? "." : `; at most ${field.maxItems}.`}` : undefined;
  const parts = [field.help, bounds, list].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(" ");
}

/** A few options side by side, more in a list. Optional ones can be left out, nullable ones set to none. */
function choiceControl(field: Field & { kind: "choice" }, start: Json | undefined, changed: () => void, names?: readonly string[]): FieldControl {
  const options: { readonly value: Json | undefined; readonly label: string }[] = field.options.map((value, index) => ({ value, label: names?.[index] ?? brief(value) }));
  if (field.nullable) options.push({ value: null, label: "None" });
  if (!field.required && field.fallback === undefined) options.unshift({ value: undefined, label: "Default" });
  const matched = options.findIndex((option) => option.value === start);
  const first = matched >= 0 ? matched : 0;
  if (options.length > RADIOS_MAX) {
    const select = h("select", { class: "input", on: { change: changed } }, ...options.map((option, index) => h("option", { value: index, selected: index === first }, option.label)));
    return { root: labelled(field, select, select), read: () => ok(options[Number(select.value)]?.value) };
  }
  const name = freshId("choice");
  const radios = options.map((_option, index) => h("input", { type: "radio", name, value: index, checked: index === first, on: { change: changed } }));
  const root = h(
    "fieldset",
    { class: "field" },
    h("legend", { class: "field-label" }, field.label, field.required ? null : h("span", { class: "field-optional" }, "optional")),
    h("div", { class: "segmented" }, ...options.map((option, index) => h("label", {}, radios[index], h("span", {}, option.label)))),
    field.help === undefined ? null : h("p", { class: "field-help" }, field.help),
  );
  return { root, read: () => ok(options[radios.findIndex((radio) => radio.checked)]?.value) };
}

function numberControl(field: Field & { kind: "number" }, start: Json | undefined, changed: () => void): FieldControl {
  const { min, max, slider, unit } = field;
  const begin = typeof start === "number" ? start : field.required ? (field.unit === "%" ? 50 : (min ?? 0)) : undefined;
  const box = h("input", { class: "input input-number", type: "number", inputmode: "numeric", min, max, step: field.whole ? 1 : "any", value: begin, placeholder: "default" });
  const said = h("output", { class: "field-said" });
  const say = (): void => {
    const value = Number(box.value);
    said.textContent = unit === "ms" && box.value !== "" && Number.isFinite(value) ? `= ${duration(value)}` : "";
  };
  const parts: Child[] = [];
  if (slider) {
    const range = h("input", { type: "range", min, max, step: 1, value: begin ?? min, class: begin === undefined ? "is-unset" : undefined, "aria-label": `${field.label}, slider` });
    range.addEventListener("input", () => {
      box.value = range.value;
      range.classList.remove("is-unset");
      say();
      changed();
    });
    box.addEventListener("input", () => {
      range.classList.toggle("is-unset", box.value === "");
      range.value = box.value;
    });
    parts.push(range);
  }
  box.addEventListener("input", () => {
    say();
    changed();
  });
  say();
  parts.push(box, h("span", { class: "field-unit" }, unit), said);
  const control = h("div", { class: "number-row" }, ...parts);
  return { root: labelled(field, control, box), read: () => (box.validity.badInput ? fail("form.invalid", `${field.label} is not a number`) : readText(field, box.value)) };
}

function textControl(field: Field, start: Json | undefined, changed: () => void): FieldControl {
  const text = start === undefined || start === null ? "" : typeof start === "string" ? start : JSON.stringify(start);
  const box =
    field.kind === "json"
      ? h("textarea", { class: "input mono", rows: 3, spellcheck: "false", on: { input: changed } })
      : h("input", { class: "input", type: "text", spellcheck: "false", autocomplete: "off", maxlength: field.kind === "text" ? field.maxLength : undefined, on: { input: changed } });
  box.value = text;
  const read = (): Result<Json | undefined> => (field.nullable && box.value.trim() === "" ? ok(null) : readText(field, box.value));
  return { root: labelled(field, box, box), read };
}

/** What the device offers, and anything else by hand. */
function offeredControl(field: Field & { kind: "text" }, start: Json | undefined, changed: () => void): FieldControl {
  const { options } = field;
  const skip = !field.required;
  const matched = options.indexOf(start ?? null);
  const other = h("input", { class: "input", type: "text", hidden: true, "aria-label": `${field.label}, by hand`, spellcheck: "false", on: { input: changed } });
  const select = h(
    "select",
    { class: "input" },
    skip ? h("option", { value: "" }, "Default") : null,
    ...options.map((option, index) => h("option", { value: index, selected: index === matched }, brief(option))),
    h("option", { value: OTHER }, OTHER),
  );
  select.addEventListener("change", () => {
    other.hidden = select.value !== OTHER;
    if (!other.hidden) other.focus();
    changed();
  });
  const read = (): Result<Json | undefined> => {
    if (select.value === OTHER) return readText(field, other.value);
    return select.value === "" ? ok(undefined) : ok(options[Number(select.value)]);
  };
  return { root: labelled(field, select, select, other), read };
}

function setControl(field: Field & { kind: "set" }, start: Json | undefined, changed: () => void): FieldControl {
  const chosen: readonly Json[] = Array.isArray(start) ? (start as readonly Json[]) : [];
  const boxes = field.options.map((option) => h("input", { type: "checkbox", checked: chosen.includes(option), on: { change: changed } }));
  const root = h(
    "fieldset",
    { class: "field" },
    h("legend", { class: "field-label" }, field.label),
    h("div", { class: "checks" }, ...field.options.map((option, index) => h("label", {}, boxes[index], h("span", {}, brief(option))))),
  );
  const read = (): Result<Json | undefined> => {
    const values = field.options.filter((_option, index) => boxes[index]?.checked === true);
    return ok(values.length === 0 && !field.required ? undefined : values);
  };
  return { root, read };
}

function groupControl(field: Field & { kind: "group" }, changed: () => void): FieldControl {
  const controls = field.fields.map((inner) => [inner, fieldControl(inner, undefined, changed)] as const);
  const root = h("fieldset", { class: "field field-group" }, h("legend", { class: "field-label" }, field.label), ...controls.map(([, control]) => control.root));
  return {
    root,
    read: () => {
      const values = readAll(controls);
      return values.ok && Object.keys(values.value).length === 0 && !field.required ? ok(undefined) : values;
    },
  };
}
