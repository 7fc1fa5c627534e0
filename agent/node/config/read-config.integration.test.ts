import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configurationDoc } from "../../../scripts/docs/configuration-doc.ts";
import { parseFlags, readConfig } from "./read-config.ts";

let data = "";
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "vitrine-config-"));
});
afterEach(() => rm(data, { recursive: true, force: true }));

const read = (argv: readonly string[] = []) => readConfig(["--data", data, ...argv], {});

describe("reading the configuration", () => {
  test("a missing file is not an issue", async () => {
    const { issues, file, values } = await read(["run", "--strict", "--log-level=debug", "--", "--not-a-flag"]);
    expect([issues, file, values.strict, values["log.level"]]).toEqual([[], join(data, "config.json"), true, "debug"]);
  });

  test("a valid file is read with or without a byte order mark", async () => {
    await writeFile(join(data, "config.json"), '\uFEFF{ "device": { "name": "Lobby" } }');
    const { values, sources, issues } = await read();
    expect([values["device.name"], sources["device.name"], issues]).toEqual(["Lobby", "file", []]);
  });

  test.each(["utf-8", "UTF-8 with a mark", "utf16le", "UTF-16 LE with a mark", "UTF-16 BE with a mark"])("a file that an editor saved as %s is read", async (saved) => {
    const marked = Buffer.from('\uFEFF{\r\n  "device": { "name": "Schaufenster für Möbel" }\r\n}\r\n', saved.startsWith("UTF-8") || saved === "utf-8" ? "utf8" : "utf16le");
    const bytes = saved.endsWith("a mark") ? marked : marked.subarray(saved === "utf-8" ? 3 : 2);
    await writeFile(join(data, "config.json"), saved.includes("BE") ? bytes.swap16() : bytes);
    const { values, issues } = await read();
    expect([values["device.name"], issues]).toEqual(["Schaufenster für Möbel", []]);
  });

  test("a file that was saved as ANSI is refused with the place and what to do", async () => {
    await writeFile(join(data, "config.json"), Buffer.from('{\r\n  "device": { "name": "für" } }', "latin1"));
    const { values, issues } = await read();
    expect([values["device.name"], issues]).toEqual(["", [{ source: "file", code: "config.not-json", message: `${join(data, "config.json")}: line 2, column 25: this character is not saved as UTF-8`, hint: expect.stringContaining("Save as, Encoding: UTF-8") as string }]]);
  });

  test.each([
    ["not JSON", '{\n  "log": {"level": }\n}', "config.not-json", "line 2, column 20"],
    ["cut off", '{"log": ', "config.not-json", "it ends too early"],
    ["a list", "[1]", "config.not-json", "not a JSON object"],
    ["empty", "", "config.not-json", "config.json"],
    ["enormous", `{"x": "${"y".repeat(300_000)}"}`, "config.too-large", "262144"],
  ])("a file that is %s is an issue, and everything else stands", async (_name, text, code, says) => {
    await writeFile(join(data, "config.json"), text);
    const { values, issues } = await read(["--device-name", "Lobby"]);
    expect(values["device.name"]).toBe("Lobby");
    expect(issues).toHaveLength(1);
    expect(issues[0]?.code).toBe(code);
    expect(issues[0]?.message).toContain(says);
  });

  test("a file that cannot be read is an issue", async () => {
    await rm(join(data, "config.json"), { force: true });
    await writeFile(join(data, "not-a-folder"), "");
    const asFolder = await readConfig(["--data", join(data, "not-a-folder")], {});
    expect(asFolder.issues.map(({ code }) => code)).toEqual(["config.unreadable"]);
    await chmod(data, 0o700);
  });
});

test.each([
  [["--dta", "/x"], 'unknown flag "--dta"', "did you mean --data?"], [["--data"], "--data has no value", "--help"], [["--data", "--strict"], "--data has no value", "--help"],
  [["--data="], "--data: ", ""], [["--data", ""], "--data: ", ""], [["run"], 'unexpected argument "run"', "--help"],
])("the command line %j is refused before anything is done in a folder", async (argv, message, hint) => {
  const { misuses } = await readConfig(argv, { VITRINE_DATA: "/nowhere" });
  expect(misuses).toEqual([expect.objectContaining({ message: expect.stringContaining(message) as string, hint: expect.stringContaining(hint) as string })]);
});

test("a wrong value of another flag is no misuse: the device starts with the next lower source", async () => {
  expect((await readConfig(["--data", "/nowhere", "--log-level", "loud"], {})).misuses).toEqual([]);
});

test("the file is that of config.file where it is set, else config.json in the data folder", async () => {
  expect((await readConfig(["--data", "/nowhere"], {})).file).toBe("/nowhere/config.json");
  expect((await readConfig(["--data", "/nowhere"], { VITRINE_CONFIG_FILE: "/etc/vitrine/config.json" })).file).toBe("/etc/vitrine/config.json");
});

test("parses flags with a value, with an equals sign and boolean ones, and returns the remaining arguments", () => {
  expect(parseFlags(["start", "--data", "/x", "--strict", "--log-level=debug", "--", "--data"])).toEqual({
    flags: [
      ["--data", "/x"],
      ["--strict", "true"],
      ["--log-level", "debug"],
    ],
    rest: ["start", "--data"],
    valueless: [],
  });
  expect(parseFlags(["--log-level"])).toEqual({ flags: [], rest: [], valueless: ["--log-level"] });
  expect(parseFlags(["--device-name", "", "--data", "--strict"])).toEqual({ flags: [["--device-name", ""], ["--strict", "true"]], rest: [], valueless: ["--data"] });
});

test("docs/configuration.md matches the configuration table", async () => {
  expect(await readFile("docs/configuration.md", "utf8")).toBe(configurationDoc());
});
