import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Audio } from "./audio.ts";
import type { BenchTime } from "./testing/bench.ts";

export interface AudioBench {
  readonly audio: Audio;
  readonly time: BenchTime;
  close(): Promise<void>;
}

/** The suite for every sound output. */
export function audioConformance(name: string, open: () => Promise<AudioBench>): void {
  describe(`Audio: ${name}`, () => {
    let bench: AudioBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    test("observes and reads the volume that was set", async () => {
      const { audio, time } = bench;
      for (const percent of [0, 100, 42]) {
        expect(await time.settled(audio.setVolume(percent))).toMatchObject({ attempted: true, observed: { kind: "ok", value: percent } });
        expect(await time.settled(audio.volume())).toMatchObject({ kind: "ok", value: percent });
      }
    });

    test("mute does not change the volume", async () => {
      const { audio, time } = bench;
      await time.settled(audio.setVolume(60));
      for (const mute of [true, false]) {
        expect(await time.settled(audio.setMute(mute))).toMatchObject({ attempted: true, observed: { kind: "ok", value: mute } });
        expect(await time.settled(audio.mute())).toMatchObject({ kind: "ok", value: mute });
        expect(await time.settled(audio.volume())).toMatchObject({ kind: "ok", value: 60 });
      }
    });

    test.each([-1, 101, 0.5, Number.NaN])("refuses %s percent instead of adjusting it", async (percent) => {
      const { audio, time } = bench;
      await time.settled(audio.setVolume(33));
      expect(await time.settled(audio.setVolume(percent))).toMatchObject({ attempted: false, error: { code: "audio.out-of-range" } });
      expect(await time.settled(audio.volume())).toMatchObject({ value: 33 });
    });
  });
}
