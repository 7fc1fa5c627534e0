import { h, type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { age, duration } from "../model/format.ts";
import { Notices, type Announcer } from "../ui/announce.dom.ts";
import { dot } from "../ui/badges.dom.ts";
import { Ticking, useDrawnOn, type View } from "../ui/hooks.dom.ts";
import { icon } from "../ui/icon.dom.ts";
import type { Store } from "../data/store.dom.ts";

export interface ShellProps {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly openClaim: () => void;
  readonly openHelp: () => void;
  readonly retryNow: () => void;
  readonly children?: ComponentChildren;
}

/** The frame of every page: skip link, header, banner for a lost server, and the current view. */
export function Shell(props: ShellProps): View[] {
  const { store, announcer, children } = props;
  const main = useRef<HTMLElement>(null);
  useDrawnOn(store, ({ t }) => t === "link");
  // The hash is used for routing, so the link moves the focus itself.
  const skip = (event: Event): void => {
    event.preventDefault();
    main.current?.focus();
  };
  return [
    h("a", { class: "skip-link", href: "#main", onClick: skip }, "Skip to the content"),
    h(Header, props),
    h(Banner, props),
    h("main", { id: "main", tabIndex: -1, ref: main }, children),
    h(Notices, { announcer }),
  ];
}

function Banner({ store: { link }, announcer, retryNow }: ShellProps): View {
  const lost = link.kind === "lost";
  const wasLost = useRef(false);
  useLayoutEffect(() => void document.documentElement.classList.toggle("is-stale", lost), [lost]);
  useEffect(() => {
    if (wasLost.current && !lost) announcer.say("Connected again. What you see is live.", "good");
    wasLost.current = lost;
  }, [lost]);
  return h(
    "div",
    { role: "alert", class: "banner-place" },
    lost
      ? h(
          "div",
          { class: "banner" },
          icon("unlink"),
          h(
            "p",
            {},
            h("strong", {}, "This dashboard lost its server. "),
            h(Ticking, { text: () => `What you see was last updated ${age(Math.max(0, Date.now() - link.sinceMs))} and is not live: ${link.why}.` }),
          ),
          h("button", { class: "button", type: "button", onClick: retryNow }, icon("retry"), "Try now"),
        )
      : null,
  );
}

function Header({ store: { link }, openClaim, openHelp }: ShellProps): View {
  const nextTry = (atMs: number): string => (atMs > Date.now() ? `in ${duration(Math.ceil((atMs - Date.now()) / 1_000) * 1_000)}` : "now");
  return h(
    "header",
    { class: "site-header" },
    h("a", { class: "brand", href: "#/", "aria-label": "Vitrine, fleet" }, icon("logo", "brand-mark"), h("span", {}, "Vitrine")),
    h("p", { class: "purpose" }, h("strong", {}, "Development cloud"), h("span", {}, " for development and tests only")),
    h(
      "div",
      { class: "header-end" },
      h("span", { class: "live-state", "data-state": link.kind }, dot(), link.kind === "lost" ? h(Ticking, { text: () => `Not live, next try ${nextTry(link.nextTryMs)}` }) : link.kind === "live" ? "Live" : "Connecting…"),
      h("button", { class: "button", type: "button", onClick: openClaim }, icon("plus"), "Claim a device"),
      h("button", { class: "icon-button", type: "button", "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts (?)", onClick: openHelp }, icon("keyboard")),
    ),
  );
}
