import * as v from "valibot";
import { COMMANDED_PROPERTIES, propertyRow, type CommandedProperty, type DISPLAY_PROPERTIES, type SettableValue } from "../../../platform/ports/display-properties.ts";
import { DisplayNameSchema, settableSchema } from "../display-values.ts";
import { defineCommand, HOUR_MS, MINUTE_MS, type CommandDefinition } from "./definition.ts";

type CommandRow<P extends CommandedProperty> = (typeof DISPLAY_PROPERTIES)[P]["command"];
/**
 * `{ on: boolean }`, `{ percent: number }`: a boolean if the row has a `flag`, else the value itself. `display` selects
 * one of several.
 */
export type DisplayParams<P extends CommandedProperty> = { [K in CommandRow<P>["parameter"]]: CommandRow<P> extends { flag: object } ? boolean : SettableValue<P> } & { readonly display?: string };
/** The observed value; may be the hardware's own word. */
export type DisplayResult<P extends CommandedProperty> = { [K in CommandRow<P>["result"]]: SettableValue<P> extends string ? string : SettableValue<P> extends number ? number : boolean };

type DisplayCommands = { readonly [P in CommandedProperty as `display.${P}`]: CommandDefinition<v.GenericSchema<DisplayParams<P>>, v.GenericSchema<DisplayResult<P>>> };

/** `display.<property>` for every property that has a command. */
export const DISPLAY_COMMANDS = Object.fromEntries(
  COMMANDED_PROPERTIES.map((property) => {
    const { type, command } = propertyRow(property);
    if (command === undefined) throw new Error(`no command for ${property}`);
    const { parameter, flag, result, expectedMs, summary, wall, proof } = command;
    const observed = type.kind === "flag" ? v.boolean() : type.kind === "percent" || type.kind === "degrees" ? v.number() : v.string();
    const name = `display.${property}` as const;
    const definition = defineCommand({
      lane: "display", expectedMs, timeoutMs: MINUTE_MS, ttlMs: 2 * MINUTE_MS, ttlMaxMs: HOUR_MS, idempotent: true, afterCrash: "ask",
      name, summary, wall, proof,
      params: v.strictObject({ [parameter]: flag === undefined ? settableSchema(property) : v.boolean(), display: v.optional(v.pipe(DisplayNameSchema, v.description("one of several displays; absent: the first"))) }),
      result: v.object({ [result]: observed }),
      needs: name,
    });
    return [name, definition];
  }),
) as unknown as DisplayCommands;

/** The value that a command's parameters ask for. */
export function wantedBy<P extends CommandedProperty>(property: P, params: DisplayParams<P>): SettableValue<P> {
  const { command } = propertyRow(property);
  const given = (params as Readonly<Record<string, unknown>>)[command?.parameter ?? ""];
  const wanted = command?.flag === undefined ? given : command.flag[given === true ? "true" : "false"];
  return wanted as SettableValue<P>;
}
