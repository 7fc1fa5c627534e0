import type { Audio } from "../ports/audio.ts";
import type { Clock } from "../ports/clock.ts";
import { seen, unknown, type Effect } from "../ports/reading.ts";
import type { SimulatedWorld } from "./world.ts";
import type { Issue } from "../ports/result.ts";

/** The simulated machine's own sound output, which always obeys. The TV's speakers belong to the display. */
export function simulatedAudio(world: SimulatedWorld, clock: Clock): Audio {
  const set = <T>(change: Partial<SimulatedWorld["state"]["audio"]>, read: () => T): Promise<Effect<T>> => {
    world.update({ audio: { ...world.state.audio, ...change } });
    return Promise.resolve({ attempted: true, acknowledged: true, observed: seen(read(), clock.monotonicMs()) });
  };
  return {
    volume: () => Promise.resolve(seen(world.state.audio.volume, clock.monotonicMs())),
    mute: () => Promise.resolve(seen(world.state.audio.mute, clock.monotonicMs())),
    setVolume: (percent) => {
      if (Number.isInteger(percent) && percent >= 0 && percent <= 100) return set({ volume: percent }, () => world.state.audio.volume);
      const error: Issue = { code: "audio.out-of-range", message: "expected a whole percentage from 0 to 100" };
      return Promise.resolve({ attempted: false, observed: unknown("nothing was tried"), error });
    },
    setMute: (mute) => set({ mute }, () => world.state.audio.mute),
  };
}
