import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { UploadView } from "../../model/api-types.ts";
import { bytes } from "../../model/format.ts";
import { pill } from "../../ui/badges.dom.ts";
import { useChanges, useSignal, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { pathOf, type SectionProps } from "./context.dom.ts";

const LIMIT = 100;

/** Uploads of the device, without the dashboard's own live pictures. */
export function Files({ context }: SectionProps): View {
  const { store, announcer, id } = context;
  const signal = useSignal();
  const [uploads, setUploads] = useState<readonly UploadView[]>();
  const load = async (): Promise<void> => {
    const answer = await store.api.get<{ uploads: readonly UploadView[] }>(pathOf(context, `/uploads?limit=${LIMIT}`), signal);
    if (signal.aborted) return;
    if (answer.ok) setUploads(answer.value.uploads.filter((upload) => !upload.internal));
    else announcer.issue("Files could not be loaded", answer.error);
  };
  useChanges(store, (change) => {
    if ((change.t === "upload" && change.upload.device === id && !change.upload.internal) || change.t === "reload") void load();
  });
  useEffect(() => void load(), []);
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Files")),
    h("ul", { class: "file-grid", "aria-label": "Files, newest first" }, uploads?.map((upload) => fileItem(upload))),
    uploads?.length === 0 ? h("div", { class: "empty" }, "Nothing has been uploaded yet. The commands screenshot and logs.collect upload files.") : null,
  );
}

function fileItem(upload: UploadView): View {
  const picture = upload.url !== null && /^image\/(?:png|jpeg)$/.test(upload.contentType);
  const when = new Date(upload.completedMs ?? upload.createdMs).toLocaleString();
  return h(
    "li",
    { class: "file", key: upload.id },
    h("div", { class: "file-face" }, picture && upload.url !== null ? h("img", { src: upload.url, alt: `Screenshot of ${when}`, loading: "lazy", decoding: "async" }) : icon("file", "icon-large")),
    h(
      "div",
      { class: "file-text" },
      h("p", { class: "clip" }, h("strong", {}, upload.name)),
      h("p", { class: "muted small" }, `${upload.purpose}, ${bytes(upload.bytes)}, ${when}`),
      upload.url === null
        ? pill(upload.state === "failed" || upload.state === "expired" ? "bad" : "calm", upload.state)
        : h("p", { class: "button-row" },
            picture ? h("a", { class: "button", href: upload.url, target: "_blank", rel: "noopener" }, "Open") : null,
            h("a", { class: "button", href: `${upload.url}?download=1` }, icon("download"), "Download"),
          ),
    ),
  );
}
