import { h, type TargetedEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isJsonObject, parseJson, type JsonObject } from "../../../../../platform/runtime/json.ts";
import type { ApiIssue } from "../../data/api.dom.ts";
import type { DesiredAnswer } from "../../model/api-types.ts";
import { changedKeys, lineOfPath, pathInMessage } from "../../model/json-place.ts";
import { holdsMask, maskSecrets, restoreSecrets } from "../../model/masked-document.ts";
import { useFreshId, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { detailOf, pathOf, type SectionProps, useDevice } from "./context.dom.ts";

interface Version {
  readonly version: number;
  readonly document: JsonObject;
}

type Wrong = Pick<ApiIssue, "code" | "message" | "hint">;

/**
 * Edits the document as JSON with masked secrets; an unchanged mask keeps the secret. Saving requires the version
 * that was loaded: after a concurrent change, the user chooses between both versions and nothing typed is lost.
 */
export function DesiredEditor({ context }: SectionProps): View {
  const { store, announcer } = context;
  const [id, errorId] = [useFreshId("document"), useFreshId("error")];
  const box = useRef<HTMLTextAreaElement>(null);
  const [base, setBase] = useState<Version>();
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<Wrong>();
  const [theirs, setTheirs] = useState<Version>();
  useDevice(context);

  const detail = detailOf(context);
  const now: Version | undefined = detail === undefined ? undefined : (detail.desiredDocument ?? { version: 0, document: {} });
  const isDirty = base !== undefined && typed !== textOf(base);
  const load = (next: Version): void => {
    setBase(next);
    setTyped(textOf(next));
    setWrong(undefined);
    setTheirs(undefined);
  };
  useEffect(() => {
    if (now === undefined || now.version === base?.version) return;
    if (base === undefined || !isDirty) load(now);
    else setTheirs(now);
  }, [now?.version, base]);
  const line = wrong === undefined ? undefined : lineOf(typed, wrong.message);
  useEffect(() => {
    if (line !== undefined && box.current !== null) selectLine(box.current, line);
  }, [wrong]);

  const put = async (ifVersion: number): Promise<void> => {
    setWrong(undefined);
    const document = parseJson(typed);
    if (!isJsonObject(document)) {
      setWrong({ code: "dashboard.not-json", message: document === undefined ? jsonError(typed) : "the document must be a JSON object" });
      return;
    }
    const restored = restoreSecrets(document, base?.document ?? {});
    if (holdsMask(restored)) {
      setWrong({ code: "dashboard.masked", message: "a masked value has no secret to restore here", hint: "Replace •••••••• with the value, or restore the key as it was." });
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
      setTheirs({ version: Number(current["version"]), document: isJsonObject(current["document"]) ? current["document"] : {} });
    } else setWrong(answer.error);
  };
  const format = (): void => {
    const value = parseJson(typed);
    if (value !== undefined) setTyped(JSON.stringify(value, undefined, 2));
    setWrong(value === undefined ? { code: "dashboard.not-json", message: jsonError(typed) } : undefined);
  };
  const takeTheirs = (next: Version): void => {
    load(next);
    box.current?.focus();
  };
  const said = base === undefined ? "" : isDirty ? `changed, based on version ${base.version}` : base.version === 0 ? "never set" : `version ${base.version}`;
  return h(
    "section",
    { class: "box", "aria-label": "The desired document" },
    h("div", { class: "box-head" }, h("h3", { class: "box-title" }, h("label", { for: id }, "The document")), h("span", { class: "muted" }, said)),
    h("div", { role: "alert" }, base === undefined || theirs === undefined ? null : h(Conflict, { base, theirs, typed, take: () => takeTheirs(theirs), saveOver: () => void put(theirs.version) })),
    h("textarea", {
      class: "input mono editor", id, rows: 16, spellcheck: false, autocomplete: "off", "aria-describedby": errorId, ref: box, value: typed,
      ...(wrong === undefined ? {} : { "aria-invalid": "true" as const }), onInput: ({ currentTarget }: TargetedEvent<HTMLTextAreaElement>) => setTyped(currentTarget.value),
    }),
    h("div", { id: errorId, role: "alert" }, wrong === undefined
      ? null
      : h("div", { class: "issue" }, icon("alert"), h("div", {}, h("p", {}, line === undefined ? wrong.message : `Line ${line}: ${wrong.message}`), wrong.hint === undefined ? null : h("p", {}, wrong.hint), h("p", { class: "muted" }, h("code", {}, wrong.code))))),
    h(
      "div",
      { class: "form-actions" },
      h("button", { class: "button button-primary", type: "button", disabled: !isDirty, onClick: () => void put(base?.version ?? 0) }, "Save"),
      h("button", { class: "button", type: "button", disabled: !isDirty, onClick: () => load(now ?? base ?? { version: 0, document: {} }) }, "Discard my changes"),
      h("button", { class: "button", type: "button", onClick: format }, "Format"),
    ),
  );
}

interface ConflictProps {
  readonly base: Version;
  readonly theirs: Version;
  readonly typed: string;
  readonly take: () => void;
  readonly saveOver: () => void;
}

function Conflict({ base, theirs, typed, take, saveOver }: ConflictProps): View {
  const mine = parseJson(typed);
  const keys = isJsonObject(mine) ? changedKeys(theirs.document, restoreSecrets(mine, base.document)) : [];
  return h(
    "div",
    { class: "issue issue-warn" },
    icon("alert"),
    h(
      "div",
      { class: "stack" },
      h("p", {}, h("strong", {}, `Version ${theirs.version} was saved while you edited version ${base.version}. `), keys.length === 0 ? "It is the same as your text." : `Yours differs from it in: ${keys.slice(0, 12).join(", ")}.`),
      h("details", {}, h("summary", {}, `See version ${theirs.version}`), h("pre", { class: "raw raw-small", tabIndex: 0, "aria-label": `Version ${theirs.version}` }, textOf(theirs))),
      h(
        "div",
        { class: "form-actions" },
        h("button", { class: "button", type: "button", onClick: take }, `Use version ${theirs.version}, discard mine`),
        h("button", { class: "button button-danger", type: "button", onClick: saveOver }, `Save mine over version ${theirs.version}`),
      ),
    ),
  );
}

function textOf({ document }: Version): string {
  return JSON.stringify(maskSecrets(document), undefined, 2);
}

function lineOf(text: string, message: string): number | undefined {
  const path = pathInMessage(message);
  return path === undefined ? undefined : lineOfPath(text, path);
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
    // The parser's message contains the position.
    return thrown instanceof Error ? thrown.message : "not JSON";
  }
}
