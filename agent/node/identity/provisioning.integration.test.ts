import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ProvisioningSchema, readProvisioning } from "./provisioning.ts";
import { EXAMPLES } from "./provisioning-advice.ts";

const PROVISIONING_FILE = "vitrine-provision.json";
import { removeUsedEntry } from "./used-entries.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-provision-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(content: string): ReturnType<typeof readProvisioning> {
  writeFileSync(join(folder, PROVISIONING_FILE), content);
  return readProvisioning([join(folder, "boot", PROVISIONING_FILE), join(folder, PROVISIONING_FILE)]);
}
const errorOf = (content: string): string => {
  const result = read(content);
  return result.ok ? "ok" : `${result.error.code}: ${result.error.message.replace(folder, "")}`;
};

test("reads a complete file with a byte order mark, and accepts a missing file", () => {
  const all = { endpoints: ["wss://cloud.test/device"], ownerCommandKey: "A".repeat(43), claimToken: "shop-12", deviceName: "Window" };
  expect(readProvisioning([join(folder, PROVISIONING_FILE)])).toEqual({ ok: true, value: undefined });
  expect(read(`\uFEFF${JSON.stringify(all)}`)).toEqual({ ok: true, value: { ...all, path: join(folder, PROVISIONING_FILE) } });
  expect(read("{}")).toMatchObject({ ok: true });
});

test("every error names the file and the place in it", () => {
  const at = `/${PROVISIONING_FILE}`;
  expect(errorOf("{")).toBe(`provisioning.malformed: ${at}, line 1, column 2: the text ends too early`);
  expect(errorOf('{\r\n  "deviceName": "Window",\r\n}\r\n')).toBe(`provisioning.malformed: ${at}, line 2, column 25: there is a comma after the last entry`);
  expect(errorOf("[]")).toContain(`provisioning.malformed: ${at}`);
  expect(errorOf('{"endpoint":[]}')).toBe(`provisioning.malformed: ${at}, line 1, column 2: "endpoint" is not a key of this file`);
  expect(errorOf('{"endpoints":["https://x"]}')).toBe(`provisioning.malformed: ${at}, line 1, column 15: endpoints.0: must be a ws or wss address`);
  expect(errorOf('{"endpoints":[]}')).toContain("must name at least one address");
  expect(errorOf('{"ownerCommandKey":"short"}')).toContain("ownerCommandKey: must be 43 characters");
  expect(errorOf(`{"claimToken":"${"x".repeat(70_000)}"}`)).toContain("provisioning.unreadable");
});

test("every mistake is told with its place, what is allowed, and an example", () => {
  const result = read('{\r\n  "deviceNmae": "Window",\r\n  "country": "Germany",\r\n  "network": {\r\n    "wifi": { "ssid": "Shop", "pasword": "correct horse" },\r\n    "interfaces": { "eth0": { "method": "static", "address": "192.0.2.4", "dns": [] } }\r\n  }\r\n}\r\n');
  const error = result.ok ? undefined : result.error;
  const path = join(folder, PROVISIONING_FILE);
  expect(error?.message.split("\n").sort()).toEqual([
    `${path}, line 3, column 3: country: must be a country's two capital letters (ISO 3166), such as DE`,
    `${path}, line 5, column 31: "network.wifi.pasword" is not a key of this file`,
    `${path}, line 6, column 51: network.interfaces.eth0.address: must be an IPv4 address with a prefix length, such as 192.0.2.4/24`,
    `${path}, line 2, column 3: "deviceNmae" is not a key of this file`,
  ].sort());
  for (const advice of ['did you mean "deviceName"? known keys: endpoints, ', 'write it like this: "country": "DE"', 'did you mean "password"? known keys in network.wifi: ssid, ', 'write it like this: "address": "192.0.2.4/24"']) expect(error?.hint).toContain(advice);
});

/** The places of all keys of a schema, as `EXAMPLES` names them: `*` is any name. */
function placesOf(schema: unknown, place: readonly string[] = []): readonly string[] {
  const { type, entries, options, pipe, wrapped, value } = schema as { type?: string; entries?: Record<string, unknown>; options?: unknown; pipe?: unknown[]; wrapped?: unknown; value?: unknown };
  if (pipe !== undefined && entries === undefined && wrapped === undefined && type !== "record") return placesOf({ ...(pipe[0] as object), pipe: undefined }, place);
  if (entries !== undefined) return Object.entries(entries).flatMap(([key, each]) => [[...place, key].join("."), ...placesOf(each, [...place, key])]);
  if (type === "record") return [[...place, "*"].join("."), ...placesOf(value, [...place, "*"])];
  if (wrapped !== undefined) return placesOf(wrapped, place);
  return type === "variant" ? (options as unknown[]).flatMap((option) => placesOf(option, place)) : [];
}

test("every key of a provisioning file has an example", () => {
  const places = new Set(placesOf(ProvisioningSchema));
  expect(places).toContain("network.dot1x.*.identity");
  expect([...places].filter((place) => EXAMPLES[place] === undefined)).toEqual([]);
  expect(Object.keys(EXAMPLES).filter((place) => !places.has(place))).toEqual([]);
});

test.each(["network.dot1x.eth0", "network.wifi.dot1x"])("a mistake in %s is told with its keys and an example", (place) => {
  const keys = place.split(".");
  const of = (text: string): string => keys.reduceRight((inner, key) => `{ "${key}": ${key === "wifi" ? inner.replace("{", '{ "ssid": "Shop", "security": "wpa-eap",') : inner} }`, text);
  const hintOf = (text: string): string => {
    const result = read(of(text));
    return result.ok ? "" : (result.error.hint ?? "");
  };
  expect(hintOf('{ "method": "tls", "identty": "player-7", "certificate": "shop" }')).toContain('did you mean "identity"? known keys in ' + place);
  expect(hintOf('{ "method": "tls", "identity": "player-7", "certificate": "../x" }')).toContain('write it like this: "certificate": "shop"');
});

test("every example is right where it is told", () => {
  for (const [place, example] of Object.entries(EXAMPLES)) {
    const keys = place.split(".").slice(0, -1).map((key) => (key === "*" ? "eth0" : key));
    const rest = { "network.wifi.ssid": '"security": "open"', "network.wifi.password": '"ssid": "Shop"', "network.wifi.security": '"ssid": "Shop", "password": "correct horse"', "network.wifi.hidden": '"ssid": "Shop"' }[place]
      ?? (place.startsWith("network.interfaces.*.") && !place.endsWith("method") ? ['"method": "static"', '"address": "192.0.2.4/24"', '"dns": []'].filter((other) => !example.startsWith(other.slice(0, 6))).join(", ") : "");
    const access = /^network\.(?:dot1x\.\*|wifi\.dot1x)\./.test(place) ? [place.endsWith("password") ? '"method": "peap"' : '"method": "tls"', '"identity": "p"', '"certificate": "c"'].filter((other) => !example.startsWith(other.slice(0, 6))) : [];
    const inner = [example, ...access, ...(rest === "" ? [] : [rest])].join(", ");
    const around = (key: string): string => (key === "wifi" && place.startsWith("network.wifi.dot1x") ? '"ssid": "Shop", "security": "wpa-eap", ' : "");
    expect([place, errorOf(keys.reduceRight((text, key) => `"${key}": { ${around(key)}${text} }`, inner).replace(/^/, "{ ").concat(" }"))]).toEqual([place, "ok"]);
  }
});

test.each([
  ["{\\rtf1\\ansi { }}", "this is no plain text, but RTF"], ["PK\u0003\u0004\u0014", "a word processor"], ["<!DOCTYPE html><pre>{}</pre>", "HTML"], ["", "is empty"], [" \r\n", "is empty"],
])("the file of another program (%j) is told as such", (content, says) => {
  expect(errorOf(content)).toContain(says);
});

test("reads what a Windows editor saves as Unicode, and says where a character is not UTF-8", () => {
  const text = '\uFEFF{\r\n  "deviceName": "Büro"\r\n}\r\n';
  const path = join(folder, PROVISIONING_FILE);
  const big = Buffer.from(text, "utf16le").swap16();
  for (const bytes of [Buffer.from(text, "utf16le"), big, big.subarray(2), Buffer.from(text)]) {
    writeFileSync(path, bytes);
    expect(readProvisioning([path])).toMatchObject({ ok: true, value: { deviceName: "Büro" } });
  }
  writeFileSync(path, Buffer.from(text.slice(1), "latin1"));
  expect(readProvisioning([path])).toMatchObject({ ok: false, error: { message: `${path}, line 2, column 19: this character is not saved as UTF-8`, hint: expect.stringContaining("UTF-8") as string } });
});

test("reads network, country and time zone, and no error contains a secret", () => {
  const wifi = { ssid: "Shop", password: "very secret" };
  const network = { wifi, interfaces: { eth0: { method: "static", address: "192.0.2.4/24", dns: [] } }, proxy: "http://me:very-secret@proxy.test:3128" };
  expect(read(JSON.stringify({ network, country: "DE", timeZone: "Europe/Berlin" }))).toMatchObject({
    ok: true, value: { network: { ...network, wifi: { ...wifi, security: "wpa-psk" } }, country: "DE", timeZone: "Europe/Berlin" },
  });
  expect(read(JSON.stringify({ network: { wifi: { ssid: "Guest" } } }))).toMatchObject({ ok: true, value: { network: { wifi: { security: "open" } } } });
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ network: { wifi: { ...wifi, password: "short" } } }, "network.wifi.password"],
    [{ network: { wifi: { ...wifi, password: "very secret\u0007" } } }, "network.wifi.password"],
    [{ network: { wifi: { ...wifi, pasword: "very secret" } } }, "network.wifi.pasword"],
    [{ network: { proxy: "ftp://me:very-secret@proxy.test" } }, "network.proxy"],
    [{ network: { interfaces: { eth0: { method: "static", address: "192.0.2.4", dns: [] } } } }, "network.interfaces.eth0.address"],
    [{ country: "Germany" }, "country"],
    [{ timeZone: "Europe/Berlim" }, "timeZone"],
  ];
  for (const [content, place] of wrong) {
    const error = errorOf(JSON.stringify(content));
    expect(error).toMatch(/^provisioning\.malformed: /);
    expect(error).toContain(place);
    expect(error).not.toMatch(/very.secret|short/);
  }
});

test("an unencrypted endpoint on another machine is refused with its place, and accepted if the owner allows it", () => {
  const path = join(folder, PROVISIONING_FILE);
  writeFileSync(path, '{"endpoints":["wss://cloud.test/device","ws://10.0.0.5/device"]}');
  expect(readProvisioning([path])).toMatchObject({ ok: false, error: { code: "link.plain-refused", message: expect.stringContaining(`${path}: endpoints`) as string } });
  expect(readProvisioning([path], true).ok).toBe(true);
});

test("a bad file is not skipped in favour of the next one", () => {
  mkdirSync(join(folder, "boot"));
  writeFileSync(join(folder, "boot", PROVISIONING_FILE), "nonsense");
  expect(errorOf("{}")).toContain(`/boot/${PROVISIONING_FILE}, line 1, column 1: a value is expected, not n`);
});

test("a used claim token is removed from its file, and nothing else", () => {
  const path = join(folder, PROVISIONING_FILE);
  const rest = { endpoints: ["wss://cloud.test/device"], deviceName: "Window" };
  writeFileSync(path, `\uFEFF${JSON.stringify({ ...rest, claimToken: "shop-12" })}`, { mode: 0o640 });
  expect(removeUsedEntry(path, "claimToken")).toEqual({ ok: true, value: true });
  expect(readFileSync(path, "utf8")).not.toContain("shop-12");
  expect(readProvisioning([path])).toEqual({ ok: true, value: { ...rest, path } });
  expect([statSync(path).mode & 0o777, readdirSync(folder)]).toEqual([0o640, [PROVISIONING_FILE]]);
  expect(removeUsedEntry(path, "claimToken")).toEqual({ ok: true, value: false });
});

test("a used network is removed from a file that was saved as UTF-16", () => {
  const path = join(folder, PROVISIONING_FILE);
  writeFileSync(path, Buffer.from('\uFEFF{"network":{"wifi":{"ssid":"Shop","password":"very secret"}},"country":"DE"}', "utf16le"));
  expect(removeUsedEntry(path, "network")).toEqual({ ok: true, value: true });
  expect(readProvisioning([path])).toEqual({ ok: true, value: { country: "DE", path } });
});

test("an unwritable file is reported, and a link or a file without JSON is left alone", () => {
  expect(removeUsedEntry(join(folder, "gone.json"), "claimToken")).toMatchObject({ ok: false, error: { code: "provisioning.token-left" } });
  const [real, link] = [join(folder, "real.json"), join(folder, "link.json")];
  writeFileSync(real, '{"claimToken":"a"}');
  symlinkSync(real, link);
  expect(removeUsedEntry(link, "claimToken")).toEqual({ ok: true, value: false });
  expect(readFileSync(real, "utf8")).toBe('{"claimToken":"a"}');
  writeFileSync(real, "{");
  expect(removeUsedEntry(real, "claimToken")).toEqual({ ok: true, value: false });
});
