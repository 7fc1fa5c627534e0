import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../../agent/protocol/commands/catalog.ts";
import type { Json } from "../../../../platform/runtime/json.ts";
import { jsonSchemaOf } from "../../../docs/json-schema.ts";
import { fieldOf, fieldsOf, readText, type Field } from "./schema-form.ts";

function of(name: keyof typeof COMMANDS, choices = {}): Field[] {
  return fieldsOf(jsonSchemaOf(COMMANDS[name].params), choices);
}

describe("fields from a schema", () => {
  test("only a parameter that accepts any JSON is entered as JSON", () => {
    const byHand = (Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]).flatMap((name) => of(name).filter((field) => field.kind === "json").map((field) => `${name} ${field.name}`));
    expect(byHand).toEqual(["page.message message"]);
  });

  test("booleans, picklists, ranges, lists and name-or-number are told apart", () => {
    expect(of("display.power")).toMatchObject([{ kind: "boolean", name: "on", required: true }]);
    expect(of("display.orientation")).toMatchObject([{ kind: "choice", options: [0, 90, 180, 270] }]);
    expect(of("display.brightness")).toMatchObject([{ kind: "number", min: 0, max: 100, slider: true, unit: "%" }]);
    expect(of("logs.collect")).toMatchObject([{ kind: "number", slider: false, required: false }]);
    expect(of("cec.send")[2]).toMatchObject({ kind: "list", item: "number", maxItems: 14 });
    expect(of("gpio.read")[0]).toMatchObject({ kind: "text", numeric: true });
  });

  test("the display is asked for only when the device has several", () => {
    expect(of("display.power").map(({ name }) => name)).toEqual(["on"]);
    expect(of("display.power", { display: ["lobby", "menu"] })).toMatchObject([{ name: "on" }, { name: "display", required: false, options: ["lobby", "menu"] }]);
  });

  test("the device's own choices are offered, and narrow what the schema lists", () => {
    expect(of("display.input", { input: ["hdmi-1", "tuner"] })[0]).toMatchObject({ kind: "text", options: ["hdmi-1", "tuner"] });
    expect(of("display.orientation", { degrees: [0, 180] })[0]).toMatchObject({ kind: "choice", options: [0, 180] });
    expect(of("display.orientation", { degrees: [] })[0]).toMatchObject({ options: [0, 90, 180, 270] });
  });

  test("null is a separate choice, and a schema that is not understood is entered as JSON", () => {
    expect(fieldOf("level", { anyOf: [{ enum: [0, 1] }, { type: "null" }] }, true)).toMatchObject({ kind: "choice", nullable: true, options: [0, 1] });
    expect(fieldOf("x", { oneOf: [{ type: "object" }, { type: "array" }] }, true)).toMatchObject({ kind: "json" });
    expect(fieldOf("x", null, false)).toMatchObject({ kind: "json", required: false });
  });
});

describe("reading typed text", () => {
  const read = (field: Field | undefined, text: string): Json | undefined => {
    if (field === undefined) throw new Error("no such field");
    const result = readText(field, text);
    return result.ok ? result.value : result.error.code;
  };

  test("numbers stay within their range, lists take 0x, names stay names", () => {
    const percent = of("display.brightness")[0];
    expect([read(percent, "40"), read(percent, "101"), read(percent, "4.5"), read(percent, "x"), read(percent, "")]).toEqual([40, "form.invalid", "form.invalid", "form.invalid", "form.invalid"]);
    expect(read(of("cec.send")[2], "0x10, 4 255")).toEqual([16, 4, 255]);
    expect([read(of("gpio.read")[0], "GPIO17"), read(of("gpio.read")[0], "17")]).toEqual(["GPIO17", 17]);
  });

  test("an optional field left empty is left out", () => {
    expect(read(of("reboot")[0], "  ")).toBeUndefined();
  });
});
