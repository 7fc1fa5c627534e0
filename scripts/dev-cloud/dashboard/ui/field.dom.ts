import { h, type ComponentChildren, type TargetedEvent } from "preact";
import { useRef, useState } from "preact/hooks";
import { fail, ok, type Result } from "../../../tool-result.ts";
import type { Json } from "../../../../platform/runtime/json.ts";
import { brief, duration } from "../model/format.ts";
import { readText, type Field } from "../model/schema-form.ts";
import { useFreshId, type View } from "./hooks.dom.ts";

type Read = () => Result<Json | undefined>;

/** Reads the current field values of a form, by name. Each field registers its reader on render; `undefined`: left out. */
export type Readers = Map<string, Read>;

export interface FieldProps<F extends Field = Field> {
  readonly field: F;
  readonly readers: Readers;
  /** Initial value. */
  readonly start?: Json | undefined;
}

const OTHER = "other…";
const RADIOS_MAX = 5;

export function useReaders(): Readers {
  return useRef<Readers>(new Map()).current;
}

export function fieldControls(fields: readonly Field[], readers: Readers): View[] {
  return fields.map((field) => h(FieldControl, { key: field.name, field, readers }));
}

/** Reads all fields, or returns the first error. */
export function readAll(fields: readonly Field[], readers: Readers): Result<Record<string, Json>> {
  const values: Record<string, Json> = {};
  for (const { name } of fields) {
    const read = readers.get(name)?.() ?? ok(undefined);
    if (!read.ok) return read;
    if (read.value !== undefined) values[name] = read.value;
  }
  return ok(values);
}

export function FieldControl({ field, readers, start }: FieldProps): View {
  const common = { readers, start: start ?? field.fallback };
  switch (field.kind) {
    case "boolean":
      return h(ChoiceControl, { ...common, field: { ...field, kind: "choice", options: [true, false] }, names: field.name === "on" ? ["On", "Off"] : ["Yes", "No"] });
    case "choice":
      return h(ChoiceControl, { ...common, field });
    case "number":
      return h(NumberControl, { ...common, field });
    case "text":
      return field.options.length > 0 ? h(OfferedControl, { ...common, field }) : h(TextControl, { ...common, field });
    case "set":
      return h(SetControl, { ...common, field });
    case "group":
      return h(GroupControl, { readers, field });
    case "list":
    case "json":
      return h(TextControl, { ...common, field });
  }
}

function Labelled({ field, id, children }: { readonly field: Field; readonly id: string; readonly children?: ComponentChildren }): View {
  const help = helpOf(field);
  return h(
    "div",
    { class: "field" },
    h("label", { class: "field-label", for: id }, field.label, field.required ? null : h("span", { class: "field-optional" }, "optional")),
    children,
    help === undefined ? null : h("p", { class: "field-help", id: `${id}-help` }, help),
  );
}

/** Attributes that connect a control to its label and help text. */
function named(field: Field, id: string): { readonly id: string; readonly "aria-describedby"?: string } {
  return helpOf(field) === undefined ? { id } : { id, "aria-describedby": `${id}-help` };
}

function helpOf(field: Field): string | undefined {
  const bounds = field.kind === "number" && (field.min !== undefined || field.max !== undefined) ? `${field.min ?? "any"} to ${field.max ?? "any"}${field.unit === "" ? "" : ` ${field.unit}`}.` : undefined;
  const list = field.kind === "list" ? `Separated by spaces or commas${field.item === "number" ? "; 0x10 is accepted" : ""}${field.maxItems === undefined ? "." : `; at most ${field.maxItems}.`}` : undefined;
  const parts = [field.help, bounds, list].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(" ");
}

/** Radio buttons for a few options, a select for more. Adds "None" if nullable and "Default" if optional. */
function ChoiceControl({ field, readers, start, names }: FieldProps<Field & { kind: "choice" }> & { readonly names?: readonly string[] }): View {
  const id = useFreshId("choice");
  const options: { readonly value: Json | undefined; readonly label: string }[] = field.options.map((value, index) => ({ value, label: names?.[index] ?? brief(value) }));
  if (field.nullable) options.push({ value: null, label: "None" });
  if (!field.required && field.fallback === undefined) options.unshift({ value: undefined, label: "Default" });
  const [chosen, choose] = useState(() => Math.max(0, options.findIndex((option) => option.value === start)));
  readers.set(field.name, () => ok(options[chosen]?.value));
  if (options.length > RADIOS_MAX) {
    const select = h("select", { class: "input", ...named(field, id), onChange: ({ currentTarget }: TargetedEvent<HTMLSelectElement>) => choose(Number(currentTarget.value)) }, options.map((option, index) => h("option", { value: index, selected: index === chosen }, option.label)));
    return h(Labelled, { field, id }, select);
  }
  return h(
    "fieldset",
    { class: "field" },
    h("legend", { class: "field-label" }, field.label, field.required ? null : h("span", { class: "field-optional" }, "optional")),
    h("div", { class: "segmented" }, options.map((option, index) => h("label", {}, h("input", { type: "radio", name: id, value: index, checked: index === chosen, onChange: () => choose(index) }), h("span", {}, option.label)))),
    field.help === undefined ? null : h("p", { class: "field-help" }, field.help),
  );
}

function NumberControl({ field, readers, start }: FieldProps<Field & { kind: "number" }>): View {
  const { min, max, slider, unit } = field;
  const id = useFreshId("field");
  const box = useRef<HTMLInputElement>(null);
  const begin = typeof start === "number" ? start : field.required ? (unit === "%" ? 50 : (min ?? 0)) : undefined;
  const [text, setText] = useState(begin === undefined ? "" : String(begin));
  readers.set(field.name, () => (box.current?.validity.badInput === true ? fail("form.invalid", `${field.label} is not a number`) : readText(field, text)));
  const type = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => setText(currentTarget.value);
  const said = unit === "ms" && text !== "" && Number.isFinite(Number(text)) ? `= ${duration(Number(text))}` : "";
  return h(
    Labelled,
    { field, id },
    h(
      "div",
      { class: "number-row" },
      slider ? h("input", { type: "range", min, max, step: 1, value: text === "" ? min : text, class: text === "" ? "is-unset" : "", "aria-label": `${field.label}, slider`, onInput: type }) : null,
      h("input", { class: "input input-number", ...named(field, id), ref: box, type: "number", inputMode: "numeric", min, max, step: field.whole ? 1 : "any", value: text, placeholder: "default", onInput: type }),
      h("span", { class: "field-unit" }, unit),
      h("output", { class: "field-said" }, said),
    ),
  );
}

function TextControl({ field, readers, start }: FieldProps): View {
  const id = useFreshId("field");
  const [text, setText] = useState(start === undefined || start === null ? "" : typeof start === "string" ? start : JSON.stringify(start));
  readers.set(field.name, () => (field.nullable && text.trim() === "" ? ok(null) : readText(field, text)));
  const common = { ...named(field, id), spellcheck: false, value: text };
  return h(
    Labelled,
    { field, id },
    field.kind === "json"
      ? h("textarea", { class: "input mono", rows: 3, ...common, onInput: ({ currentTarget }: TargetedEvent<HTMLTextAreaElement>) => setText(currentTarget.value) })
      : h("input", { class: "input", type: "text", autocomplete: "off", ...(field.kind === "text" && field.maxLength !== undefined && { maxLength: field.maxLength }), ...common, onInput: ({ currentTarget }) => setText(currentTarget.value) }),
  );
}

/** A select of the device's suggestions, plus free text. */
function OfferedControl({ field, readers, start }: FieldProps<Field & { kind: "text" }>): View {
  const { options } = field;
  const id = useFreshId("field");
  const matched = options.indexOf(start ?? null);
  const [chosen, choose] = useState(matched >= 0 ? String(matched) : field.required ? "0" : "");
  const [other, setOther] = useState("");
  readers.set(field.name, () => (chosen === OTHER ? readText(field, other) : chosen === "" ? ok(undefined) : ok(options[Number(chosen)])));
  return h(
    Labelled,
    { field, id },
    h(
      "select",
      { class: "input", ...named(field, id), onChange: ({ currentTarget }: TargetedEvent<HTMLSelectElement>) => choose(currentTarget.value) },
      field.required ? null : h("option", { value: "", selected: chosen === "" }, "Default"),
      options.map((option, index) => h("option", { value: index, selected: String(index) === chosen }, brief(option))),
      h("option", { value: OTHER, selected: chosen === OTHER }, OTHER),
    ),
    chosen === OTHER ? h("input", { class: "input", type: "text", "aria-label": `${field.label}, by hand`, spellcheck: false, value: other, ref: focusOnce, onInput: ({ currentTarget }) => setOther(currentTarget.value) }) : null,
  );
}

/** As a `ref`: focuses the element when it appears. */
function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}

function SetControl({ field, readers, start }: FieldProps<Field & { kind: "set" }>): View {
  const [chosen, choose] = useState<readonly Json[]>(Array.isArray(start) ? (start as readonly Json[]) : []);
  readers.set(field.name, () => {
    const values = field.options.filter((option) => chosen.includes(option));
    return ok(values.length === 0 && !field.required ? undefined : values);
  });
  const toggle = (option: Json): void => choose(chosen.includes(option) ? chosen.filter((other) => other !== option) : [...chosen, option]);
  return h(
    "fieldset",
    { class: "field" },
    h("legend", { class: "field-label" }, field.label),
    h("div", { class: "checks" }, field.options.map((option) => h("label", {}, h("input", { type: "checkbox", checked: chosen.includes(option), onChange: () => toggle(option) }), h("span", {}, brief(option))))),
  );
}

function GroupControl({ field, readers }: FieldProps<Field & { kind: "group" }>): View {
  const inner = useReaders();
  readers.set(field.name, () => {
    const values = readAll(field.fields, inner);
    return values.ok && Object.keys(values.value).length === 0 && !field.required ? ok(undefined) : values;
  });
  return h("fieldset", { class: "field field-group" }, h("legend", { class: "field-label" }, field.label), fieldControls(field.fields, inner));
}
