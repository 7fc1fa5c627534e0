import { age, duration } from "../model/format.ts";
import type { Announcer } from "../ui/announce.dom.ts";
import { h, refill } from "../ui/dom.dom.ts";
import { dot } from "../ui/badges.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import { tick } from "../ui/ticker.dom.ts";
import type { Store } from "../data/store.dom.ts";

export interface Shell {
  readonly root: DocumentFragment;
  readonly main: HTMLElement;
}

export interface ShellDeps {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly openClaim: () => void;
  readonly openHelp: () => void;
  readonly retryNow: () => void;
}

/** What is on every page: skip link, header, the banner for a lost server, and the place for the view. */
export function shell(deps: ShellDeps, signal: AbortSignal): Shell {
  const main = h("main", { id: "main", tabindex: "-1" });
  const banner = h("div", { role: "alert", class: "banner-place" });
  const skip = h("a", { class: "skip-link", href: "#main" }, "Skip to the content");
  // The hash is our address bar: the link moves the focus itself.
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  const root = document.createDocumentFragment();
  root.append(skip, header(deps, signal), banner, main, deps.announcer.root);
  const showBanner = (): void => {
    const { link } = deps.store;
    document.documentElement.classList.toggle("is-stale", link.kind === "lost");
    if (link.kind !== "lost") {
      if (banner.childElementCount > 0) deps.announcer.say("Connected again. What you see is live.", "good");
      banner.replaceChildren();
      return;
    }
    refill(
      banner,
      h(
        "div",
        { class: "banner" },
        icon("unlink"),
        h(
          "p",
          {},
          h("strong", {}, "This dashboard lost its server. "),
          tick(h("span", {}), () => `What you see was last true ${age(Math.max(0, Date.now() - link.sinceMs))} and is not live: ${link.why}.`),
        ),
        h("button", { class: "button", type: "button", "data-key": "retry-now", on: { click: () => deps.retryNow() } }, icon("retry"), "Try now"),
      ),
    );
  };
  deps.store.on(signal, (change) => {
    if (change.t === "link") showBanner();
  });
  showBanner();
  return { root, main };
}

function header({ store, openClaim, openHelp }: ShellDeps, signal: AbortSignal): HTMLElement {
  const state = h("span", { class: "live-state" });
  const show = (): void => {
    const { link } = store;
    state.dataset["state"] = link.kind;
    if (link.kind === "lost") {
      refill(state, dot(), tick(h("span", {}), () => `Not live, next try ${link.nextTryMs > Date.now() ? `in ${duration(Math.ceil((link.nextTryMs - Date.now()) / 1_000) * 1_000)}` : "now"}`));
    } else refill(state, dot(), link.kind === "live" ? "Live" : "Connecting…");
  };
  store.on(signal, (change) => {
    if (change.t === "link") show();
  });
  show();
  return h(
    "header",
    { class: "site-header" },
    h("a", { class: "brand", href: "#/", "aria-label": "Vitrine, fleet" }, icon("logo", "brand-mark"), h("span", {}, "Vitrine")),
    h("p", { class: "purpose" }, h("strong", {}, "Development cloud"), h("span", {}, " for development and tests only")),
    h("div", { class: "header-end" }, state,
      h("button", { class: "button", type: "button", "data-key": "claim", on: { click: openClaim } }, icon("plus"), "Claim a device"),
      h("button", { class: "icon-button", type: "button", "data-key": "help", "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts (?)", on: { click: openHelp } }, icon("keyboard")),
    ),
  );
}
