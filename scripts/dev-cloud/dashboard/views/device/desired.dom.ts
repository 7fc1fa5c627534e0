import { h, type ComponentChildren } from "preact";
import { isJsonObject, type JsonObject } from "../../../../../platform/runtime/json.ts";
import { brief } from "../../model/format.ts";
import { maskSecrets } from "../../model/masked-document.ts";
import { tell } from "../../model/reading-text.ts";
import { keyPill } from "../../ui/badges.dom.ts";
import type { View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { detailOf, type SectionProps, summaryOf, useDevice } from "./context.dom.ts";
import { DesiredEditor } from "./desired-editor.dom.ts";
import { QuickControls } from "./quick-controls.dom.ts";

/** Desired state: controls for common keys, the device's answers and the document itself. */
export function Desired({ context }: SectionProps): View {
  useDevice(context);
  const detail = detailOf(context);
  const wanted = detail?.desiredDocument ?? undefined;
  const report = detail?.reported?.document["desired"];
  const offline = summaryOf(context)?.link.state !== "online";
  const issued = wanted === undefined || wanted.issuedMs === null ? "" : `issued ${new Date(wanted.issuedMs).toLocaleString()}`;
  const head = wanted === undefined || wanted.version === 0 ? "Never set: the device is left as it is." : `Version ${wanted.version}, ${issued}`;
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Desired state"), h("p", { class: "muted" }, detail === undefined ? "" : head)),
    h(QuickControls, { context }),
    h("section", { class: "box", "aria-label": "What the device answered" }, h("h3", { class: "box-title" }, "Desired and observed"),
      h("div", { class: "stack" }, detail === undefined ? null : answerParts(isJsonObject(report) ? report : {}, maskSecrets(wanted?.document ?? {}), wanted?.version ?? 0, offline))),
    h(DesiredEditor, { context }),
  );
}

function answerParts(report: JsonObject, wanted: JsonObject, version: number, offline: boolean): ComponentChildren[] {
  const keys = isJsonObject(report["keys"]) ? report["keys"] : {};
  const refused = report["refused"];
  const names = [...new Set([...Object.keys(keys), ...wantedKeys(wanted)])].sort();
  const inForce = typeof report["version"] === "number" ? report["version"] : 0;
  return [
    isJsonObject(refused) ? refusedBox(refused) : null,
    version > inForce ? h("p", { class: "form-note" }, icon("clock"), h("span", {}, `Version ${version} is not applied on the device yet${offline ? ": it is offline" : ""}; applied there: ${inForce === 0 ? "none" : `version ${inForce}`}.`)) : null,
    offline && names.length > 0 ? h("p", { class: "form-note" }, icon("question"), h("span", {}, "The device is offline: this is its last answer.")) : null,
    names.length === 0
      ? h("p", { class: "muted" }, "No key is managed.")
      : h("div", { class: "table-scroll", tabIndex: 0, role: "region", "aria-label": "Keys of the desired state" },
          h("table", { class: "table" },
            h("thead", {}, h("tr", {}, ...["Key", "Status", "Desired", "Observed", "Drifts"].map((title) => h("th", { scope: "col" }, title)))),
            h("tbody", {}, ...names.map((name) => keyRow(name, keys[name], wanted)))))
  ];
}

function keyRow(name: string, result: unknown, wanted: JsonObject): View {
  const answer = isJsonObject(result) ? result : {};
  const status = typeof answer["status"] === "string" ? answer["status"] : "pending";
  const error = isJsonObject(answer["error"]) ? answer["error"] : undefined;
  const drifts = typeof answer["drifts"] === "number" ? answer["drifts"] : 0;
  return h(
    "tr",
    { key: name },
    h("th", { scope: "row" }, h("code", {}, name)),
    h("td", {}, keyPill(status), error === undefined ? null : h("p", { class: "small" }, brief(error["message"], 300), " ", h("code", {}, brief(error["code"])))),
    h("td", { class: "cell-value" }, brief(valueAt(wanted, name), 120)),
    h("td", { class: "cell-value" }, "observed" in answer ? tell(answer["observed"] ?? null).text : h("span", { class: "muted" }, "not observed")),
    h("td", { class: drifts > 0 ? "number tone-warn" : "number" }, drifts),
  );
}

function refusedBox(refused: JsonObject): View {
  const error = isJsonObject(refused["error"]) ? refused["error"] : {};
  return h("div", { class: "issue" }, icon("alert"), h("div", {}, h("p", {}, `The device refused version ${brief(refused["version"])} as a whole and keeps the previous one.`), h("p", {}, brief(error["message"], 400)), h("p", { class: "muted" }, h("code", {}, brief(error["code"])))));
}

/** Keys as the device reports them: members of `display` and `audio` one by one, all others as a whole. */
function wantedKeys(document: JsonObject): string[] {
  return Object.entries(document).flatMap(([name, value]) => ((name === "display" || name === "audio") && isJsonObject(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name]));
}

function valueAt(document: JsonObject, path: string): JsonObject[string] | undefined {
  let value: JsonObject[string] | undefined = document;
  for (const key of path.split(".")) value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}
