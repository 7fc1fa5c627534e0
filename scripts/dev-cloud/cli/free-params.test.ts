import { toJsonSchema } from "@valibot/to-json-schema";
import { describe, expect, test } from "vitest";
import { COMMANDS, type CommandName } from "../../../agent/protocol/commands/catalog.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { paramsFromWords } from "./free-params.ts";

const read = (name: CommandName, ...words: string[]) => paramsFromWords(words, toJsonSchema(COMMANDS[name].params, { errorMode: "ignore" }) as unknown as JsonObject);

describe("parameters as words", () => {
  test.each([
    ["display.power", ["--on", "false"], { on: false }],
    ["display.power", ["--on"], { on: true }],
    ["display.power", ["--no-on"], { on: false }],
    ["display.brightness", ["--percent=40"], { percent: 40 }],
    ["display.orientation", ["--degrees", "90"], { degrees: 90 }],
    ["gpio.write", ["--line", "GPIO17", "--level", "1"], { line: "GPIO17", level: 1 }],
    ["gpio.write", ["--line", "17", "--level", "0"], { line: 17, level: 0 }],
    ["cec.send", ["--destination", "0", "--opcode", "143", "--operands", "1,2"], { destination: 0, opcode: 143, operands: [1, 2] }],
    ["reboot", ["--reason", "new kernel"], { reason: "new kernel" }],
    ["identify", [], {}],
    ["page.message", ["--message", '{"order": 42}'], { message: { order: 42 } }],
    ["page.message", ["--message", "hello"], { message: "hello" }],
    ["page.message", ["--message", '"{order"'], { message: "{order" }],
  ] as const)("%s %j", (name, words, params) => {
    expect(read(name, ...words)).toEqual({ ok: true, value: params });
  });

  test.each([
    ["display.power", ["--onn", "true"], "params.unknown", 'did you mean "on"'],
    ["display.power", ["true"], "params.unknown", "--on"],
    ["display.power", ["--on", "perhaps"], "params.wrong-type", "boolean"],
    ["display.brightness", ["--percent", "bright"], "params.wrong-type", "integer"],
    ["page.message", ["--message", "{order: 42}"], "params.not-json", "double quotes"],
    ["page.message", ["--message=[1, 2"], "params.not-json", "--message"],
    ["identify", ["--__proto__", "x"], "params.unknown", "__proto__"],
  ] as const)("%s %j is refused with a hint", (name, words, code, says) => {
    const result = read(name, ...words);
    if (result.ok) throw new Error("it was taken");
    expect(result.error.code).toBe(code);
    expect(`${result.error.message} ${result.error.hint ?? ""}`).toContain(says);
  });
});
