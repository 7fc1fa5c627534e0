import { join } from "node:path";
import type { Audio } from "../../ports/audio.ts";
import type { Clock } from "../../ports/clock.ts";
import { failed, seen, unknown, UNSUPPORTED, type Effect, type Reading } from "../../ports/reading.ts";
import { err, type Issue, type Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import type { CommandRunner } from "../command-runner.ts";
import type { MachineFiles } from "../machine-files.ts";
import { AmixerMixer } from "./amixer-mixer.ts";
import type { Mixer, OutputSound } from "./mixer.ts";
import { PactlMixer } from "./pactl-mixer.ts";
import { WpctlMixer } from "./wpctl-mixer.ts";

export interface AudioSettings {
  /** The configuration key `audio.output`. */
  readonly output: string;
  /** The configuration key `audio.socketsDir`. */
  readonly socketsDir: string;
}

export interface LinuxAudioDeps {
  /** Makes a runner whose programs get these variables as well. */
  readonly runner: (env: Readonly<Record<string, string>>) => CommandRunner;
  readonly files: MachineFiles;
  readonly clock: Clock;
  /** The agent's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings: AudioSettings;
}

/** Answers that end the search: the sound system is there, and another program would ask the same one or go behind its back. */
const ANSWERS: ReadonlySet<string> = new Set(["audio.no-output", "audio.no-such-output", "audio.no-volume", "program.timed-out"]);
const ABSENT: ReadonlySet<string> = new Set(["audio.no-server", "audio.no-card"]);

/** The socket of a PulseAudio that runs for the whole machine. */
const SYSTEM_SERVER = "unix:/run/pulse/native";

/**
 * The machine's sound output; `undefined` if it has no mixer program, or no sound server's and no card. A server may start later
 * than the agent, stop, or be replaced, so it is found again for every call.
 */
export async function openLinuxAudio({ runner, files, clock, env, settings: { output, socketsDir } }: LinuxAudioDeps): Promise<Audio | undefined> {
  const folder = socketsDir === "" ? env["XDG_RUNTIME_DIR"] : socketsDir;
  const own = folder === undefined || folder === "" ? [] : [`unix:${join(folder, "pulse/native")}`];
  const inherited = socketsDir === "" ? env["PULSE_SERVER"] : undefined;
  const server = inherited ?? [...own, SYSTEM_SERVER].join(" ");
  const run = runner({ PULSE_SERVER: server, ...(socketsDir !== "" && { PIPEWIRE_RUNTIME_DIR: socketsDir }) });
  const mixers = [new PactlMixer(run, server), new WpctlMixer(run), new AmixerMixer(run, files)];
  const audio = new LinuxAudio(mixers, clock, output, `sockets are looked for in ${folder ?? "no folder"} (audio.socketsDir); the agent's user needs access to it`);
  return (await audio.isPossible()) ? audio : undefined;
}

class LinuxAudio implements Audio {
  readonly #mixers: readonly Mixer[];
  readonly #clock: Clock;
  readonly #output: string;
  readonly #hint: string;
  readonly #orders = new OneAtATime();
  #look: Promise<Result<OutputSound>> | undefined;

  constructor(mixers: readonly Mixer[], clock: Clock, output: string, hint: string) {
    this.#mixers = mixers;
    this.#clock = clock;
    this.#output = output;
    this.#hint = hint;
  }

  /** Whether one of the programs may ever have something to answer. */
  async isPossible(): Promise<boolean> {
    const looked = await this.#find();
    return looked.ok || !(looked.error.code === "program.missing" || looked.error.code === "audio.no-card");
  }

  volume(): Promise<Reading<number>> {
    return this.#read(({ volume }) => volume);
  }

  mute(): Promise<Reading<boolean>> {
    return this.#read(({ mute }) => mute);
  }

  setVolume(percent: number): Promise<Effect<number>> {
    if (Number.isInteger(percent) && percent >= 0 && percent <= 100) return this.#set(({ volume }) => volume, (sound) => sound.setVolume(percent));
    const error: Issue = { code: "audio.out-of-range", message: "expected a whole percentage from 0 to 100" };
    return Promise.resolve({ attempted: false, observed: unknown("nothing was tried"), error });
  }

  setMute(mute: boolean): Promise<Effect<boolean>> {
    return this.#set((sound) => sound.mute, (sound) => sound.setMute(mute));
  }

  #set<T>(pick: (sound: OutputSound) => T | undefined, order: (sound: OutputSound) => Promise<Result<unknown>>): Promise<Effect<T>> {
    return this.#orders.run(async () => {
      const before = await this.#find();
      if (!before.ok) return { attempted: false, observed: failed(before.error), error: before.error };
      if (pick(before.value) === undefined) return { attempted: false, observed: UNSUPPORTED, error: { code: "audio.cannot-mute", message: "this sound output has no switch to mute it", hint: "set its volume to 0" } };
      const done = await order(before.value);
      const observed = reading(await this.#find(), pick, this.#clock);
      return done.ok ? { attempted: true, acknowledged: true, observed } : { attempted: true, acknowledged: false, observed, error: done.error };
    });
  }

  /** Readings that are asked for together come from one look. */
  async #read<T>(pick: (sound: OutputSound) => T | undefined): Promise<Reading<T>> {
    this.#look ??= this.#find().finally(() => (this.#look = undefined));
    return reading(await this.#look, pick, this.#clock);
  }

  /** Through the first mixer that answers. Always in order, because a sound server that starts later takes the card over. */
  async #find(): Promise<Result<OutputSound>> {
    const errors: Issue[] = [];
    for (const mixer of this.#mixers) {
      const looked = await mixer.look(this.#output);
      if (looked.ok || ANSWERS.has(looked.error.code)) return looked;
      errors.push(looked.error);
    }
    return err(this.#reasonOf(errors));
  }

  /** A program that failed, else what is missing, else that there is no program. */
  #reasonOf(errors: readonly Issue[]): Issue {
    const failure = errors.find(({ code }) => code !== "program.missing" && !ABSENT.has(code));
    if (failure !== undefined) return failure;
    const absent = errors.filter(({ code }) => ABSENT.has(code));
    const message = absent.map((each) => each.message).join("; ");
    if (absent.some(({ code }) => code === "audio.no-server")) return { code: "audio.no-server", message, hint: this.#hint };
    if (absent.length > 0) return { code: "audio.no-card", message };
    return { code: "program.missing", message: `there is none of ${this.#mixers.map(({ program }) => program).join(", ")}` };
  }
}

function reading<T>(looked: Result<OutputSound>, pick: (sound: OutputSound) => T | undefined, clock: Clock): Reading<T> {
  if (!looked.ok) return failed(looked.error);
  const value = pick(looked.value);
  return value === undefined ? UNSUPPORTED : seen(value, clock.monotonicMs());
}
