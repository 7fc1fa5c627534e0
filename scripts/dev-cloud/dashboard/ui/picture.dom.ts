import type { DeviceSummary } from "../model/api-types.ts";
import { age } from "../model/format.ts";
import type { Store } from "../data/store.dom.ts";
import { h } from "./dom.dom.ts";
import { icon } from "./icon.dom.ts";
import { tick } from "./ticker.dom.ts";

/** Older than this the picture of an online device is no longer called live. */
const LIVE_MS = 30_000;

export interface Picture {
  readonly root: HTMLElement;
  update(): void;
}

/**
 * The newest picture of a device's page with its age. It is what the page drew, never proof of what is on the
 * glass; of an offline device, or when the server is lost, it is greyed and says that it is old.
 */
export function picture(store: Store, id: string, large: boolean): Picture {
  const device = (): DeviceSummary | undefined => store.devices.get(id);
  const image = h("img", { class: "picture-image", alt: "", hidden: true, decoding: "async" });
  const empty = h("div", { class: "picture-empty" });
  const label = h("figcaption", { class: "picture-age" });
  const root = h("figure", { class: large ? "picture picture-large" : "picture" }, empty, image, label);
  let shown: string | undefined;

  const isLive = (): boolean => {
    const now = device();
    const taken = now?.screenshot?.takenMs;
    return now?.link.state === "online" && store.freshness.live && taken !== undefined && store.nowMs() - taken < LIVE_MS;
  };
  tick(label, () => {
    root.classList.toggle("is-old", !isLive());
    const taken = device()?.screenshot?.takenMs;
    if (taken === undefined) return "";
    const when = age(Math.max(0, store.nowMs() - taken));
    if (large) return isLive() ? `Drawn by the page ${when} — not proof of what is on the glass` : `Old picture: drawn by the page ${when}`;
    return isLive() ? `drawn ${when}` : `old picture, ${when}`;
  });

  const swap = (url: string): void => {
    const next = new Image();
    next.src = url;
    next.decode().then(
      () => {
        if (shown !== url) return;
        image.src = url;
        image.hidden = false;
        empty.hidden = true;
      },
      () => {
        // Pruned on the server or not a picture at all: what was there stays, with its age.
        shown = undefined;
      },
    );
  };

  const update = (): void => {
    const now = device();
    image.alt = now === undefined ? "" : `Screenshot of ${now.name}`;
    const url = now?.screenshot?.url;
    if (url === undefined) {
      image.hidden = true;
      empty.hidden = false;
      shown = undefined;
      empty.replaceChildren(icon("image"), h("span", {}, emptyText(now)));
    } else if (url !== shown && url.startsWith("/api/v1/uploads/")) {
      shown = url;
      swap(url);
    }
  };
  update();
  return { root, update };
}

function emptyText(device: DeviceSummary | undefined): string {
  if (device === undefined || !device.claimed) return "Pictures come once it is claimed";
  return device.link.state === "online" ? "No picture yet" : "No picture was taken";
}
