import { expect, test } from "vitest";
import { hostOf, isForbiddenPort, loadIssue } from "./load-issue.ts";

test.each([
  ["net::ERR_CERT_DATE_INVALID", "tls.wrong-date"],
  ["ERR_CERT_COMMON_NAME_INVALID", "tls.wrong-name"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "tls.wrong-name"],
  ["ERR_CERT_AUTHORITY_INVALID", "tls.unknown-issuer"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls.unknown-issuer"],
  ["ERR_CERT_SOMETHING_NEW", "tls.bad-certificate"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "tls.handshake"],
  ["ERR_SSL_BAD_RECORD_MAC_ALERT", "tls.handshake"],
  ["net::ERR_UNSAFE_PORT", "content.forbidden-port"],
  ["net::ERR_TOO_MANY_REDIRECTS", "http.redirect-loop"],
  ["net::ERR_INVALID_HTTP_RESPONSE", "http.bad-answer"],
  ["HPE_INVALID_CONSTANT", "http.bad-answer"],
  ["net::ERR_EMPTY_RESPONSE", "net.connection-closed"],
  ["ConnectionRefused", "net.connection-refused"],
  ["ENOTFOUND", "net.name-not-resolved"],
  ["Failed", "net.failed"],
  ["ERR_NOBODY_KNOWS", "net.failed"],
])("%s becomes %s, in our own words", (name, code) => {
  const issue = loadIssue(name, "https://user:secret@menu.example:8443/board?token=x");
  expect(issue.code).toBe(code);
  expect(issue.message).toMatch(/^menu\.example:8443: [a-z][^_]+\.$/);
});

test("only the host of an address is named", () => {
  expect(hostOf("https://user:secret@menu.example/x?token=y")).toBe("menu.example");
  expect(hostOf("not an address, secret")).not.toContain("secret");
});

test("ports that browsers refuse are recognised", () => {
  expect([25, 6000, 10080].map((port) => isForbiddenPort(new URL(`http://a.example:${port}/`)))).toEqual([true, true, true]);
  expect(["http://a.example/", "http://a.example:8080/", "https://a.example/"].map((url) => isForbiddenPort(new URL(url)))).toEqual([false, false, false]);
});
