import { ok, type Result } from "../../ports/result.ts";
import type { CommandRunner } from "../command-runner.ts";
import { COMMAND_TIMEOUT_MS, NO_OUTPUT, notUnderstood, pickOutput, PLACEHOLDER, type Mixer, type NamedOutput, type OutputSound } from "./mixer.ts";
import { noServer } from "./no-server.ts";

/** PulseAudio's server and PipeWire's `pipewire-pulse` answer alike. */
export class PactlMixer implements Mixer {
  readonly program = "pactl";
  readonly #run: CommandRunner;
  readonly #server: readonly string[];

  /** `server`: address in PulseAudio's form. Named explicitly, because libpulse starts a server of its own where none is named. */
  constructor(run: CommandRunner, server: string) {
    this.#run = run;
    this.#server = ["-s", server];
  }

  async look(wanted: string): Promise<Result<OutputSound>> {
    // Older versions have no JSON, and 16 loses names that are not ASCII in it. `list` is there in all.
    const listed = await this.#pactl("list", "sinks");
    if (!listed.ok) return listed;
    const sinks = parseSinks(listed.value);
    const outputs = sinks.filter(({ name }) => name !== PLACEHOLDER);
    const found = wanted === "" ? await this.#default(outputs) : pickOutput(outputs, wanted);
    if (!found.ok) return found;
    const { name, volume, mute } = found.value;
    if (volume === undefined || mute === undefined) return notUnderstood(this.program);
    return ok({
      volume,
      mute,
      setVolume: (percent) => this.#pactl("set-sink-volume", name, `${percent}%`),
      setMute: (on) => this.#pactl("set-sink-mute", name, on ? "1" : "0"),
    });
  }

  async #default(outputs: readonly Sink[]): Promise<Result<Sink>> {
    if (outputs.length === 0) return NO_OUTPUT;
    const info = await this.#pactl("info");
    if (!info.ok) return info;
    const name = /^Default Sink: (.+)$/m.exec(info.value)?.[1];
    const sink = outputs.find((each) => each.name === name);
    // While a session manager starts there is no default yet, and the name is a placeholder.
    return sink === undefined ? NO_OUTPUT : ok(sink);
  }

  async #pactl(...args: readonly string[]): Promise<Result<string>> {
    const ran = await this.#run(this.program, [...this.#server, ...args], COMMAND_TIMEOUT_MS);
    return !ran.ok && /connection failure|pa_context_connect/i.test(ran.error.message) ? noServer("PulseAudio", ran.error.message) : ran;
  }
}

interface Sink extends NamedOutput {
  readonly volume: number | undefined;
  readonly mute: boolean | undefined;
}

/** The blocks of `pactl list sinks`: `Sink #1`, then `Name: …`, `Mute: no`, `Volume: front-left: 26214 /  40% / -23.88 dB, …`. */
export function parseSinks(text: string): readonly Sink[] {
  return text.split(/^Sink #\d+$/m).slice(1).map((block) => {
    const field = (name: string): string | undefined => new RegExp(`^\\t${name}: (.*)$`, "m").exec(block)?.[1];
    const percents = [...(field("Volume") ?? "").matchAll(/(\d+)%/g)].map(([, percent]) => Number(percent));
    const mute = field("Mute");
    const properties = [...block.matchAll(/^\t\t(?:alsa|api\.alsa|device|node)\.[\w.]*(?:name|id|description|path) = "(.*)"$/gm)].map(([, value = ""]) => value);
    return {
      name: field("Name") ?? "",
      alsoCalled: [field("Description") ?? "", ...properties],
      volume: percents.length === 0 ? undefined : Math.max(...percents),
      mute: mute === "yes" || mute === "no" ? mute === "yes" : undefined,
    };
  });
}
