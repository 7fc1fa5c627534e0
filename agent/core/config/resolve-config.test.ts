import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONFIG_KEYS, configEntry, environmentName, flagName } from "./config-table.ts";
import { describeType, readJsonValue, readTextValue } from "./config-type.ts";
import { nearestName } from "./nearest-name.ts";
import { resolveConfig, shown, type ConfigInput } from "./resolve-config.ts";

const resolve = (input: Partial<ConfigInput>) => resolveConfig({ environment: {}, flags: [], ...input });

describe("the configuration table", () => {
  test("every default is valid for its type, and all names are distinct", () => {
    for (const key of CONFIG_KEYS) {
      const { type, default: value, description } = configEntry(key);
      expect([key, readJsonValue(type, value)]).toEqual([key, { ok: true, value }]);
      expect([key, description.endsWith(".")]).toEqual([key, true]);
      expect(describeType(type).length).toBeGreaterThan(3);
    }
    expect(new Set(CONFIG_KEYS.map(environmentName)).size).toBe(CONFIG_KEYS.length);
    expect(new Set(CONFIG_KEYS.map(flagName)).size).toBe(CONFIG_KEYS.length);
  });

  test("keys have names in the environment and on the command line", () => {
    expect(environmentName("cloud.firstConnectSpreadMs")).toBe("VITRINE_CLOUD_FIRST_CONNECT_SPREAD_MS");
    expect(flagName("cloud.firstConnectSpreadMs")).toBe("--cloud-first-connect-spread-ms");
    expect(environmentName("data")).toBe("VITRINE_DATA");
  });

  test("numbers have their unit in the name", () => {
    const endings = new Map([
      ["ms", /Ms$/],
      ["bytes", /[bB]ytes(?:Max)?$/],
      ["a day", /PerDay$/],
    ]);
    const numbers = CONFIG_KEYS.filter((key) => configEntry(key).type.kind === "integer");
    expect(numbers.filter((key) => endings.get(configEntry(key).unit ?? "")?.test(key) !== true)).toEqual([]);
  });
});

describe("resolving", () => {
  test("entries that are not understood are wrong values, each named, and the others are used", () => {
    const { values, issues } = resolve({
      file: { gpio: { lines: "line=GPIO17,name=relay;line=GPIO22,aktiv=low" } },
      environment: { VITRINE_DISPLAYS: "name=lobby,driver=cec;name=Big Screen,driver=cec" },
    });
    expect(values["gpio.lines"]).toContain("relay");
    expect(values.displays).toContain("lobby");
    expect(issues).toMatchObject([
      { source: "file", code: "config.wrong-value", message: expect.stringMatching(/^config.json, at gpio.lines: "aktiv=low" is not understood/) as string },
      { source: "environment", code: "config.wrong-value", message: expect.stringMatching(/^VITRINE_DISPLAYS: the name "Big Screen"/) as string },
    ]);
  });

  test("defaults < file < environment < flags, and each value has its source", () => {
    const { values, sources, issues } = resolve({
      file: { log: { level: "debug" }, "device.name": "File", outbox: { bytesMax: 8_388_608 } },
      environment: { VITRINE_LOG_LEVEL: "warn", VITRINE_DEVICE_NAME: "Environment", PATH: "/bin", VITRINE_BROWSER: "/usr/bin/chromium" },
      flags: [["--log-level", "error"]],
    });
    expect([values["log.level"], values["device.name"], values["outbox.bytesMax"], values.platform]).toEqual(["error", "Environment", 8_388_608, "auto"]);
    expect([sources["log.level"], sources["device.name"], sources["outbox.bytesMax"], sources.platform]).toEqual(["flag", "environment", "file", "default"]);
    expect(issues).toEqual([]);
  });

  test("a wrong value falls back to the next lower source, with a message and a hint", () => {
    const { values, sources, issues } = resolve({ file: { log: { level: "debug" }, telemetry: { cpuMs: "10" } }, environment: { VITRINE_LOG_LEVEL: "loud" } });
    expect([values["log.level"], sources["log.level"], values["telemetry.cpuMs"]]).toEqual(["debug", "file", 10_000]);
    expect(issues).toEqual([
      {
        source: "file",
        code: "config.wrong-value",
        message: 'config.json, at telemetry.cpuMs: expected whole number from 1000 to 86400000, got "10"',
        hint: "correct it; until then telemetry.cpuMs is 10000 (default)",
      },
      {
        source: "environment",
        code: "config.wrong-value",
        message: 'VITRINE_LOG_LEVEL: expected one of debug, info, warn, error, got "loud"',
        hint: 'correct it; until then log.level is "debug" (file)',
      },
    ]);
  });

  test("an unknown key is reported with the one that was probably meant", () => {
    const { issues } = resolve({
      file: { log: { levle: "debug" }, clowd: { endpoints: [] }, zzz: 1, data: "/elsewhere", constructor: 1 },
      environment: { VITRINE_LOG_LEVLE: "debug" },
      flags: [["--log-leve", "debug"]],
    });
    expect(issues.map(({ code, hint }) => [code, hint])).toEqual([
      ["config.unknown-key", "did you mean log.level?"],
      ["config.unknown-key", "did you mean cloud.endpoints?"],
      ["config.unknown-key", "remove it; docs/configuration.md lists every key"],
      ["config.not-in-file", "remove it from the file; set VITRINE_DATA or --data"],
      ["config.unknown-key", "remove it; docs/configuration.md lists every key"],
      ["config.unknown-key", "did you mean VITRINE_LOG_LEVEL?"],
      ["config.unknown-key", "did you mean --log-level?"],
    ]);
  });

  test("secrets are not in messages", () => {
    const { values, issues } = resolve({ environment: { VITRINE_CLOUD_PROXY: "ftp://user:hunter2@proxy" } });
    expect(JSON.stringify(issues)).not.toContain("hunter2");
    expect(shown("cloud.proxy", values["cloud.proxy"])).toBe("(not set)");
    expect(shown("cloud.proxy", ["http://user:hunter2@proxy"])).toBe("(set)");
  });

  test("an unencrypted endpoint of another machine is refused from any source, unless it is allowed", () => {
    const lan = "ws://192.0.2.7:4600/device/v1";
    const good = ["wss://cloud.example/device"];
    for (const input of [{ environment: { VITRINE_CLOUD_ENDPOINTS: lan } }, { flags: [["--cloud-endpoints", `wss://b.example/,${lan}`]] as const }]) {
      const { values, issues } = resolve({ file: { cloud: { endpoints: good } }, ...input });
      expect(values["cloud.endpoints"]).toEqual(good);
      expect(issues).toMatchObject([{ code: "link.plain-refused" }]);
    }
    expect(resolve({ file: { cloud: { endpoints: [lan] } } }).values["cloud.endpoints"]).toEqual([]);
    // Allowed in one source, named in another.
    const allowed = resolve({ file: { cloud: { endpoints: [lan] } }, flags: [["--cloud-allow-plain", "true"]] });
    expect([allowed.values["cloud.endpoints"], allowed.issues]).toEqual([[lan], []]);
    const loopback = resolve({ environment: { VITRINE_CLOUD_ENDPOINTS: "ws://127.0.0.1:4600/device/v1" } });
    expect([loopback.values["cloud.endpoints"].length, loopback.issues]).toEqual([1, []]);
  });

  test("a proxy is one http or https address, with an optional user and password", () => {
    for (const proxy of ["http://user:p%40ss@proxy:3128", "https://proxy.example"]) {
      expect(resolve({ environment: { VITRINE_CLOUD_PROXY: proxy } }).values["cloud.proxy"]).toEqual([proxy]);
      expect(resolve({ file: { cloud: { proxy } } }).values["cloud.proxy"]).toEqual([proxy]);
      expect(resolve({ file: { cloud: { proxy: [proxy] } } }).values["cloud.proxy"]).toEqual([proxy]);
    }
    const wrong = resolve({ environment: { VITRINE_CLOUD_PROXY: "socks5://user:hunter2@proxy" } });
    expect(wrong.issues).toMatchObject([{ code: "config.wrong-value", message: expect.stringContaining("socks5:// are not supported") as string }]);
    expect(JSON.stringify(wrong.issues)).not.toContain("hunter2");
  });

  test("lists and booleans are read from text", () => {
    const { values } = resolve({ environment: { VITRINE_CLOUD_ENDPOINTS: "wss://a.example/x, wss://b.example/x" }, flags: [["--watchdog-hardware", "true"]] });
    expect(values["cloud.endpoints"]).toEqual(["wss://a.example/x", "wss://b.example/x"]);
    expect(values["watchdog.hardware"]).toBe(true);
    expect(readTextValue({ kind: "integer", min: 0, max: 10 }, "1e1").ok).toBe(false);
    expect(readTextValue({ kind: "addresses", protocols: ["wss:"], countMax: 8 }, "http://a").ok).toBe(false);
  });

  test("any file yields a complete configuration of the right types and a bounded number of issues", () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 4 }), (file) => {
        const { values, issues } = resolve({ file: JSON.parse(JSON.stringify(file)) as never });
        for (const key of CONFIG_KEYS) expect(readJsonValue(configEntry(key).type, values[key]).ok).toBe(true);
        expect(issues.length).toBeLessThanOrEqual(50);
      }),
      { numRuns: 200 },
    );
  });
});

test.each([
  ["log.levle", "log.level"],
  ["cloud.endpoint", "cloud.endpoints"],
  ["outbox.maxBytes", undefined],
  ["x", undefined],
  ["wat", undefined],
])("the nearest name to %s is %s", (given, meant) => {
  expect(nearestName(given, CONFIG_KEYS)).toBe(meant);
});
