import { expect, test } from "vitest";
import { LOG_LIMITS, maskValues, redact, redactText } from "./redact.ts";

test.each([
  ["http://user:secret@host/", "http://[secret]@host/"],
  ["http://secret@host:81/a/b", "http://[secret]@host:81/a/b"],
  ["https://host/a?x=secret&y=secret#secret", "https://host/a?x=[secret]&y=[secret]#[secret]"],
  ["https://host/a?secret", "https://host/a?[secret]"],
  ["https://user:pa@ss:wo/rd@host/", "https://[secret]@host/"],
  ["http://user:se/cr?et#s@host/a?x=secret", "http://[secret]@host/a?x=[secret]"],
  ["http://user:se'cr<et@host/x?y=sec'ret", "http://[secret]@host/x?y=[secret]"],
  ["'http://h/a','http://user:secret@i/b'", "'http://h/a','http://[secret]@i/b'"],
  ["http://proxy/fetch/http://user:secret@host/a", "http://proxy/fetch/http://[secret]@host/a"],
  ["https://host:8443/@scope/name@18/x", "https://host:8443/@scope/name@18/x"],
  ["wss://u:secret@[2001:db8::1]:8080/x?token=secret", "wss://[secret]@[2001:db8::1]:8080/x?token=[secret]"],
  ["//u:secret@host/x", "//[secret]@host/x"],
  ['GET "http://h/?a=secret" failed, http://h/?b=secret too', 'GET "http://h/?a=[secret]" failed, http://h/?b=[secret] too'],
  ['{"password":"secret","n":1}', '{"password":"[secret]","n":1}'],
  ['text \\"claimToken\\": \\"secret\\" text', 'text \\"claimToken\\": \\"[secret]\\" text'],
  ['{"password":"sec\\"ret\\\\","n":1}', '{"password":"[secret]","n":1}'],
  ['{\\"psk\\":\\"sec\\\\\\"ret\\",\\"n\\":1}', '{\\"psk\\":\\"[secret]\\",\\"n\\":1}'],
  ['{"wifi_pwd2":12345678,"n":1}', '{"wifi_pwd2":"[secret]","n":1}'],
  ['{"token":"cut in the midd', '{"token":"[secret]"'],
  ["connect shop password=secret; id=1&access_token=secret", "connect shop password=[secret]; id=1&access_token=[secret]"],
  ["authorization: Bearer secretsecret", "authorization: Bearer [secret]"],
  ["proxy-authorization: Basic c2VjcmV0OnNlY3JldA==", "proxy-authorization: Basic [secret]"],
  ["nothing here: a // comment, 50 % off, a/b?c", "nothing here: a // comment, 50 % off, a/b?c"],
])("in a text: %s", (text, masked) => {
  expect(redactText(text)).toBe(masked);
});

test("secrets are masked by field name, at any depth, in lists, errors and names", () => {
  const value = {
    wifi: { ssid: "shop", password: "secret" }, list: [{ deep: { apiKey: "secret", claim_token: 12 } }], headers: { Authorization: "secret", "Set-Cookie": ["secret"] },
    "http://u:secret@h/": 1, privateKey: { kty: "secret" }, hasPassword: true, token: null, keys: { a: 1 }, publicKey: "open", at: new Date(0),
  };
  expect(redact(value)).toEqual({
    wifi: { ssid: "shop", password: "[secret]" }, list: [{ deep: { apiKey: "[secret]", claim_token: "[secret]" } }], headers: { Authorization: "[secret]", "Set-Cookie": "[secret]" },
    "http://[secret]@h/": 1, privateKey: "[secret]", hasPassword: true, token: null, keys: { a: 1 }, publicKey: "open", at: "1970-01-01T00:00:00.000Z",
  });
  expect(redact({ error: new Error("at http://u:secret@h/") })).toEqual({ error: expect.stringContaining("http://[secret]@h/") as unknown });
  expect(value.wifi.password).toBe("secret");
});

test("a deep, endless, circular or long value is cut, and the rest is kept", () => {
  let deep: unknown = "secret";
  for (let level = 0; level < 10_000; level += 1) deep = { deep };
  expect(JSON.stringify(redact(deep))).toContain("[cut]");
  const circle: Record<string, unknown> = { name: "circle" };
  circle["self"] = circle;
  expect(redact(circle)).toEqual({ name: "circle", self: "[cut]" });
  const twice = { n: 1 };
  expect(redact({ a: twice, b: twice })).toEqual({ a: { n: 1 }, b: { n: 1 } });
  const many = redact(Array.from({ length: 10_000 }, (_, n) => n), LOG_LIMITS) as readonly unknown[];
  expect([many.length < 1_000, many.at(-1)]).toEqual([true, "[cut]"]);
  expect(redact("x".repeat(1_000_000), LOG_LIMITS)).toHaveLength(LOG_LIMITS.textMax + "[cut]".length);
});

test("a field with several secrets is masked as one", () => {
  expect(redact({ tokens: ["secret"], userPasswords: { a: "secret" }, address: "open" })).toEqual({ tokens: "[secret]", userPasswords: "[secret]", address: "open" });
});

test("a text built to be slow takes no longer than others", { timeout: 60_000 }, () => {
  // Each of these took quadratic time, or would with a careless expression.
  const length = 1_000_000;
  for (const piece of ["\\", '"', '\\"', "/", "//@", '"password":"', "\\\"password", "token", "token=", "a:", " :", "basic "]) {
    expect(redactText(piece.repeat(length / piece.length)).length, piece).toBeGreaterThan(0);
  }
});

test("only the names of a customer's own values are shown", () => {
  expect(maskValues({ a: "x", b: [1, { c: true }], d: {}, e: null })).toEqual({ a: "[secret]", b: ["[secret]", { c: "[secret]" }], d: {}, e: "[secret]" });
});

test("a JSON Schema describes secrets and holds none, so it stays whole; a value under a secret's name does not", () => {
  const schema = { $schema: "http://json-schema.org/draft-07/schema#", type: "object", properties: { password: { type: "string", default: "shop-password" }, token: { anyOf: [{ type: "string" }] } } };
  expect(redact(schema)).toEqual(schema);
  expect(redact({ type: "object", properties: { password: "geheim", psk: { key: "geheim" }, token: { type: "geheim" } } })).toEqual({ type: "object", properties: { password: "[secret]", psk: "[secret]", token: "[secret]" } });
  expect(redact({ properties: { password: { type: "string" } } })).toEqual({ properties: { password: "[secret]" } });
});
