import { h } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import type { Issue } from "../../../tool-result.ts";
import { useAgain, type View } from "./hooks.dom.ts";
import { icon, type IconName } from "./icon.dom.ts";

export type NoticeTone = "good" | "bad" | "plain";

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: NoticeTone;
}

const NOTICES_MAX = 4;
const STAY_MS: Readonly<Record<NoticeTone, number>> = { plain: 6_000, good: 6_000, bad: 15_000 };
const ICONS: Readonly<Record<NoticeTone, IconName>> = { good: "check", bad: "alert", plain: "dot" };

/** Short notices at the edge of the page, in live regions: outcomes are polite, failures assertive. */
export class Announcer {
  notices: readonly Notice[] = [];
  changed: () => void = () => undefined;
  #lastId = 0;

  say(text: string, tone: NoticeTone = "plain"): void {
    this.#lastId += 1;
    const same = this.notices.filter((notice) => (notice.tone === "bad") === (tone === "bad"));
    const dropped = new Set(same.slice(0, Math.max(0, same.length - NOTICES_MAX + 1)));
    this.notices = [...this.notices.filter((notice) => !dropped.has(notice)), { id: this.#lastId, text, tone }];
    this.changed();
  }

  issue(what: string, issue: Issue): void {
    this.say(`${what}: ${issue.message}${issue.hint === undefined ? "" : ` — ${issue.hint}`} (${issue.code})`, "bad");
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id);
    this.changed();
  }
}

export function Notices({ announcer }: { readonly announcer: Announcer }): View {
  const again = useAgain();
  useLayoutEffect(() => void (announcer.changed = again), [announcer]);
  const of = (bad: boolean): View[] => announcer.notices.filter(({ tone }) => (tone === "bad") === bad).map((notice) => h(NoticeLine, { key: notice.id, notice, dismiss: () => announcer.dismiss(notice.id) }));
  return h(
    "div",
    { class: "notices" },
    h("div", { role: "alert", "aria-label": "Problems" }, of(true)),
    h("div", { role: "status", "aria-live": "polite", "aria-label": "Outcomes" }, of(false)),
  );
}

function NoticeLine({ notice: { id, text, tone }, dismiss }: { readonly notice: Notice; readonly dismiss: () => void }): View {
  const elementId = `notice-${id}`;
  useEffect(() => {
    const timer = setTimeout(() => {
      const element = document.getElementById(elementId);
      // Keep a message that the user is about to close or copy.
      if (element?.matches(":hover, :focus-within") === true) element.addEventListener("mouseleave", dismiss, { once: true });
      else dismiss();
    }, STAY_MS[tone]);
    return () => clearTimeout(timer);
  }, []);
  return h(
    "div",
    { class: `notice notice-${tone}`, id: elementId },
    icon(ICONS[tone]),
    h("p", {}, text),
    h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss", onClick: dismiss }, icon("cross")),
  );
}
