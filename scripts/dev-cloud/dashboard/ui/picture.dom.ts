import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DeviceSummary } from "../model/api-types.ts";
import { age } from "../model/format.ts";
import type { Store } from "../data/store.dom.ts";
import { useTicking, type View } from "./hooks.dom.ts";
import { icon } from "./icon.dom.ts";

/** Older than this the picture of an online device is no longer called live. */
const LIVE_MS = 30_000;

/**
 * The newest picture of a device's page with its age. It is what the page drew, never proof of what is on the
 * glass; of an offline device, or when the server is lost, it is greyed and says that it is old.
 */
export function Picture({ store, device, large = false }: { readonly store: Store; readonly device: DeviceSummary | undefined; readonly large?: boolean }): View {
  useTicking();
  const [decoded, setDecoded] = useState<string>();
  const url = device?.screenshot?.url.startsWith("/api/v1/uploads/") === true ? device.screenshot.url : undefined;
  useEffect(() => {
    if (url === undefined) return undefined;
    let wanted = true;
    const next = new Image();
    next.src = url;
    next.decode().then(
      () => {
        if (wanted) setDecoded(url);
      },
      () => {
        // Pruned on the server or not a picture at all: what was there stays, with its age.
      },
    );
    return () => void (wanted = false);
  }, [url]);
  const taken = device?.screenshot?.takenMs;
  const live = device?.link.state === "online" && store.freshness.live && taken !== undefined && store.nowMs() - taken < LIVE_MS;
  const image = url === undefined ? undefined : decoded;
  return h(
    "figure",
    { class: `picture${large ? " picture-large" : ""}${live ? "" : " is-old"}` },
    image === undefined
      ? h("div", { class: "picture-empty" }, icon("image"), h("span", {}, emptyText(device)))
      : h("img", { class: "picture-image", alt: device === undefined ? "" : `Screenshot of ${device.name}`, src: image, decoding: "async" }),
    h("figcaption", { class: "picture-age" }, taken === undefined ? "" : ageText(age(Math.max(0, store.nowMs() - taken)), live, large)),
  );
}

function ageText(when: string, live: boolean, large: boolean): string {
  if (large) return live ? `Drawn by the page ${when} — not proof of what is on the glass` : `Old picture: drawn by the page ${when}`;
  return live ? `drawn ${when}` : `old picture, ${when}`;
}

function emptyText(device: DeviceSummary | undefined): string {
  if (device === undefined || !device.claimed) return "Pictures come once it is claimed";
  return device.link.state === "online" ? "No picture yet" : "No picture was taken";
}
