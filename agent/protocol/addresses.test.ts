import { describe, expect, test } from "vitest";
import { NetworkSchema } from "./network-settings.ts";
import { plainIssue, plainIssueIn } from "./plain-address.ts";
import { parseProxy, userOf } from "./proxy-address.ts";
import { validate } from "./codec.ts";
import { OriginSchema } from "./values.ts";

describe("unencrypted addresses", () => {
  test.each(["ws://127.0.0.1:4600/device", "ws://localhost/", "ws://[::1]:1/", "http://127.9.8.7/upload", "wss://cloud.example/", "https://cloud.example/u", "WSS://cloud.example"])(
    "%s may be used",
    (address) => {
      expect(plainIssue(address, false)).toBeUndefined();
    },
  );

  test.each(["ws://cloud.example/", "ws://192.168.1.5:4600/", "ws://localhost.evil.example/", "ws://127.0.0.1.evil.example/", "ws://[fe80::1]/", "http://10.0.0.1/upload", "WS://cloud.example"])(
    "%s may not, but where the owner allows it",
    (address) => {
      expect(plainIssue(address, false)?.code).toBe("link.plain-refused");
      expect(plainIssue(address, true)).toBeUndefined();
      expect(plainIssueIn(["wss://cloud.example/", address], false)?.code).toBe("link.plain-refused");
    },
  );

  test("the reason does not repeat the address's secret", () => {
    expect(JSON.stringify(plainIssue("ws://user:hunter2@cloud.example/path?token=hunter2", false))).not.toContain("hunter2");
  });
});

describe("the address of a proxy", () => {
  test.each(["http://proxy:3128", "https://proxy.example", "http://user:p%40ss@10.0.0.1:8080/", "HTTP://[::1]:3128"])("%s is accepted by every setting", (address) => {
    expect(parseProxy(address).ok).toBe(true);
    expect(validate(NetworkSchema, { proxy: address }, "network").ok).toBe(true);
  });

  test.each([
    ["socks5://user:hunter2@proxy:1080", "proxies of socks5:// are not supported"],
    ["proxy:3128", "not an address"],
    ["http://user:hunter2@proxy/path", "a proxy has no path"],
    ["http://user:hunter2%zz@proxy", "a % in the user or password"],
    ["http://user:hunter2@proxy?x", "a proxy has no query"],
    [`http://${"x".repeat(600)}`, "longer than 512"],
  ])("%s is refused by every setting with one sentence that contains no password", (address, why) => {
    const parsed = parseProxy(address);
    expect(parsed).toMatchObject({ ok: false, error: { code: "proxy.bad-address", message: expect.stringContaining(why) as string } });
    const setting = validate(NetworkSchema, { proxy: address }, "network");
    expect(setting.ok).toBe(false);
    expect(JSON.stringify([parsed, setting])).not.toContain("hunter2");
  });

  test("user and password are decoded", () => {
    expect(userOf(new URL("http://user:p%40ss%2F@proxy"))).toEqual({ user: "user", password: "p@ss/" });
  });
});

test.each(["https://menu.example", "http://10.0.0.5:8080", "HTTPS://Menu.Example", "http://[fd00::5]:65535"])("%s is an origin", (origin) => {
  expect(validate(OriginSchema, origin, "origin").ok).toBe(true);
});

test.each(["http://menu.example:99999", "http://menu.example:65536", "http://menu.example:80x", "http://[fd00::zz]", "http://10.0.0.256", "https://menu.example/", "https://*.example"])("%s is none", (origin) => {
  expect(validate(OriginSchema, origin, "origin")).toMatchObject({ ok: false });
});

test("the name of a wireless network has at most 32 bytes, whatever its letters", () => {
  const setting = (ssid: string) => validate(NetworkSchema, { wifi: { ssid, security: "open" } }, "network");
  for (const ssid of ["x".repeat(32), "ä".repeat(16), `${"終".repeat(10)}ab`, "😀".repeat(8)]) expect(setting(ssid).ok, ssid).toBe(true);
  for (const ssid of ["x".repeat(33), `${"ä".repeat(16)}x`, "終".repeat(11), "😀".repeat(9)]) {
    expect(setting(ssid), ssid).toMatchObject({ ok: false, error: { message: expect.stringContaining("must have at most 32 bytes in UTF-8") as string } });
  }
});
