import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { SeriesAnswer } from "../../model/api-types.ts";
import { brief, metricTitle, unitOf } from "../../model/format.ts";
import { Chart, NO_DATA, type ChartData } from "../../ui/chart.dom.ts";
import { useChanges, useFreshId, type View } from "../../ui/hooks.dom.ts";
import { pathOf, type SectionProps } from "./context.dom.ts";

const RANGES: readonly (readonly [string, number])[] = [["15 min", 900_000], ["1 h", 3_600_000], ["6 h", 21_600_000], ["24 h", 86_400_000], ["7 d", 604_800_000]];
const METRICS_PER_QUERY = 32;
const BUCKETS = 180;
const REFRESH_MS = 10_000;
let keptRangeMs = 3_600_000;

interface Metric {
  readonly name: string;
  readonly last: number;
}

/** One chart per metric. Times are by the device's clock. */
export function Telemetry({ context }: SectionProps): View {
  const { store } = context;
  const [rangeMs, setRangeMs] = useState(keptRangeMs);
  keptRangeMs = rangeMs;
  const [note, setNote] = useState("Loading…");
  const [metrics, setMetrics] = useState<readonly Metric[]>([]);
  const [data, setData] = useState<ReadonlyMap<string, ChartData>>(new Map());
  const [turn, setTurn] = useState(0);
  const rangeName = useFreshId("range");
  /** `asked`: a question is under way; `again`: another one follows its answer. A slow server is not asked twice at a time. */
  const question = useRef<"none" | "asked" | "again">("none");
  useChanges(store, ({ t }) => {
    if (t !== "reload") return;
    if (question.current === "none") setTurn((before) => before + 1);
    else question.current = "again";
  });

  const load = async (signal: AbortSignal): Promise<void> => {
    const found = await store.api.get<{ metrics: readonly Metric[] }>(pathOf(context, "/telemetry/metrics"), signal);
    if (signal.aborted) return;
    if (!found.ok) {
      setNote(`Telemetry could not be loaded: ${found.error.message}`);
      return;
    }
    const known = [...found.value.metrics].sort((left, right) => left.name.localeCompare(right.name));
    setNote(known.length === 0 ? "The device has sent no telemetry yet." : "");
    setMetrics(known);
    const toMs = Math.round(store.nowMs());
    for (let at = 0; at < known.length; at += METRICS_PER_QUERY) await fill(known.slice(at, at + METRICS_PER_QUERY), toMs, signal);
  };
  const fill = async (part: readonly Metric[], toMs: number, signal: AbortSignal): Promise<void> => {
    const names = part.map((metric) => encodeURIComponent(metric.name)).join(",");
    const answer = await store.api.get<SeriesAnswer>(pathOf(context, `/telemetry?metrics=${names}&fromMs=${toMs - rangeMs}&toMs=${toMs}&buckets=${BUCKETS}`), signal);
    if (signal.aborted || !answer.ok) return;
    const { series, ...range } = answer.value;
    setData((before) => new Map([...before, ...part.map(({ name, last }) => [name, { ...range, points: series[name] ?? [], last }] as const)]));
  };
  useEffect(() => {
    const ends = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    question.current = "asked";
    void load(ends.signal).then(() => {
      if (ends.signal.aborted) return;
      if (question.current === "again") setTurn(turn + 1);
      else timer = setTimeout(() => setTurn(turn + 1), REFRESH_MS);
      question.current = "none";
    });
    return () => {
      clearTimeout(timer);
      ends.abort();
    };
  }, [turn, rangeMs]);
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "section-head" },
      h("h2", {}, "Telemetry"),
      h("div", { class: "segmented", role: "radiogroup", "aria-label": "Range" }, RANGES.map(([label, lengthMs]) =>
        h("label", {}, h("input", { type: "radio", name: rangeName, checked: lengthMs === rangeMs, onChange: () => setRangeMs(lengthMs) }), h("span", {}, label)))),
    ),
    h("p", { class: "muted", role: "status" }, note),
    h("div", { class: "chart-grid" }, metrics.map(({ name }) => h(Chart, { key: name, title: metricTitle(brief(name, 64)), unit: unitOf(name), percent: name.endsWith("percent"), data: data.get(name) ?? NO_DATA }))),
  );
}
