import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DeviceSummary } from "../model/api-types.ts";
import { age } from "../model/format.ts";
import type { Store } from "../data/store.dom.ts";
import { useTicking, type View } from "./hooks.dom.ts";
import { icon } from "./icon.dom.ts";

/** Older than this the picture of an online device is no longer called live. */
const LIVE_MS = 30_000;

interface Shown {
  readonly url: string;
  readonly takenMs: number;
}

/** Why the picture at `url` is not shown. `isGone`: the server has pruned it. */
interface Failure {
  readonly url: string;
  readonly isGone: boolean;
}

/**
 * The newest picture of a device's page with its age. It shows what the page drew, not what the display shows. It is
 * greyed out and called old while the device is offline or the server is lost. When the newest cannot be loaded, an
 * earlier one stays with its own age.
 */
export function Picture({ store, device, large = false }: { readonly store: Store; readonly device: DeviceSummary | undefined; readonly large?: boolean }): View {
  useTicking();
  const [decoded, setDecoded] = useState<Shown>();
  const [failed, setFailed] = useState<Failure>();
  const newest = device?.screenshot?.url.startsWith("/api/v1/uploads/") === true ? device.screenshot : undefined;
  useEffect(() => {
    if (newest === undefined) return undefined;
    const { url, takenMs, upload } = newest;
    let wanted = true;
    const next = new Image();
    next.src = url;
    next.decode().then(
      () => {
        if (wanted) setDecoded({ url, takenMs });
      },
      async () => {
        // A failed decode does not say why, so ask the server whether it still has the upload.
        const answer = await store.api.get(`/uploads/${encodeURIComponent(upload)}`);
        if (wanted) setFailed({ url, isGone: !answer.ok && answer.error.code === "upload.unknown" });
      },
    );
    return () => void (wanted = false);
  }, [newest?.url]);
  const shown = newest === undefined ? undefined : decoded;
  const ageOf = (takenMs: number): string => age(Math.max(0, store.nowMs() - takenMs));
  const live = device?.link.state === "online" && store.freshness.live && shown !== undefined && store.nowMs() - shown.takenMs < LIVE_MS;
  return h(
    "figure",
    { class: `picture${large ? " picture-large" : ""}${live ? "" : " is-old"}` },
    shown === undefined
      ? h("div", { class: "picture-empty" }, icon("image"), h("span", {}, newest === undefined ? emptyText(device) : missingText(ageOf(newest.takenMs), failed?.url === newest.url ? failed : undefined)))
      : h("img", { class: "picture-image", alt: device === undefined ? "" : `Screenshot of ${device.name}`, src: shown.url, decoding: "async" }),
    h("figcaption", { class: "picture-age" }, shown === undefined ? "" : ageText(ageOf(shown.takenMs), live, large)),
  );
}

function ageText(when: string, live: boolean, large: boolean): string {
  if (large) return live ? `Drawn by the page ${when} — not proof of what the display shows` : `Old picture: drawn by the page ${when}`;
  return live ? `drawn ${when}` : `old picture, ${when}`;
}

function emptyText(device: DeviceSummary | undefined): string {
  if (device === undefined || !device.claimed) return "Pictures appear once the device is claimed";
  return device.link.state === "online" ? "No picture yet" : "No picture was taken";
}

function missingText(when: string, failed: Failure | undefined): string {
  if (failed === undefined) return "Loading the picture…";
  return failed.isGone ? `The picture drawn ${when} is no longer kept` : `The picture drawn ${when} could not be loaded`;
}
