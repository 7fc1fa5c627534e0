import type { Comparison } from "./comparison.ts";
import type { OutputMode } from "./outputs.ts";

/**
 * Video modes as text, such as `1920x1080@60`: width and height in pixels, and the rate in Hz with up to three decimals. Without a
 * rate any rate of that size is meant.
 */
export const MODE_TEXT = /^([1-9]\d{0,4})x([1-9]\d{0,4})(?:@([1-9]\d{0,2}(?:\.\d{1,3})?))?$/;
export const MODE_TEXT_LENGTH_MAX = 19;

/**
 * Longest side that is set on an output that takes any mode. labwc 0.8.3 and sway 1.10.1 take any number for a headless one: at 16384 pixels
 * they stop answering for seconds, at 40000 they say yes and show nothing.
 */
export const UNLISTED_SIDE_MAX_PX = 8_192;

/** Rates that differ by less than this are one rate to a viewer: 59.94 and 60 Hz. */
const RATE_TOLERANCE_MHZ = 1_000;

/** `refreshHz` is absent if any rate will do, or if the rate is not known. */
export type ParsedMode = Omit<OutputMode, "refreshHz"> & { readonly refreshHz?: number };

/** Parses a text like those of `MODE_TEXT`; `undefined` for anything else. */
export function parseMode(text: unknown): ParsedMode | undefined {
  const [, width, height, rate] = (typeof text === "string" && MODE_TEXT.exec(text)) || [];
  if (width === undefined || height === undefined) return undefined;
  return { width: Number(width), height: Number(height), ...(rate !== undefined && { refreshHz: Number(rate) }) };
}

/** `1920x1080@59.94`; `1280x720` if the output names no rate. */
export function modeText({ width, height, refreshHz }: OutputMode): string {
  const rateMhz = milli(refreshHz);
  return `${width}x${height}${rateMhz > 0 ? `@${rateMhz / 1_000}` : ""}`;
}

/**
 * Compares two modes as text. Rates less than 1 Hz apart are `near`, as is a rate that is not known. A wanted size without a rate is met
 * by any rate.
 */
export function compareMode(wanted: unknown, observed: unknown): Comparison {
  const [want, have] = [parseMode(wanted), parseMode(observed)];
  if (want === undefined || have === undefined || !isSameSize(want, have)) return "different";
  if (want.refreshHz === undefined) return "same";
  if (have.refreshHz === undefined) return "near";
  const apartMhz = Math.abs(milli(want.refreshHz) - milli(have.refreshHz));
  return apartMhz === 0 ? "same" : apartMhz < RATE_TOLERANCE_MHZ ? "near" : "different";
}

/**
 * The mode of `modes` that is meant by `wanted`; `undefined` if there is none. With a rate: the nearest one less than 1 Hz away. Without:
 * the present mode if it has that size, else the highest rate. An empty list is that of an output that takes any mode.
 */
export function chooseMode(wanted: ParsedMode, modes: readonly OutputMode[], present: OutputMode | undefined): OutputMode | undefined {
  const { width, height, refreshHz } = wanted;
  if (modes.length === 0) return Math.max(width, height) > UNLISTED_SIDE_MAX_PX ? undefined : { width, height, refreshHz: refreshHz ?? present?.refreshHz ?? 0 };
  const ofSize = modes.filter((mode) => isSameSize(mode, wanted));
  if (refreshHz !== undefined) return nearestMode(wanted as OutputMode, ofSize);
  const kept = present !== undefined && isSameSize(present, wanted) ? nearestMode(present, ofSize) : undefined;
  return kept ?? ofSize.sort((a, b) => b.refreshHz - a.refreshHz)[0];
}

/** The mode of this size whose rate is nearest and less than 1 Hz away, or not known. */
export function nearestMode<M extends OutputMode>(wanted: OutputMode, modes: readonly M[]): M | undefined {
  const apartMhz = ({ refreshHz }: OutputMode): number => (milli(refreshHz) === 0 ? RATE_TOLERANCE_MHZ - 1 : Math.abs(milli(refreshHz) - milli(wanted.refreshHz)));
  const fitting = modes.filter((mode) => isSameSize(mode, wanted) && apartMhz(mode) < RATE_TOLERANCE_MHZ);
  return fitting.sort((a, b) => apartMhz(a) - apartMhz(b))[0];
}

function isSameSize(a: ParsedMode, b: ParsedMode): boolean {
  return a.width === b.width && a.height === b.height;
}

/** In thousandths, without rounding errors of fractions. */
function milli(value: number): number {
  return Math.round(value * 1_000);
}
