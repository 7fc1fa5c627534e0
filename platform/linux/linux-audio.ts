import type { Audio } from "../ports/audio.ts";
import type { Clock } from "../ports/clock.ts";
import { failed, seen, unknown, type Effect, type Reading } from "../ports/reading.ts";
import type { Issue, Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";

type Args = readonly [program: string, ...args: string[]];

interface MixerState {
  readonly volume: number;
  readonly mute: boolean;
}

interface Mixer {
  /** Programs whose combined output contains both volume and mute. */
  readonly read: readonly Args[];
  readonly parse: (output: string) => MixerState | undefined;
  readonly setVolume: (percent: number) => Args;
  readonly setMute: (mute: boolean) => Args;
}

const COMMAND_TIMEOUT_MS = 5_000;

/** The mixers Linux players have, the most specific to the session first. */
const MIXERS: readonly Mixer[] = [
  {
    // PipeWire: "Volume: 0.40 [MUTED]".
    read: [["wpctl", "get-volume", "@DEFAULT_AUDIO_SINK@"]],
    parse: (output) => {
      const volume = /^Volume: (\d+\.\d+)/m.exec(output)?.[1];
      return volume === undefined ? undefined : { volume: Math.round(Number(volume) * 100), mute: output.includes("[MUTED]") };
    },
    setVolume: (percent) => ["wpctl", "set-volume", "@DEFAULT_AUDIO_SINK@", `${percent}%`],
    setMute: (mute) => ["wpctl", "set-mute", "@DEFAULT_AUDIO_SINK@", mute ? "1" : "0"],
  },
  {
    // PulseAudio: "Volume: front-left: 26214 /  40% / -23.88 dB, …" and "Mute: no".
    read: [
      ["pactl", "get-sink-volume", "@DEFAULT_SINK@"],
      ["pactl", "get-sink-mute", "@DEFAULT_SINK@"],
    ],
    parse: (output) => {
      const volume = /(\d+)%/.exec(output)?.[1];
      const mute = /^Mute: (yes|no)$/m.exec(output)?.[1];
      return volume === undefined || mute === undefined ? undefined : { volume: Number(volume), mute: mute === "yes" };
    },
    setVolume: (percent) => ["pactl", "set-sink-volume", "@DEFAULT_SINK@", `${percent}%`],
    setMute: (mute) => ["pactl", "set-sink-mute", "@DEFAULT_SINK@", mute ? "1" : "0"],
  },
  {
    // ALSA alone: "Front Left: Playback 26214 [40%] [on]". -M maps percent to what the ear hears, as the others do.
    read: [["amixer", "-M", "sget", "Master"]],
    parse: (output) => {
      const found = /\[(\d+)%\].*\[(on|off)\]/.exec(output);
      return found === null ? undefined : { volume: Number(found[1]), mute: found[2] === "off" };
    },
    setVolume: (percent) => ["amixer", "-M", "sset", "Master", `${percent}%`],
    setMute: (mute) => ["amixer", "-M", "sset", "Master", mute ? "mute" : "unmute"],
  },
];

/** The machine's sound output through the first mixer that answers; `undefined` when none does. */
export async function openLinuxAudio(run: CommandRunner, clock: Clock): Promise<Audio | undefined> {
  for (const mixer of MIXERS) {
    const output = await readAll(run, mixer);
    if (output.ok && mixer.parse(output.value) !== undefined) return audioOver(mixer, run, clock);
  }
  return undefined;
}

function audioOver(mixer: Mixer, run: CommandRunner, clock: Clock): Audio {
  const read = async <T>(pick: (state: MixerState) => T): Promise<Reading<T>> => {
    const output = await readAll(run, mixer);
    if (!output.ok) return failed(output.error);
    const parsed = mixer.parse(output.value);
    return parsed === undefined
      ? unknown("the mixer's answer is not in the form this software knows")
      : seen(pick(parsed), clock.monotonicMs());
  };
  const volume = (): Promise<Reading<number>> => read((state) => state.volume);
  const mute = (): Promise<Reading<boolean>> => read((state) => state.mute);
  const set = async <T>(args: Args, observe: () => Promise<Reading<T>>): Promise<Effect<T>> => {
    const [program, ...rest] = args;
    const done = await run(program, rest, COMMAND_TIMEOUT_MS);
    const observed = await observe();
    return done.ok
      ? { attempted: true, acknowledged: true, observed }
      : { attempted: true, acknowledged: false, observed, error: done.error };
  };
  return {
    volume,
    mute,
    setVolume: (percent) => {
      if (Number.isInteger(percent) && percent >= 0 && percent <= 100) return set(mixer.setVolume(percent), volume);
      const error: Issue = { code: "audio.out-of-range", message: "expected a whole percentage from 0 to 100" };
      return Promise.resolve({ attempted: false, observed: unknown("nothing was tried"), error });
    },
    setMute: (on) => set(mixer.setMute(on), mute),
  };
}

async function readAll(run: CommandRunner, mixer: Mixer): Promise<Result<string>> {
  let all = "";
  for (const [program, ...args] of mixer.read) {
    const output = await run(program, args, COMMAND_TIMEOUT_MS);
    if (!output.ok) return output;
    all += output.value;
  }
  return { ok: true, value: all };
}
