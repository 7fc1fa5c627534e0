import type { OutputMode } from "../ports/outputs.ts";

/** 1920x1080 at 60 Hz: the first of `TV_MODES`, and the mode of an output without a list. */
export const FULL_HD: OutputMode = { width: 1_920, height: 1_080, refreshHz: 60 };

/** The modes of a simulated TV; it starts with the first. */
export const TV_MODES: readonly OutputMode[] = [
  FULL_HD, { ...FULL_HD, refreshHz: 59.94 }, { ...FULL_HD, refreshHz: 50 },
  { width: 3_840, height: 2_160, refreshHz: 30 }, { width: 1_280, height: 720, refreshHz: 60 }, { width: 1_280, height: 720, refreshHz: 50 },
];
