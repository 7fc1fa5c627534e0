import { COMMANDED_PROPERTIES, propertyRow, type CommandedProperty } from "../../platform/ports/display-properties.ts";
import { isJsonObject, type Json, type JsonObject } from "../../platform/runtime/json.ts";

interface Begun {
  readonly name: string;
  readonly params: string;
}

/** A value of a display's property, as the parameter of the command for it. */
export function orderOf(property: CommandedProperty, value: Json): Json {
  const flag = propertyRow(property).command?.flag;
  return flag === undefined ? value : value === flag.true;
}

/** Desired keys that give the same orders as commands, and how each of their values reads as a command's parameter. */
const DESIRED: Readonly<Record<string, (value: Json) => readonly Json[]>> = {
  ...Object.fromEntries(
    COMMANDED_PROPERTIES.map((property) => [
      `display.${property}`,
      // A rule such as the schedule gives every value.
      (value: Json) => (propertyRow(property).desired?.rules?.some((rule) => rule === value) === true ? [true, false] : [orderOf(property, value)]),
    ]),
  ),
  "audio.volume": (value) => [value],
  "audio.mute": (value) => [value],
};

/**
 * Whose orders those are that the hardware gets without a mark of their own: levels of lines, what a display and a
 * loudspeaker are set to. A command's are those with its name and parameter between the moment its journal says that it runs
 * and the one that it has ended. None is counted that may be somebody else's: of a value that a desired document ever had, or
 * while two commands that want the same are under way.
 */
export class Orders {
  readonly #begun = new Map<string, Map<string, Begun>>();
  readonly #wanted = new Set<string>();

  begins(device: string, command: string, name: string, params: JsonObject): void {
    const begun = this.#begun.get(device) ?? new Map<string, Begun>();
    this.#begun.set(device, begun.set(command, { name, params: textOf(Object.values(params)) }));
  }

  ends(device: string, command: string): void {
    this.#begun.get(device)?.delete(command);
  }

  /** Whether a command of this name runs. */
  isRunning(device: string, name: string): boolean {
    return [...(this.#begun.get(device)?.values() ?? [])].some((begun) => begun.name === name);
  }

  /** A desired document, or a part of one, is made for this device. */
  wants(device: string, document: JsonObject): void {
    for (const [path, valuesOf] of Object.entries(DESIRED)) {
      const [section = "", key = ""] = path.split(".");
      const part = document[section];
      const value = part !== undefined && isJsonObject(part) ? part[key] : undefined;
      if (value !== undefined) for (const each of valuesOf(value)) this.#wanted.add(`${device} ${path} ${textOf([each])}`);
    }
  }

  /** The command this order at the hardware belongs to; `undefined`: nobody can say. */
  commandOf(device: string, name: string, params: readonly Json[]): string | undefined {
    const text = textOf(params);
    if (this.#wanted.has(`${device} ${name} ${text}`)) return undefined;
    const those = [...(this.#begun.get(device) ?? [])].filter(([, begun]) => begun.name === name && begun.params === text);
    return those.length === 1 ? those[0]?.[0] : undefined;
  }
}

function textOf(params: readonly Json[]): string {
  return JSON.stringify(params);
}
