import { freshId, h, type Child } from "./dom.dom.ts";
import { icon } from "./icon.dom.ts";

export interface DialogHandle {
  readonly element: HTMLDialogElement;
  close(): void;
}

/**
 * A modal dialog. The browser's own `showModal` keeps the focus inside and makes the rest inert; the focus goes
 * back to where it was, also when that control was drawn again meanwhile (found by its `data-key`).
 */
export function openDialog(title: string, body: readonly Child[], options: { readonly wide?: boolean; onClose?(): void } = {}): DialogHandle {
  const before = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
  const titleId = freshId("dialog");
  const element = h(
    "dialog",
    { class: options.wide === true ? "dialog dialog-wide" : "dialog", "aria-labelledby": titleId },
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id: titleId }, title),
      h("button", { class: "icon-button", type: "button", "aria-label": "Close", on: { click: () => element.close() } }, icon("cross")),
    ),
    h("div", { class: "dialog-body" }, ...body),
  );
  element.addEventListener("close", () => {
    element.remove();
    options.onClose?.();
    returnFocus(before);
  });
  // A click on the backdrop is a click on the dialog element itself, outside its box.
  element.addEventListener("mousedown", (event) => {
    if (event.target === element) element.close();
  });
  document.body.append(element);
  element.showModal();
  element.querySelector<HTMLElement>("[data-first]")?.focus();
  return { element, close: () => element.close() };
}

function returnFocus(before: HTMLElement | undefined): void {
  if (before === undefined) return;
  if (before.isConnected) {
    before.focus();
    return;
  }
  const key = before.dataset["key"];
  const twin = key === undefined ? undefined : [...document.querySelectorAll<HTMLElement>("[data-key]")].find((candidate) => candidate.dataset["key"] === key);
  (twin ?? document.querySelector<HTMLElement>("main"))?.focus();
}

/** Asks before something that cannot be taken back. */
export function confirmFirst(title: string, text: string, action: string, act: () => void): void {
  const dialog = openDialog(title, [
    h("p", {}, text),
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { class: "button", type: "button", "data-first": true, on: { click: () => dialog.close() } }, "Keep as it is"),
      h(
        "button",
        {
          class: "button button-danger",
          type: "button",
          on: {
            click: () => {
              dialog.close();
              act();
            },
          },
        },
        action,
      ),
    ),
  ]);
}
