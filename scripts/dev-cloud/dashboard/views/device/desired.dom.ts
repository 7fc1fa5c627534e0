import { isJsonObject, type JsonObject } from "../../../../../platform/runtime/json.ts";
import { brief } from "../../model/format.ts";
import { maskSecrets } from "../../model/masked-document.ts";
import { tell } from "../../model/reading-text.ts";
import { keyPill } from "../../ui/badges.dom.ts";
import { h, refill, type Child } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, detailOf, summaryOf, whenever } from "./context.dom.ts";
import { desiredEditor } from "./desired-editor.dom.ts";
import { quickControls } from "./quick-controls.dom.ts";

/** What the cloud wants the device to be: common keys by hand, what the device answered, and the document itself. */
export function desiredSection(context: DeviceContext): HTMLElement {
  const answers = h("div", { class: "stack" });
  const head = h("p", { class: "muted" });
  let drawn = "";
  whenever(context, () => {
    const detail = detailOf(context);
    const device = summaryOf(context);
    if (detail === undefined || device === undefined) return;
    const report = detail.reported?.document["desired"];
    const wanted = detail.desiredDocument;
    const key = JSON.stringify([report, wanted, device.link.state]);
    if (key === drawn) return;
    drawn = key;
    head.textContent = wanted === null || wanted.version === 0 ? "Never set: the device is left as it is." : `Version ${wanted.version}, ${wanted.issuedMs === null ? "" : `issued ${new Date(wanted.issuedMs).toLocaleString()}`}`;
    refill(answers, ...answerParts(isJsonObject(report) ? report : {}, maskSecrets(wanted?.document ?? {}), wanted?.version ?? 0, device.link.state !== "online"));
  });
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Desired state"), head),
    quickControls(context),
    h("section", { class: "box", "aria-label": "What the device answered" }, h("h3", { class: "box-title" }, "Wanted and found"), answers),
    desiredEditor(context),
  );
}

function answerParts(report: JsonObject, wanted: JsonObject, version: number, offline: boolean): Child[] {
  const keys = isJsonObject(report["keys"]) ? report["keys"] : {};
  const refused = report["refused"];
  const names = [...new Set([...Object.keys(keys), ...wantedKeys(wanted)])].sort();
  const inForce = typeof report["version"] === "number" ? report["version"] : 0;
  return [
    isJsonObject(refused) ? refusedBox(refused) : null,
    version > inForce ? h("p", { class: "form-note" }, icon("clock"), h("span", {}, `Version ${version} is not in force on the device yet${offline ? ": it is offline" : ""}; in force there: ${inForce === 0 ? "none" : `version ${inForce}`}.`)) : null,
    offline && names.length > 0 ? h("p", { class: "form-note" }, icon("question"), h("span", {}, "The device is offline: this is its last answer.")) : null,
    names.length === 0
      ? h("p", { class: "muted" }, "No key is managed.")
      : h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Keys of the desired state" },
          h("table", { class: "table" },
            h("thead", {}, h("tr", {}, ...["Key", "Answer", "Wanted", "Found", "Drifts"].map((title) => h("th", { scope: "col" }, title)))),
            h("tbody", {}, ...names.map((name) => keyRow(name, keys[name], wanted)))))
  ];
}

function keyRow(name: string, result: unknown, wanted: JsonObject): HTMLElement {
  const answer = isJsonObject(result) ? result : {};
  const status = typeof answer["status"] === "string" ? answer["status"] : "pending";
  const error = isJsonObject(answer["error"]) ? answer["error"] : undefined;
  const drifts = typeof answer["drifts"] === "number" ? answer["drifts"] : 0;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, name)),
    h("td", {}, keyPill(status), error === undefined ? null : h("p", { class: "small" }, brief(error["message"], 300), " ", h("code", {}, brief(error["code"])))),
    h("td", { class: "cell-value" }, brief(valueAt(wanted, name), 120)),
    h("td", { class: "cell-value" }, "observed" in answer ? tell(answer["observed"] ?? null).text : h("span", { class: "muted" }, "not seen")),
    h("td", { class: drifts > 0 ? "number tone-warn" : "number" }, drifts),
  );
}

function refusedBox(refused: JsonObject): HTMLElement {
  const error = isJsonObject(refused["error"]) ? refused["error"] : {};
  return h("div", { class: "issue" }, icon("alert"), h("div", {}, h("p", {}, `The device refused version ${brief(refused["version"])} whole and keeps the one before.`), h("p", {}, brief(error["message"], 400)), h("p", { class: "muted" }, h("code", {}, brief(error["code"])))));
}

/** Keys as the device answers them: the members of `display`, `audio` and `telemetry` each, everything else whole. */
function wantedKeys(document: JsonObject): string[] {
  return Object.entries(document).flatMap(([name, value]) => ((name === "display" || name === "audio") && isJsonObject(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name]));
}

function valueAt(document: JsonObject, path: string): JsonObject[string] | undefined {
  let value: JsonObject[string] | undefined = document;
  for (const key of path.split(".")) value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}
