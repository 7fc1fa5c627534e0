import type { RecordView } from "../../model/api-types.ts";
import { lineOf } from "../../model/record-text.ts";
import { pill } from "../../ui/badges.dom.ts";
import { freshId, h } from "../../ui/dom.dom.ts";
import { type DeviceContext, pathOf } from "./context.dom.ts";

const STREAMS = [["event", "Events"], ["play", "Proof of play"], ["alarm", "Alarms"], ["outcome", "Outcomes"]] as const;
const PAGE = 100;
/** Rows on the page at most; more are counted and can be loaded again. */
const ROWS_MAX = 500;

interface Row {
  readonly element: HTMLElement;
  readonly record: RecordView;
  readonly text: string;
}

const kept = { streams: new Set<string>(STREAMS.map(([stream]) => stream)), text: "" };

/** What the device sent, live, newest first. What it had stored while it was away is marked as replayed. */
export function activitySection(context: DeviceContext): HTMLElement {
  const { store, announcer, signal, id } = context;
  const rows = new Map<number, Row>();
  const body = h("tbody");
  const status = h("p", { class: "muted", role: "status" });
  const more = h("button", { class: "button", type: "button", hidden: true }, "Load older ones");
  const searchId = freshId("filter");
  const search = h("input", { class: "input", id: searchId, type: "search", placeholder: "Filter by any word", autocomplete: "off", spellcheck: "false", "data-find": true });
  search.value = kept.text;
  let next: number | null = null;
  let dropped = 0;
  let skipped = 0;

  const isWanted = (row: Row): boolean => kept.streams.has(row.record.stream) && kept.text.toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
  const show = (): void => {
    let shown = 0;
    for (const row of rows.values()) {
      row.element.hidden = !isWanted(row);
      if (!row.element.hidden) shown += 1;
    }
    const notes = [`${shown} of ${rows.size} shown`, dropped > 0 ? `${dropped} older ones left the page` : "", skipped > 0 ? `${skipped} came too fast to be shown` : ""];
    status.textContent = rows.size === 0 ? "Nothing was heard yet." : `${notes.filter((note) => note !== "").join("; ")}.`;
  };
  const add = (records: readonly RecordView[]): void => {
    for (const record of records) {
      if (rows.has(record.cursor) || record.stream === "metric") continue;
      const row = rowOf(record);
      rows.set(record.cursor, row);
      // Cursors rise: the right place is before the first older one, which is nearly always the first row.
      const after = [...body.children].find((child) => Number((child as HTMLElement).dataset["cursor"]) < record.cursor);
      body.insertBefore(row.element, after ?? null);
    }
    for (const cursor of [...rows.keys()].sort((left, right) => left - right).slice(0, Math.max(0, rows.size - ROWS_MAX))) {
      rows.get(cursor)?.element.remove();
      rows.delete(cursor);
      dropped += 1;
    }
    show();
  };
  const load = async (before?: number): Promise<void> => {
    const query = before === undefined ? "" : `&before=${before}`;
    const answer = await store.api.get<{ records: readonly RecordView[]; next: number | null }>(pathOf(context, `/records?limit=${PAGE}${query}`), signal);
    if (signal.aborted) return;
    if (!answer.ok) {
      announcer.issue("Records could not be loaded", answer.error);
      return;
    }
    add(answer.value.records);
    if (before !== undefined || next === null) next = answer.value.next;
    more.hidden = next === null || rows.size >= ROWS_MAX;
  };
  search.addEventListener("input", () => {
    kept.text = search.value;
    show();
  });
  more.addEventListener("click", () => {
    if (next !== null) void load(next);
  });
  store.on(signal, (change) => {
    if (change.t === "records" && change.id === id) {
      skipped += change.skipped;
      add(change.records);
    }
    if (change.t === "reload") void load();
  });
  void load();
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Activity"), status),
    h(
      "div",
      { class: "toolbar", role: "search" },
      h("div", { class: "search" }, h("label", { class: "sr-only", for: searchId }, "Filter"), search),
      h("fieldset", { class: "chips" }, h("legend", { class: "sr-only" }, "Streams"), ...STREAMS.map(([stream, label]) => streamChip(stream, label, show))),
    ),
    h(
      "div",
      { class: "box table-scroll", tabindex: "0", role: "region", "aria-label": "Records, newest first" },
      h("table", { class: "table activity" }, h("thead", {}, h("tr", {}, ...["Time", "Kind", "What", "Detail"].map((title) => h("th", { scope: "col" }, title)))), body),
    ),
    more,
  );
}

function streamChip(stream: string, label: string, show: () => void): HTMLElement {
  const box = h("input", { type: "checkbox", checked: kept.streams.has(stream) });
  box.addEventListener("change", () => {
    if (box.checked) kept.streams.add(stream);
    else kept.streams.delete(stream);
    show();
  });
  return h("label", { class: "chip" }, box, h("span", { class: "chip-face" }, label));
}

function rowOf(record: RecordView): Row {
  const { tone, title, detail } = lineOf(record);
  const when = new Date(record.wallMs);
  const today = when.toDateString() === new Date(record.receivedMs).toDateString();
  const kind = record.stream === "event" ? record.kind : record.stream;
  const element = h(
    "tr",
    { "data-cursor": record.cursor, class: record.replay ? "is-replay" : undefined },
    h("td", { class: "nowrap", title: `${when.toISOString()} by the device (clock ${record.clock}), heard ${new Date(record.receivedMs).toLocaleString()}` }, today ? when.toLocaleTimeString() : when.toLocaleString()),
    h("td", { class: "nowrap" }, h("span", { class: `mark mark-${tone}` }, kind), record.replay ? pill("calm", "replayed", "clock") : null),
    h("th", { scope: "row", class: "cell-title" }, title),
    h("td", { class: "cell-detail" }, detail),
  );
  return { element, record, text: `${record.stream} ${kind} ${title} ${detail} ${record.replay ? "replayed" : ""}`.toLowerCase() };
}
