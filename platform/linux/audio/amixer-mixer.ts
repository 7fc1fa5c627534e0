import { fail, ok, type Result } from "../../ports/result.ts";
import type { CommandRunner } from "../command-runner.ts";
import type { MachineFiles } from "../machine-files.ts";
import { COMMAND_TIMEOUT_MS, pickOutput, type Mixer, type NamedOutput, type OutputSound } from "./mixer.ts";

/** Controls for the whole output, the most usual first. A Raspberry Pi's are called PCM and, on older kernels, Headphone. */
const CONTROLS = ["Master", "PCM", "Digital", "Headphone", "Headphones", "Speaker", "HDMI"];

const NO_CARD = fail("audio.no-card", "this machine has no sound card");

/** ALSA without a sound server, or through its plug-ins with one. */
export class AmixerMixer implements Mixer {
  readonly program = "amixer";
  readonly #run: CommandRunner;
  readonly #files: MachineFiles;

  constructor(run: CommandRunner, files: MachineFiles) {
    this.#run = run;
    this.#files = files;
  }

  async look(wanted: string): Promise<Result<OutputSound>> {
    const card = wanted === "" ? ok([]) : this.#card(wanted);
    if (!card.ok) return card;
    // -M maps percent to what the ear hears, as the sound servers do.
    const amixer = (...args: readonly string[]): Promise<Result<string>> => this.#run(this.program, [...card.value, "-M", ...args], COMMAND_TIMEOUT_MS);
    const listed = await amixer("scontents");
    if (!listed.ok) return listed.error.code === "program.failed" ? this.#noControls(listed.error.message) : listed;
    const controls = parseControls(listed.value);
    const control = CONTROLS.map((name) => controls.find((each) => each.name === name)).find((each) => each !== undefined) ?? controls[0];
    if (control === undefined) {
      return fail("audio.no-volume", "the sound card has no volume control", "an HDMI card gets one when something is first played through ALSA's default device");
    }
    const { selector, volume, mute } = control;
    return ok({
      volume,
      ...(mute !== undefined && { mute }),
      setVolume: (percent) => amixer("sset", selector, "playback", `${percent}%`),
      setMute: (on) => amixer("sset", selector, "playback", on ? "mute" : "unmute"),
    });
  }

  #card(wanted: string): Result<readonly string[]> {
    const cards = this.#cards();
    if (cards.length === 0) return NO_CARD;
    const picked = pickOutput(cards, wanted);
    return picked.ok ? ok(["-c", picked.value.name]) : picked;
  }

  #cards(): readonly NamedOutput[] {
    const cards = this.#files.text("proc/asound/cards");
    return cards.ok ? parseCards(cards.value) : [];
  }

  #noControls(said: string): Result<never> {
    return this.#cards().length === 0 ? NO_CARD : fail("program.failed", said);
  }
}

/** Cards of /proc/asound/cards: ` 1 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0`. */
export function parseCards(text: string): readonly NamedOutput[] {
  return [...text.matchAll(/^\s*\d+ \[(\S+)\s*\]: (\S+) - (.*)$/gm)].map(([, name = "", driver = "", long = ""]) => ({ name, alsoCalled: [driver, long] }));
}

interface Control {
  readonly name: string;
  /** As amixer's `sset` takes it: name and index. */
  readonly selector: string;
  readonly volume: number;
  readonly mute?: boolean;
}

/**
 * The controls of `amixer scontents` with a playback volume. A control begins with `Simple mixer control 'PCM',0`; a channel is
 * `  Front Left: Playback 26214 [40%] [-23.88dB] [on]`, the switch missing where it cannot be muted.
 */
export function parseControls(text: string): readonly Control[] {
  return text.split(/^(?=Simple mixer control ')/m).flatMap((block) => {
    const [, name, index] = /^Simple mixer control '(.*)',(\d+)$/m.exec(block) ?? [];
    const capabilities = /^\s*Capabilities: (.*)$/m.exec(block)?.[1]?.split(" ") ?? [];
    const channels = [...block.matchAll(/^\s+[^:\n]+: (?:Playback )?-?\d+ \[(\d+)%\](?: \[[^\]]*dB\])?(?: \[(on|off)\])?/gm)];
    const hasVolume = capabilities.includes("pvolume") || capabilities.includes("volume");
    if (name === undefined || !hasVolume || channels.length === 0) return [];
    const switches = channels.flatMap(([, , word]) => (word === undefined ? [] : [word]));
    return [{
      name,
      selector: `${name},${index}`,
      volume: Math.max(...channels.map(([, percent]) => Number(percent))),
      ...(switches.length > 0 && { mute: switches.every((word) => word === "off") }),
    }];
  });
}
