import { h, type TargetedPointerEvent } from "preact";
import { useState } from "preact/hooks";
import type { SeriesPoint } from "../model/api-types.ts";
import { nearest, niceTicks, rangeOf, segments } from "../model/chart-scale.ts";
import { trimmed, type Unit } from "../model/format.ts";
import type { View } from "./hooks.dom.ts";

export interface ChartData {
  readonly points: readonly SeriesPoint[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
  readonly last: number | undefined;
}

export const NO_DATA: ChartData = { points: [], fromMs: 0, toMs: 1, bucketMs: 1, last: undefined };

export interface ChartProps {
  readonly title: string;
  readonly unit: Unit;
  readonly percent: boolean;
  readonly data: ChartData;
}

const WIDTH = 480;
const HEIGHT = 150;
const LEFT = 56;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 20;

/** Maps data to coordinates in the drawing. */
interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/**
 * One metric over time: a band from minimum to maximum, the mean as a line, and a crosshair moved by pointer or
 * arrow keys. Assistive technology sees a slider that speaks the time and values of each point.
 */
export function Chart({ title, unit, percent, data }: ChartProps): View {
  const { points, last } = data;
  const [chosen, choose] = useState<number>();
  const at = chosen === undefined || points.length === 0 ? undefined : Math.min(chosen, points.length - 1);
  const point = at === undefined ? undefined : points[at];
  const scale = scaleOf(data, unit, percent);
  const said = point === undefined ? summaryText(data, unit) : pointText(point, unit);
  const onPointer = (event: TargetedPointerEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    choose(nearest(points, data.fromMs + ((x - LEFT) / (WIDTH - LEFT - RIGHT)) * (data.toMs - data.fromMs)));
  };
  const onKey = (event: KeyboardEvent): void => {
    const target = keyTarget(event.key, at ?? points.length - 1, points.length);
    if (target === undefined) return;
    event.preventDefault();
    choose(target);
  };
  return h(
    "figure",
    { class: "chart box" },
    h("figcaption", { class: "chart-head" }, h("span", { class: "chart-title" }, title), h("span", { class: "chart-last" }, last === undefined ? "" : unit.format(last))),
    h(
      "svg",
      {
        class: "chart-picture", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "slider", "aria-label": `${title} over time`, "aria-orientation": "horizontal",
        "aria-valuemin": 0, "aria-valuemax": Math.max(0, points.length - 1), "aria-valuenow": at ?? 0, "aria-valuetext": said,
        onPointerMove: onPointer, onPointerLeave: () => choose(undefined), onBlur: () => choose(undefined), onFocus: () => choose(at ?? points.length - 1), onKeyDown: onKey,
      },
      h("g", {}, grid(data, scale), curves(data, scale)),
      point === undefined ? null : crosshair(scale.x(point[0]), scale.y(point[2])),
    ),
    h("p", { class: "chart-readout" }, said),
  );
}

function crosshair(x: number, y: number): View {
  return h("g", { class: "chart-cross" }, h("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }), h("circle", { cx: x, cy: y, r: 3.5 }));
}

function keyTarget(key: string, at: number, count: number): number | undefined {
  if (count === 0) return undefined;
  const moves: Readonly<Record<string, number>> = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: count - 1 };
  const target = moves[key];
  return target === undefined ? undefined : Math.max(0, Math.min(count - 1, target));
}

function scaleOf({ points, fromMs, toMs }: ChartData, unit: Unit, percent: boolean): Scale {
  const [low, high] = rangeOf(points, percent);
  const { divisor, name } = unit.axis(high);
  const steps = percent ? [0, 50, 100] : niceTicks(low / divisor, high / divisor, 3);
  const digits = Math.max(0, Math.min(3, Math.ceil(-Math.log10(Math.abs((steps[1] ?? 1) - (steps[0] ?? 0)) || 1))));
  const ticks = steps.map((step) => ({ value: step * divisor, label: `${trimmed(step, digits)} ${name}`.trim() }));
  const [bottom, top] = [Math.min(low, ticks[0]?.value ?? low), Math.max(high, ticks.at(-1)?.value ?? high)];
  return {
    ticks,
    x: (ms) => LEFT + ((ms - fromMs) / Math.max(1, toMs - fromMs)) * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - ((value - bottom) / Math.max(1e-9, top - bottom)) * (HEIGHT - TOP - BOTTOM),
  };
}

function grid({ fromMs, toMs }: ChartData, { x, y, ticks }: Scale): View[] {
  const lines = ticks.flatMap(({ value, label }) => [
    h("line", { class: "chart-grid-line", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    h("text", { class: "chart-label", x: LEFT - 6, y: y(value) + 3.5, "text-anchor": "end" }, label),
  ]);
  const long = toMs - fromMs > 2 * 86_400_000;
  const times = [0, 0.5, 1].map((part) => {
    const ms = fromMs + (toMs - fromMs) * part;
    const when = new Date(ms);
    const text = long ? when.toLocaleDateString([], { day: "numeric", month: "short" }) : when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    return h("text", { class: "chart-label", x: x(ms), y: HEIGHT - 5, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" }, text);
  });
  return [...lines, ...times];
}

function curves({ points, bucketMs }: ChartData, { x, y }: Scale): View[] {
  return segments(points, bucketMs).flatMap((run): View[] => {
    const first = run[0];
    if (first === undefined) return [];
    if (run.length === 1) return [h("line", { class: "chart-lone", x1: x(first[0]), x2: x(first[0]), y1: y(first[1]), y2: y(first[3]) }), h("circle", { class: "chart-dot", cx: x(first[0]), cy: y(first[2]), r: 1.8 })];
    const upper = run.map((item) => `${round(x(item[0]))} ${round(y(item[3]))}`);
    const lower = [...run].reverse().map((item) => `${round(x(item[0]))} ${round(y(item[1]))}`);
    const mean = run.map((item) => `${round(x(item[0]))} ${round(y(item[2]))}`);
    return [h("path", { class: "chart-band", d: `M${[...upper, ...lower].join("L")}Z` }), h("path", { class: "chart-line", d: `M${mean.join("L")}` })];
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function pointText([startMs, min, mean, max, , count]: SeriesPoint, unit: Unit): string {
  const when = new Date(startMs).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return `${when}: ${unit.format(mean)} (${unit.format(min)} – ${unit.format(max)}, ${count} ${count === 1 ? "sample" : "samples"})`;
}

function summaryText({ points }: ChartData, unit: Unit): string {
  if (points.length === 0) return "No data in this range.";
  return `lowest ${unit.format(Math.min(...points.map((item) => item[1])))}, highest ${unit.format(Math.max(...points.map((item) => item[3])))}`;
}
