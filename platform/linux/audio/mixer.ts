import { fail, ok, type Result } from "../../ports/result.ts";

/** Longest time a mixer program may take. They answer in a tenth of a second, or their server hangs. */
export const COMMAND_TIMEOUT_MS = 2_000;

/** Name under which sound servers offer a place for sound to go when there is no output. It is silent. */
export const PLACEHOLDER = "auto_null";

/** A program that reads and sets volumes: one for each sound system. */
export interface Mixer {
  readonly program: string;
  /**
   * Finds the output (see `pickOutput`; empty: the default one) and reads it. Errors: `audio.no-server`, `audio.no-output`,
   * `audio.no-such-output`, `audio.no-volume`, `audio.not-understood`, and those of `CommandRunner`.
   */
  look(wanted: string): Promise<Result<OutputSound>>;
}

/** One output as it was at the last look. */
export interface OutputSound {
  /** The loudest channel in percent; over 100 where the server amplifies. */
  readonly volume: number;
  /** Absent if the output cannot be muted. */
  readonly mute?: boolean;
  setVolume(percent: number): Promise<Result<unknown>>;
  setMute(mute: boolean): Promise<Result<unknown>>;
}

/** An output that a configuration can name. */
export interface NamedOutput {
  readonly name: string;
  /** Other texts it is known by: description, card. */
  readonly alsoCalled: readonly string[];
}

/**
 * The output of that name, else the only one with the text in its name, description or card, in any case. The Raspberry Pi's
 * HDMI sound cards are also called by connector: `HDMI-A-1` is `vc4-hdmi-0` or `vc4hdmi0`. Error: `audio.no-such-output`.
 */
export function pickOutput<T extends NamedOutput>(outputs: readonly T[], wanted: string): Result<T> {
  const exact = outputs.find(({ name }) => name === wanted);
  if (exact !== undefined) return ok(exact);
  const texts = [wanted.toLowerCase(), ...cardsOfConnector(wanted)];
  const found = outputs.filter(({ name, alsoCalled }) => [name, ...alsoCalled].some((each) => texts.some((text) => each.toLowerCase().includes(text))));
  const [only] = found;
  if (only !== undefined && found.length === 1) return ok(only);
  const names = (all: readonly T[]): string => all.map(({ name }) => name).join(", ").slice(0, 500);
  if (found.length > 1) return fail("audio.no-such-output", `"${wanted}" fits several sound outputs: ${names(found)}`, "give audio.output one whole name");
  return fail("audio.no-such-output", `there is no sound output "${wanted}"`, outputs.length === 0 ? "there is none" : `there are ${names(outputs)}`);
}

function cardsOfConnector(wanted: string): readonly string[] {
  const port = /^HDMI-A-([12])$/i.exec(wanted)?.[1];
  return port === undefined ? [] : [`vc4-hdmi-${Number(port) - 1}`, `vc4hdmi${Number(port) - 1}`];
}

export function notUnderstood(program: string): Result<never> {
  return fail("audio.not-understood", `the answer of ${program} is not in the form this software knows`, "this version of the program may be too new");
}

export const NO_OUTPUT: Result<never> = fail("audio.no-output", "the sound server has no output", "connect a display with sound or a sound card, or choose a profile with an output");
