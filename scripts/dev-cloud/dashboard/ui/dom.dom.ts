/** What an element can hold. Strings become text nodes and never markup. */
export type Child = Node | string | number | null | undefined | false;

type Attribute = string | number | boolean | null | undefined;
type Handlers = { readonly [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

export interface Attributes {
  readonly class?: string;
  readonly on?: Handlers;
  readonly [name: string]: Attribute | Handlers;
}

/** Attributes that could carry code or markup; nothing here ever needs them. */
const REFUSED = /^(?:on|style$|srcdoc$)/i;

/** Makes an element. Booleans become present or absent attributes; handlers go in `on`. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, handler] of Object.entries(attributes.on ?? {})) element.addEventListener(name, handler as EventListener);
  setAttributes(element, attributes);
  element.append(...nodes(children));
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, handler] of Object.entries(attributes.on ?? {})) element.addEventListener(name, handler as EventListener);
  setAttributes(element, attributes);
  element.append(...nodes(children));
  return element;
}

export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on" || typeof value === "object") continue;
    if (REFUSED.test(name)) throw new TypeError(`the attribute ${name} is never set here`);
    if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

export function nodes(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === "number" ? String(child) : child));
}

/**
 * Replaces what an element holds and gives the focus back to the control with the same `data-key`, so that an
 * update from the server does not throw anybody out of what they were doing.
 */
export function refill(element: Element, ...children: readonly Child[]): void {
  const active = document.activeElement;
  const key = active instanceof HTMLElement && element.contains(active) ? active.dataset["key"] : undefined;
  element.replaceChildren(...nodes(children));
  if (key === undefined) return;
  for (const candidate of element.querySelectorAll<HTMLElement>("[data-key]")) if (candidate.dataset["key"] === key) candidate.focus({ preventScroll: true });
}

let lastId = 0;

/** An id for `for`, `aria-describedby` and the like. */
export function freshId(prefix: string): string {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** Text for screen readers alone. */
export function hidden(text: string): HTMLElement {
  return h("span", { class: "sr-only" }, text);
}
