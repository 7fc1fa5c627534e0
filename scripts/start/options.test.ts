import { describe, expect, test } from "vitest";
import { parseOptions } from "./options.ts";

describe("the options of npm start", () => {
  test("have defaults", () => {
    expect(parseOptions([])).toEqual({ ok: true, value: { devices: 1, port: 4600, headless: false, pair: false, data: undefined } });
  });

  test("are read", () => {
    const args = ["--devices", "50", "--headless", "--pair", "--port=1", "--data", "x"];
    expect(parseOptions(args)).toEqual({ ok: true, value: { devices: 50, port: 1, headless: true, pair: true, data: "x" } });
  });

  test("--help takes precedence", () => {
    expect(parseOptions(["--help"])).toEqual({ ok: true, value: undefined });
  });

  test.each([
    [["--devices", "0"], 'not "0"'],
    [["--devices", "51"], "from 1 to 50"],
    [["--devices", "2.5"], 'not "2.5"'],
    [["--port", "65536"], "from 1 to 65535"],
    [["--port", "http"], 'not "http"'],
    [["--data", ""], "name of a folder"],
    [["--port"], "--port"],
    [["--verbose"], "--verbose"],
    [["3"], "3"],
  ])("%j is refused with its name", (args, message) => {
    const result = parseOptions(args);
    expect(result).toMatchObject({ ok: false, error: { code: "start.usage" } });
    expect(result.ok ? "" : result.error.message).toContain(message);
  });
});
