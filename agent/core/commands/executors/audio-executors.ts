import type { Audio } from "../../../../platform/ports/audio.ts";
import type { CommandExecutor } from "../executor.ts";
import { isNear, prove, type ExecutorTime } from "./effect-proof.ts";

const SETTLE_MS = 2_000;
/** All of it; before the commands' time-out. */
const WITHIN_MS = 12_000;

export function audioVolumeExecutor(audio: Audio, time: ExecutorTime): CommandExecutor<"audio.volume"> {
  return {
    run({ percent }, context) {
      return prove(
        () => audio.setVolume(percent),
        {
          part: "audio",
          wanted: `a volume of ${percent} percent`,
          holds: (observed) => isNear(percent, observed),
          observe: () => audio.volume(),
          settleMs: SETTLE_MS,
          withinMs: WITHIN_MS,
          result: (observed) => ({ percent: observed ?? percent }),
        },
        context,
        time,
      );
    },
    async resolve({ percent }) {
      const observed = await audio.volume();
      if (observed.kind !== "ok" || !isNear(percent, observed.value)) return undefined;
      return { state: "succeeded", result: { percent: observed.value }, effect: { attempted: true, observed } };
    },
  };
}

export function audioMuteExecutor(audio: Audio, time: ExecutorTime): CommandExecutor<"audio.mute"> {
  return {
    run({ mute }, context) {
      return prove(
        () => audio.setMute(mute),
        {
          part: "audio",
          wanted: mute ? "silence" : "sound",
          holds: (observed) => observed === mute,
          observe: () => audio.mute(),
          settleMs: SETTLE_MS,
          withinMs: WITHIN_MS,
          result: (observed) => ({ mute: observed ?? mute }),
        },
        context,
        time,
      );
    },
    async resolve({ mute }) {
      const observed = await audio.mute();
      if (observed.kind !== "ok" || observed.value !== mute) return undefined;
      return { state: "succeeded", result: { mute }, effect: { attempted: true, observed } };
    },
  };
}
