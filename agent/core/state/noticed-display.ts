import type { Display } from "../../../platform/ports/display.ts";
import type { Effect } from "../../../platform/ports/reading.ts";

/**
 * The same display, but `changed` is called after every attempt to change it: whoever shares a reading of its
 * status looks again instead of waiting for the next poll.
 */
export function noticedDisplay(display: Display, changed: () => void): Display {
  const noticing =
    <V, T>(set: (value: V) => Promise<Effect<T>>) =>
    async (value: V): Promise<Effect<T>> => {
      try {
        return await set(value);
      } finally {
        changed();
      }
    };
  return {
    capabilities: display.capabilities,
    worstCaseMs: display.worstCaseMs,
    status: () => display.status(),
    setPower: noticing((on: boolean) => display.setPower(on)),
    setInput: noticing((input: string) => display.setInput(input)),
    setBrightness: noticing((percent: number) => display.setBrightness(percent)),
    setVolume: noticing((percent: number) => display.setVolume(percent)),
    setMute: noticing((mute: boolean) => display.setMute(mute)),
    setOrientation: noticing((orientation: Parameters<Display["setOrientation"]>[0]) => display.setOrientation(orientation)),
  };
}
