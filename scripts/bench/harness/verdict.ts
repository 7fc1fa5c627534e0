import type { Floor, Measured, Target } from "../figure.ts";

/** A judged measurement: a line of `--json` and a row of the table. */
export interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly floor: Floor | null;
  /** Value divided by floor; `null` without a floor or with one of 0. */
  readonly ratio: number | null;
  /** In words; `null` without a target. */
  readonly target: string | null;
  readonly reached: boolean | null;
  readonly how: string;
}

/** Judges a measurement by its target. Without a ratio, a target of the ratio is not reached. */
export function judge({ name, value, unit, floor, target, how }: Measured): Line {
  const ratio = floor === undefined || floor.value === 0 ? null : value / floor.value;
  return {
    name,
    value,
    unit,
    floor: floor ?? null,
    ratio,
    target: target === undefined ? null : targetText(target, unit),
    reached: target === undefined ? null : holds(target, target.of === "value" ? value : ratio),
    how,
  };
}

function holds(target: Target, measured: number | null): boolean {
  if (measured === null || !Number.isFinite(measured)) return false;
  return "atMost" in target ? measured <= target.atMost : measured >= target.atLeast;
}

function targetText(target: Target, unit: string): string {
  const of = target.of === "value" ? ` ${unit}` : " × floor";
  return "atMost" in target ? `≤ ${formatNumber(target.atMost)}${of}` : `≥ ${formatNumber(target.atLeast)}${of}`;
}

/** `reached`, or by how much it was missed; empty without a target. */
export function reachedText(line: Line): string {
  if (line.reached === null) return "";
  if (line.reached) return "reached";
  const isRatio = line.target?.includes("× floor") ?? false;
  const measured = isRatio ? (line.ratio === null ? "no ratio" : `${formatNumber(line.ratio)} ×`) : `${formatNumber(line.value)} ${line.unit}`;
  return `not reached: ${measured} (${line.target ?? ""})`;
}

/** Three significant digits; from 1,000 up a whole number with thousands separators. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
