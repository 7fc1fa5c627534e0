/**
 * Shows a large label on top of the current page, to identify one of many screens; null removes it.
 * Passed as text (`toString`) and run in the shell's isolated world of the page, so it must not reference anything outside
 * itself. Styles are set one by one, because the page's CSP may forbid style sheets.
 */
export function paintOverlay(text: string | null): void {
  // The few DOM types used here, declared by hand: this file is also compiled without the DOM library.
  interface Part {
    id: string;
    textContent: string | null;
    popover?: string | null;
    readonly style: { setProperty(name: string, value: string, priority: string): void };
    append(...parts: Part[]): void;
    remove(): void;
    attachShadow(options: { mode: "closed" }): Part;
    showPopover?(): void;
  }
  interface Page {
    readonly body: Part | null;
    readonly documentElement: Part;
    createElement(name: "div"): Part;
    querySelectorAll(selector: string): Iterable<Part>;
  }
  const { document } = globalThis as unknown as { readonly document: Page };
  const id = "vitrine-identify";
  const style = (element: Part, css: Record<string, string>): void => {
    for (const [name, value] of Object.entries(css)) element.style.setProperty(name, value, "important");
  };
  for (const old of document.querySelectorAll(`#${id}`)) old.remove();
  if (text === null) return;
  const host = document.createElement("div");
  host.id = id;
  style(host, {
    all: "initial",
    position: "fixed",
    inset: "0",
    "z-index": "2147483647",
    display: "flex",
    "align-items": "center",
    "justify-content": "center",
    "pointer-events": "none",
    border: "1.2vmin solid #7dd3fc",
    "box-sizing": "border-box",
    width: "100vw",
    height: "100vh",
    margin: "0",
    padding: "0",
    background: "transparent",
  });
  const label = document.createElement("div");
  label.textContent = text;
  style(label, {
    font: "600 9vmin/1.15 system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    color: "#f8fafc",
    background: "rgba(8, 15, 30, 0.88)",
    padding: "4vmin 7vmin",
    "border-radius": "4vmin",
    "max-width": "84vw",
    "text-align": "center",
    "overflow-wrap": "anywhere",
    "box-shadow": "0 2vmin 8vmin rgba(0, 0, 0, 0.5)",
  });
  host.attachShadow({ mode: "closed" }).append(label);
  // The top layer is above every z-index and dialog of the page, where the browser supports it.
  if (typeof host.showPopover === "function") {
    host.popover = "manual";
    (document.body ?? document.documentElement).append(host);
    host.showPopover();
  } else document.documentElement.append(host);
}
