import type { SeriesAnswer } from "../../model/api-types.ts";
import { brief, metricTitle, unitOf } from "../../model/format.ts";
import { chart, type Chart } from "../../ui/chart.dom.ts";
import { freshId, h } from "../../ui/dom.dom.ts";
import { type DeviceContext, pathOf } from "./context.dom.ts";

const RANGES: readonly (readonly [string, number])[] = [["15 min", 900_000], ["1 h", 3_600_000], ["6 h", 21_600_000], ["24 h", 86_400_000], ["7 d", 604_800_000]];
const METRICS_PER_QUERY = 32;
const BUCKETS = 180;
const REFRESH_MS = 10_000;
let keptRangeMs = 3_600_000;

interface Metric {
  readonly name: string;
  readonly last: number;
}

/** One chart per metric, each with its band from lowest to highest. Times are the device's own. */
export function telemetrySection(context: DeviceContext): HTMLElement {
  const { store, signal } = context;
  const grid = h("div", { class: "chart-grid" });
  const note = h("p", { class: "muted", role: "status" }, "Loading…");
  const charts = new Map<string, Chart>();
  const rangeName = freshId("range");
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;

  const load = async (): Promise<void> => {
    const mine = (turn += 1);
    clearTimeout(timer);
    const found = await store.api.get<{ metrics: readonly Metric[] }>(pathOf(context, "/telemetry/metrics"), signal);
    if (signal.aborted || mine !== turn) return;
    timer = setTimeout(() => void load(), REFRESH_MS);
    if (!found.ok) {
      note.textContent = `Telemetry could not be loaded: ${found.error.message}`;
      return;
    }
    const metrics = [...found.value.metrics].sort((left, right) => left.name.localeCompare(right.name));
    note.textContent = metrics.length === 0 ? "The device has sent no telemetry yet." : "";
    arrange(metrics);
    const toMs = Math.round(store.nowMs());
    for (let at = 0; at < metrics.length; at += METRICS_PER_QUERY) await fill(metrics.slice(at, at + METRICS_PER_QUERY), toMs, mine);
  };
  const fill = async (metrics: readonly Metric[], toMs: number, mine: number): Promise<void> => {
    const names = metrics.map((metric) => encodeURIComponent(metric.name)).join(",");
    const answer = await store.api.get<SeriesAnswer>(pathOf(context, `/telemetry?metrics=${names}&fromMs=${toMs - keptRangeMs}&toMs=${toMs}&buckets=${BUCKETS}`), signal);
    if (signal.aborted || mine !== turn || !answer.ok) return;
    for (const { name, last } of metrics) {
      charts.get(name)?.update({ points: answer.value.series[name] ?? [], fromMs: answer.value.fromMs, toMs: answer.value.toMs, bucketMs: answer.value.bucketMs, last });
    }
  };
  /** Charts that are there stay where they are: one that is taken out and put back loses the focus, and its reader's place. */
  const arrange = (metrics: readonly Metric[]): void => {
    const names = new Set(metrics.map((metric) => metric.name));
    for (const [name, { root }] of charts) {
      if (names.has(name)) continue;
      root.remove();
      charts.delete(name);
    }
    let place = grid.firstElementChild;
    for (const name of names) {
      const known = charts.get(name) ?? chart(metricTitle(brief(name, 64)), unitOf(name), name.endsWith("percent"));
      charts.set(name, known);
      if (known.root === place) place = place.nextElementSibling;
      else grid.insertBefore(known.root, place);
    }
  };
  const ranges = RANGES.map(([label, lengthMs]) => {
    const radio = h("input", { type: "radio", name: rangeName, checked: lengthMs === keptRangeMs });
    radio.addEventListener("change", () => {
      keptRangeMs = lengthMs;
      void load();
    });
    return h("label", {}, radio, h("span", {}, label));
  });
  store.on(signal, (change) => {
    if (change.t === "reload") void load();
  });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  void load();
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Telemetry"), h("div", { class: "segmented", role: "radiogroup", "aria-label": "Range" }, ...ranges)),
    note,
    grid,
  );
}
