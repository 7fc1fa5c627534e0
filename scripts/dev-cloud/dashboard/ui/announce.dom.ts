import type { Issue } from "../../../../platform/ports/result.ts";
import { h } from "./dom.dom.ts";
import { icon, type IconName } from "./icon.dom.ts";

export type NoticeTone = "good" | "bad" | "plain";

const NOTICES_MAX = 4;
const STAY_MS: Readonly<Record<NoticeTone, number>> = { plain: 6_000, good: 6_000, bad: 15_000 };
const ICONS: Readonly<Record<NoticeTone, IconName>> = { good: "check", bad: "alert", plain: "dot" };

/** Short notices at the edge of the page, and their live regions: outcomes are polite, failures interrupt. */
export class Announcer {
  readonly root = h("div", { class: "notices" });
  readonly #polite = h("div", { role: "status", "aria-live": "polite", "aria-label": "Outcomes" });
  readonly #urgent = h("div", { role: "alert", "aria-label": "Problems" });

  constructor() {
    this.root.append(this.#urgent, this.#polite);
  }

  say(text: string, tone: NoticeTone = "plain"): void {
    const region = tone === "bad" ? this.#urgent : this.#polite;
    const close = h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss", on: { click: () => notice.remove() } }, icon("cross"));
    const notice = h("div", { class: `notice notice-${tone}` }, icon(ICONS[tone]), h("p", {}, text), close);
    region.append(notice);
    while (region.childElementCount > NOTICES_MAX) region.firstElementChild?.remove();
    setTimeout(() => {
      // Nobody loses a message they are about to close or copy.
      if (!notice.matches(":hover, :focus-within")) notice.remove();
      else notice.addEventListener("mouseleave", () => notice.remove(), { once: true });
    }, STAY_MS[tone]);
  }

  issue(what: string, issue: Issue): void {
    this.say(`${what}: ${issue.message}${issue.hint === undefined ? "" : ` — ${issue.hint}`} (${issue.code})`, "bad");
  }
}
