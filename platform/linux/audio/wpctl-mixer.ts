import { ok, type Result } from "../../ports/result.ts";
import type { CommandRunner } from "../command-runner.ts";
import { COMMAND_TIMEOUT_MS, NO_OUTPUT, notUnderstood, pickOutput, PLACEHOLDER, type Mixer, type NamedOutput, type OutputSound } from "./mixer.ts";
import { noServer } from "./no-server.ts";

/** PipeWire without `pipewire-pulse`. */
export class WpctlMixer implements Mixer {
  readonly program = "wpctl";
  readonly #run: CommandRunner;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  async look(wanted: string): Promise<Result<OutputSound>> {
    const status = await this.#wpctl("status");
    if (!status.ok) return status;
    const sinks = parseStatus(status.value);
    if (sinks === undefined) return notUnderstood(this.program);
    const candidates = wanted === "" ? sinks.filter(({ isDefault }) => isDefault) : sinks;
    const outputs: (NamedOutput & { readonly id: string })[] = [];
    for (const { id } of candidates) {
      const inspected = await this.#wpctl("inspect", id);
      if (!inspected.ok) return inspected;
      const output = parseInspect(inspected.value);
      if (output.name !== PLACEHOLDER) outputs.push({ ...output, id });
    }
    if (wanted === "" && outputs[0] === undefined) return NO_OUTPUT;
    const found = wanted === "" ? ok(outputs[0]) : pickOutput(outputs, wanted);
    if (!found.ok) return found;
    return found.value === undefined ? NO_OUTPUT : this.#sound(found.value.id);
  }

  /** Always by number: for an absent default, wpctl 0.4 prints an error and exits with 0. */
  async #sound(id: string): Promise<Result<OutputSound>> {
    const got = await this.#wpctl("get-volume", id);
    if (!got.ok) return got;
    // "Volume: 0.40 [MUTED]".
    const volume = /^Volume: (\d+\.\d+)/m.exec(got.value)?.[1];
    if (volume === undefined) return notUnderstood(this.program);
    return ok({
      volume: Math.round(Number(volume) * 100),
      mute: got.value.includes("[MUTED]"),
      setVolume: (percent) => this.#wpctl("set-volume", id, `${percent}%`),
      setMute: (on) => this.#wpctl("set-mute", id, on ? "1" : "0"),
    });
  }

  async #wpctl(...args: readonly string[]): Promise<Result<string>> {
    const ran = await this.#run(this.program, args, COMMAND_TIMEOUT_MS);
    return !ran.ok && ran.error.message.includes("Could not connect") ? noServer("PipeWire", ran.error.message) : ran;
  }
}

/** The sinks of `wpctl status`: under `Audio`, `├─ Sinks:`, then ` │  *   30. Name   [vol: 1.00]`, `*` at the default one. */
export function parseStatus(text: string): readonly { readonly id: string; readonly isDefault: boolean }[] | undefined {
  const [, audio] = /^Audio$([^]*?)^(?:Video|Settings)$/m.exec(text) ?? [];
  const [, sinks] = /Sinks:$([^]*?)(?:[├└]─|$(?![^]))/m.exec(audio ?? "") ?? [];
  if (sinks === undefined) return undefined;
  return [...sinks.matchAll(/^[\s│]*(\*?)\s*(\d+)\. /gm)].map(([, star, id = ""]) => ({ id, isDefault: star === "*" }));
}

/** `wpctl inspect`: lines like `  * node.name = "alsa_output.…"`. */
export function parseInspect(text: string): NamedOutput {
  const properties = new Map([...text.matchAll(/^[\s*]*([\w.-]+) = "(.*)"$/gm)].map(([, key = "", value = ""]) => [key, value]));
  const alsoCalled = [...properties].flatMap(([key, value]) => (/^(?:alsa|api\.alsa|device|node)\..*(?:name|id|description|path)$/.test(key) ? [value] : []));
  return { name: properties.get("node.name") ?? "", alsoCalled };
}
