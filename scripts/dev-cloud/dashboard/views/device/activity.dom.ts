import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { RecordView } from "../../model/api-types.ts";
import { lineOf } from "../../model/record-text.ts";
import { pill } from "../../ui/badges.dom.ts";
import { useAgain, useChanges, useFreshId, useSignal, type View } from "../../ui/hooks.dom.ts";
import { pathOf, type SectionProps } from "./context.dom.ts";

const STREAMS = [["event", "Events"], ["play", "Proof of play"], ["alarm", "Alarms"], ["outcome", "Outcomes"]] as const;
const PAGE = 100;
/** Rows kept on the page; dropped ones are counted. */
const ROWS_MAX = 500;

interface Row {
  readonly record: RecordView;
  readonly kind: string;
  readonly line: ReturnType<typeof lineOf>;
  /** Text searched by the filter. */
  readonly text: string;
}

/** Rows on the page, newest first, and counts of those that are not shown. */
interface Held {
  rows: ReadonlyMap<number, Row>;
  dropped: number;
  skipped: number;
}

let kept: { readonly streams: readonly string[]; readonly text: string } = { streams: STREAMS.map(([stream]) => stream), text: "" };

/** Records of the device, live and newest first. Those sent after an offline period are marked as replayed. */
export function Activity({ context }: SectionProps): View {
  const { store, announcer, id } = context;
  const signal = useSignal();
  const searchId = useFreshId("filter");
  const held = useRef<Held>({ rows: new Map(), dropped: 0, skipped: 0 }).current;
  const again = useAgain();
  const [next, setNext] = useState<number | null>(null);
  const [filter, setFilter] = useState(kept);
  kept = filter;

  const add = (records: readonly RecordView[], skipped = 0): void => {
    const all = new Map(held.rows);
    for (const record of records) if (record.stream !== "metric" && !all.has(record.cursor)) all.set(record.cursor, rowOf(record));
    const newest = [...all].sort(([left], [right]) => right - left);
    held.rows = new Map(newest.slice(0, ROWS_MAX));
    held.dropped += newest.length - held.rows.size;
    held.skipped += skipped;
    again();
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
    if (before !== undefined || next === null) setNext(answer.value.next);
  };
  useChanges(store, (change) => {
    if (change.t === "records" && change.id === id) add(change.records, change.skipped);
    if (change.t === "reload") void load();
  });
  useEffect(() => void load(), []);
  const { rows, dropped, skipped } = held;
  const words = filter.text.toLowerCase().split(/\s+/);
  const shown = [...rows.values()].filter(({ record, text }) => filter.streams.includes(record.stream) && words.every((word) => text.includes(word)));
  const notes = [`${shown.length} of ${rows.size} shown`, dropped > 0 ? `${dropped} older ones were removed from the page` : "", skipped > 0 ? `${skipped} arrived too fast to be shown` : ""];
  const toggle = (stream: string): void => setFilter({ ...filter, streams: filter.streams.includes(stream) ? filter.streams.filter((other) => other !== stream) : [...filter.streams, stream] });
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Activity"), h("p", { class: "muted", role: "status" }, rows.size === 0 ? "Nothing received yet." : `${notes.filter((note) => note !== "").join("; ")}.`)),
    h(
      "div",
      { class: "toolbar", role: "search" },
      h(
        "div",
        { class: "search" },
        h("label", { class: "sr-only", for: searchId }, "Filter"),
        h("input", { class: "input", id: searchId, type: "search", placeholder: "Filter by any word", autocomplete: "off", spellcheck: false, "data-find": true, value: filter.text, onInput: ({ currentTarget }) => setFilter({ ...filter, text: currentTarget.value }) }),
      ),
      h("fieldset", { class: "chips" }, h("legend", { class: "sr-only" }, "Streams"), STREAMS.map(([stream, label]) =>
        h("label", { class: "chip" }, h("input", { type: "checkbox", checked: filter.streams.includes(stream), onChange: () => toggle(stream) }), h("span", { class: "chip-face" }, label)))),
    ),
    h(
      "div",
      { class: "box table-scroll", tabIndex: 0, role: "region", "aria-label": "Records, newest first" },
      h("table", { class: "table activity" }, h("thead", {}, h("tr", {}, ["Time", "Kind", "What", "Detail"].map((title) => h("th", { scope: "col" }, title)))), h("tbody", {}, shown.map(rowView))),
    ),
    next === null || rows.size >= ROWS_MAX ? null : h("button", { class: "button", type: "button", onClick: () => void load(next) }, "Load older"),
  );
}

function rowOf(record: RecordView): Row {
  const line = lineOf(record);
  const kind = record.stream === "event" ? record.kind : record.stream;
  return { record, kind, line, text: `${record.stream} ${kind} ${line.title} ${line.detail} ${record.replay ? "replayed" : ""}`.toLowerCase() };
}

function rowView({ record, kind, line: { tone, title, detail } }: Row): View {
  const when = new Date(record.wallMs);
  const today = when.toDateString() === new Date(record.receivedMs).toDateString();
  return h(
    "tr",
    { key: record.cursor, class: record.replay ? "is-replay" : "" },
    h("td", { class: "nowrap", title: `${when.toISOString()} by the device (clock ${record.clock}), received ${new Date(record.receivedMs).toLocaleString()}` }, today ? when.toLocaleTimeString() : when.toLocaleString()),
    h("td", { class: "nowrap" }, h("span", { class: `mark mark-${tone}` }, kind), record.replay ? pill("calm", "replayed", "clock") : null),
    h("th", { scope: "row", class: "cell-title" }, title),
    h("td", { class: "cell-detail" }, detail),
  );
}
