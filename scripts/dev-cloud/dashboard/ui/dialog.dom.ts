import { h, render, type ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useFreshId, type View } from "./hooks.dom.ts";
import { icon } from "./icon.dom.ts";

/**
 * Opens a modal dialog. On closing, focus returns to the previously focused element, or to `main` if that is gone.
 * `body` receives the function that closes the dialog.
 */
export function openDialog(title: string, body: (close: () => void) => ComponentChildren): void {
  const before = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
  const place = document.createElement("div");
  const gone = (): void => {
    render(null, place);
    place.remove();
    if (before?.isConnected === true) before.focus();
    else document.querySelector<HTMLElement>("main")?.focus();
  };
  document.body.append(place);
  render(h(Dialog, { title, body, gone }), place);
}

interface DialogProps {
  readonly title: string;
  readonly body: (close: () => void) => ComponentChildren;
  readonly gone: () => void;
}

function Dialog({ title, body, gone }: DialogProps): View {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useFreshId("dialog");
  const close = (): void => element.current?.close();
  useEffect(() => {
    element.current?.showModal();
    element.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  return h(
    "dialog",
    // A click on the backdrop targets the dialog element itself.
    { class: "dialog", "aria-labelledby": titleId, ref: element, onClose: gone, onMouseDown: (event: MouseEvent) => (event.target === element.current ? close() : undefined) },
    h("header", { class: "dialog-head" }, h("h2", { id: titleId }, title), h("button", { class: "icon-button", type: "button", "aria-label": "Close", onClick: close }, icon("cross"))),
    h("div", { class: "dialog-body" }, body(close)),
  );
}

/** Asks for confirmation before an action that cannot be undone. */
export function confirmFirst(title: string, text: string, action: string, act: () => void): void {
  const sure = (close: () => void): void => {
    close();
    act();
  };
  openDialog(title, (close) => [
    h("p", {}, text),
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { class: "button", type: "button", "data-first": true, onClick: close }, "Cancel"),
      h("button", { class: "button button-danger", type: "button", onClick: () => sure(close) }, action),
    ),
  ]);
}
