import type { UploadView } from "../../model/api-types.ts";
import { bytes } from "../../model/format.ts";
import { pill } from "../../ui/badges.dom.ts";
import { h, refill } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, pathOf } from "./context.dom.ts";

const LIMIT = 100;

/** Screenshots and logs the device uploaded for somebody. The dashboard's own small pictures are not among them. */
export function filesSection(context: DeviceContext): HTMLElement {
  const { store, announcer, signal, id } = context;
  const list = h("ul", { class: "file-grid", "aria-label": "Files, newest first" });
  const empty = h("div", { class: "empty", hidden: true }, "Nothing was uploaded yet. The commands screenshot and logs.collect bring files here.");
  const load = async (): Promise<void> => {
    const answer = await store.api.get<{ uploads: readonly UploadView[] }>(pathOf(context, `/uploads?limit=${LIMIT}`), signal);
    if (signal.aborted) return;
    if (!answer.ok) {
      announcer.issue("Files could not be loaded", answer.error);
      return;
    }
    const uploads = answer.value.uploads.filter((upload) => !upload.internal);
    refill(list, ...uploads.map((upload) => fileItem(upload)));
    empty.hidden = uploads.length > 0;
  };
  store.on(signal, (change) => {
    if ((change.t === "upload" && change.upload.device === id && !change.upload.internal) || change.t === "reload") void load();
  });
  void load();
  return h("div", { class: "stack" }, h("div", { class: "section-head" }, h("h2", {}, "Files")), list, empty);
}

function fileItem(upload: UploadView): HTMLElement {
  const picture = upload.url !== null && /^image\/(?:png|jpeg)$/.test(upload.contentType);
  const when = new Date(upload.completedMs ?? upload.createdMs).toLocaleString();
  return h(
    "li",
    { class: "file" },
    h("div", { class: "file-face" }, picture && upload.url !== null ? h("img", { src: upload.url, alt: `Screenshot of ${when}`, loading: "lazy", decoding: "async" }) : icon("file", "icon-large")),
    h(
      "div",
      { class: "file-text" },
      h("p", { class: "clip" }, h("strong", {}, upload.name)),
      h("p", { class: "muted small" }, `${upload.purpose}, ${bytes(upload.bytes)}, ${when}`),
      upload.url === null
        ? pill(upload.state === "failed" || upload.state === "expired" ? "bad" : "calm", upload.state)
        : h("p", { class: "button-row" },
            picture ? h("a", { class: "button", href: upload.url, target: "_blank", rel: "noopener", "data-key": `open-${upload.id}` }, "Open") : null,
            h("a", { class: "button", href: `${upload.url}?download=1`, "data-key": `get-${upload.id}` }, icon("download"), "Download"),
          ),
    ),
  );
}
