import { isJsonObject, parseJson, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { ApiIssue } from "../../data/api.dom.ts";
import type { DesiredAnswer } from "../../model/api-types.ts";
import { changedKeys, lineOfPath, pathInMessage } from "../../model/json-place.ts";
import { holdsMask, maskSecrets, restoreSecrets } from "../../model/masked-document.ts";
import { freshId, h, refill } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, detailOf, pathOf, whenever } from "./context.dom.ts";

/**
 * The document as JSON, its secrets masked; a mask that is left alone keeps the secret. It is saved against the version it was loaded from: when somebody else saved meanwhile,
 * nothing is overwritten and nothing typed is lost until the person decides.
 */
export function desiredEditor(context: DeviceContext): HTMLElement {
  const { store, announcer } = context;
  const [id, errorId] = [freshId("document"), freshId("error")];
  const text = h("textarea", { class: "input mono editor", id, rows: 16, spellcheck: "false", autocomplete: "off", "aria-describedby": errorId });
  const error = h("div", { id: errorId, role: "alert" });
  const conflict = h("div", { role: "alert" });
  const version = h("span", { class: "muted" });
  const save = h("button", { class: "button button-primary", type: "button", "data-key": "save-desired" }, "Save");
  const undo = h("button", { class: "button", type: "button", "data-key": "undo-desired" }, "Discard my changes");
  let base: { readonly version: number; readonly document: JsonObject } = { version: 0, document: {} };
  let loadedText = "";

  const isDirty = (): boolean => text.value !== loadedText;
  const showButtons = (): void => {
    undo.disabled = !isDirty();
    save.disabled = !isDirty();
    version.textContent = isDirty() ? `changed, upon version ${base.version}` : base.version === 0 ? "never set" : `version ${base.version}`;
  };
  const load = (next: typeof base): void => {
    base = next;
    loadedText = JSON.stringify(maskSecrets(next.document), undefined, 2);
    text.value = loadedText;
    error.replaceChildren();
    conflict.replaceChildren();
    text.removeAttribute("aria-invalid");
    showButtons();
  };
  const showConflict = (theirs: typeof base): void => {
    const mine = parseJson(text.value);
    const keys = isJsonObject(mine) ? changedKeys(theirs.document, restoreSecrets(mine, base.document)) : [];
    refill(
      conflict,
      h(
        "div",
        { class: "issue issue-warn" },
        icon("alert"),
        h(
          "div",
          { class: "stack" },
          h("p", {}, h("strong", {}, `Version ${theirs.version} was saved while you edited version ${base.version}. `), keys.length === 0 ? "It says the same as your text." : `Yours differs from it in: ${keys.slice(0, 12).join(", ")}.`),
          h("details", {}, h("summary", { "data-key": "theirs" }, `See version ${theirs.version}`), h("pre", { class: "raw raw-small", tabindex: "0", "aria-label": `Version ${theirs.version}` }, JSON.stringify(maskSecrets(theirs.document), undefined, 2))),
          h(
            "div",
            { class: "form-actions" },
            h("button", { class: "button", type: "button", "data-key": "take-theirs", on: { click: () => takeTheirs(theirs) } }, `Take version ${theirs.version}, drop mine`),
            h("button", { class: "button button-danger", type: "button", "data-key": "save-over", on: { click: () => void put(theirs.version) } }, `Save mine over version ${theirs.version}`),
          ),
        ),
      ),
    );
  };
  const takeTheirs = (theirs: typeof base): void => {
    load(theirs);
    text.focus();
  };
  const showError = (issue: ApiIssue | { readonly code: string; readonly message: string; readonly hint?: string }): void => {
    const path = pathInMessage(issue.message);
    const line = path === undefined ? undefined : lineOfPath(text.value, path);
    text.setAttribute("aria-invalid", "true");
    refill(error, h("div", { class: "issue" }, icon("alert"), h("div", {}, h("p", {}, line === undefined ? issue.message : `Line ${line}: ${issue.message}`), issue.hint === undefined ? null : h("p", {}, issue.hint), h("p", { class: "muted" }, h("code", {}, issue.code)))));
    if (line !== undefined) selectLine(text, line);
  };
  const put = async (ifVersion: number): Promise<void> => {
    error.replaceChildren();
    text.removeAttribute("aria-invalid");
    const document = parseJson(text.value);
    if (!isJsonObject(document)) {
      showError({ code: "dashboard.not-json", message: document === undefined ? jsonError(text.value) : "the document must be a JSON object" });
      return;
    }
    const restored = restoreSecrets(document, base.document);
    if (holdsMask(restored)) {
      showError({ code: "dashboard.masked", message: "a masked value stands for nothing here", hint: "Type the value where •••••••• is, or leave the key as it was." });
      return;
    }
    const answer = await store.api.put<DesiredAnswer>(pathOf(context, "/desired"), { document: restored, ifVersion });
    if (answer.ok) {
      load({ version: answer.value.version, document: answer.value.document });
      store.takeDesired(context.id, answer.value);
      announcer.say(`Desired state version ${answer.value.version} is saved and signed.`, "good");
      return;
    }
    const { current } = answer.error.beside;
    if (answer.error.code === "desired.version-conflict" && isJsonObject(current)) {
      showConflict({ version: Number(current["version"]), document: isJsonObject(current["document"]) ? current["document"] : {} });
    } else showError(answer.error);
  };

  save.addEventListener("click", () => void put(base.version));
  undo.addEventListener("click", () => {
    const now = detailOf(context)?.desiredDocument;
    load(now === null || now === undefined ? base : { version: now.version, document: now.document });
  });
  text.addEventListener("input", showButtons);
  const format = h("button", { class: "button", type: "button" }, "Format");
  format.addEventListener("click", () => {
    const value = parseJson(text.value);
    if (value === undefined) showError({ code: "dashboard.not-json", message: jsonError(text.value) });
    else {
      text.value = JSON.stringify(value, undefined, 2);
      error.replaceChildren();
      text.removeAttribute("aria-invalid");
      showButtons();
    }
  });
  let isFirst = true;
  whenever(context, () => {
    const detail = detailOf(context);
    if (detail === undefined) return;
    const now = detail.desiredDocument ?? { version: 0, document: {} };
    if (isFirst || (now.version !== base.version && !isDirty())) load({ version: now.version, document: now.document });
    else if (now.version !== base.version) showConflict({ version: now.version, document: now.document });
    isFirst = false;
  });
  showButtons();
  return h(
    "section",
    { class: "box", "aria-label": "The desired document" },
    h("div", { class: "box-head" }, h("h3", { class: "box-title" }, h("label", { for: id }, "The document")), version),
    conflict,
    text,
    error,
    h("div", { class: "form-actions" }, save, undo, format),
  );
}

function selectLine(text: HTMLTextAreaElement, line: number): void {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, before) => sum + before.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
}

function jsonError(text: string): string {
  try {
    JSON.parse(text);
    return "not JSON";
  } catch (thrown) {
    // The parser's own words name the place; there is no other way to ask it.
    return thrown instanceof Error ? thrown.message : "not JSON";
  }
}
