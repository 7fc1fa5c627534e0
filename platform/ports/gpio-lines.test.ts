import { describe, expect, test } from "vitest";
import { HEADER_LINES } from "./gpio-header.ts";
import { parseGpioLines, withConfiguration } from "./gpio-lines.ts";

describe("gpio.lines", () => {
  test("reads every field", () => {
    expect(parseGpioLines("line=GPIO17, name=relay, active=low, safe=0; line=PIN16,pull=up;line=14,drive=open-drain,reserved=no;")).toEqual({
      lines: [
        { line: "GPIO17", name: "relay", activeLow: true, safe: 0 },
        { line: "PIN16", pull: "up" },
        { line: "14", drive: "open-drain", reserved: false },
      ],
      issues: [],
    });
    expect(parseGpioLines("")).toEqual({ lines: [], issues: [] });
  });

  test.each([
    ["name=relay", "names no line"],
    ["line=GPIO17,colour=red", "the fields are line, name"],
    ["line=GPIO17,pull=sideways", "pull is one of none, up, down"],
    ["line=GPIO17,line=GPIO18", "each once"],
    ["line=GPIO17,name=1st", "is not a letter"],
    ["line=GPIO17,__proto__=1", "the fields are"],
    ["line=", "the fields are"],
  ])("%s is left out and told", (entry, says) => {
    const { lines, issues } = parseGpioLines(`${entry};line=GPIO4`);
    expect(lines).toEqual([{ line: "GPIO4" }]);
    expect(issues).toMatchObject([{ code: "gpio.config-malformed", message: expect.stringContaining(says) as string }]);
  });

  test("is put on the header's lines, which have the names of chip, board and integrator", () => {
    const { lines, safe, issues } = withConfiguration(HEADER_LINES, parseGpioLines("line=PIN11,name=relay,active=low,safe=1;line=BCM14,reserved=no").lines);
    expect(lines.find(({ offset }) => offset === 17)).toEqual({ name: "GPIO17", aliases: ["PIN11", "BCM17", "relay"], offset: 17, activeLow: true });
    expect(lines.find(({ offset }) => offset === 14)).not.toHaveProperty("reservedFor");
    expect(lines.find(({ offset }) => offset === 15)).toHaveProperty("reservedFor");
    expect({ safe, issues }).toEqual({ safe: [{ line: "GPIO17", level: 1 }], issues: [] });
  });

  test("lines that are not there and names that are taken are told", () => {
    const { issues } = withConfiguration(HEADER_LINES, parseGpioLines("line=GPIO99;line=GPIO5,name=GPIO6;line=GPIO7,name=lamp;line=GPIO8,name=lamp").lines);
    expect(issues.map(({ code }) => code)).toEqual(["gpio.no-such-line", "gpio.config-malformed", "gpio.config-malformed"]);
  });

  test("the 40-pin header has each pin once", () => {
    const pins = HEADER_LINES.map(({ aliases }) => Number(aliases[0]?.slice("PIN".length)));
    const powerAndGround = [1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39];
    expect([...pins, ...powerAndGround].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });
});
