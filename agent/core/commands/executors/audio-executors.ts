import { compareExactly, compareLevel } from "../../../../platform/ports/comparison.ts";
import type { Audio } from "../../../../platform/ports/audio.ts";
import type { CommandExecutor } from "../executor.ts";
import { askAfterCrash, prove, type ExecutorTime, type Proof } from "./effect-proof.ts";

const SETTLE_MS = 2_000;
/** Limit for the whole command; shorter than its time-out. */
const WITHIN_MS = 12_000;

export function audioVolumeExecutor(audio: Audio, time: ExecutorTime): CommandExecutor<"audio.volume"> {
  const proof = (percent: number): Proof<number, { percent: number }> => ({
    part: "audio",
    wanted: `a volume of ${percent} percent`,
    compare: (observed) => compareLevel(percent, observed),
    observe: () => audio.volume(),
    settleMs: SETTLE_MS,
    withinMs: WITHIN_MS,
    result: (observed) => ({ percent: observed ?? percent }),
  });
  return {
    sets: ({ percent }) => ["audio.volume", percent],
    run: ({ percent }, context) => prove(() => audio.setVolume(percent), proof(percent), context, time),
    resolve: ({ percent }, _note, context) => askAfterCrash(proof(percent), context, time),
  };
}

export function audioMuteExecutor(audio: Audio, time: ExecutorTime): CommandExecutor<"audio.mute"> {
  const proof = (mute: boolean): Proof<boolean, { mute: boolean }> => ({
    part: "audio",
    wanted: mute ? "silence" : "sound",
    compare: (observed) => compareExactly(mute, observed),
    observe: () => audio.mute(),
    settleMs: SETTLE_MS,
    withinMs: WITHIN_MS,
    result: (observed) => ({ mute: observed ?? mute }),
  });
  return {
    sets: ({ mute }) => ["audio.mute", mute],
    run: ({ mute }, context) => prove(() => audio.setMute(mute), proof(mute), context, time),
    resolve: ({ mute }, _note, context) => askAfterCrash(proof(mute), context, time),
  };
}
