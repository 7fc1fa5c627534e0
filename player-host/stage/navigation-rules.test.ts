import { describe, expect, test } from "vitest";
import { addressOf, HTTPS_ORIGINS, isOwnHost, mayNavigate, mayPass, mayUseLocalNetwork, originForPeople, packageCsp, rulesFor, sameAddress, SCHEME_ORIGINS } from "./navigation-rules.ts";
import type { LoadTarget } from "./shell.ts";

const URL_TARGET: LoadTarget = { kind: "url", url: "https://menu.example:8443/board?x#y", ignoreCache: false };
const PACKAGE: LoadTarget = { kind: "package", id: "Sha256:AB12", folder: "/p", entry: "a b/in dex.html", allowedOrigins: [], ignoreCache: false };

describe("where a page may go", () => {
  test("within its origin: same scheme, host and port", () => {
    const rules = rulesFor(URL_TARGET, HTTPS_ORIGINS);
    expect(mayNavigate(rules, "https://menu.example:8443/other")).toBe(true);
    for (const url of ["https://menu.example/", "http://menu.example:8443/", "https://menu.example:8443.evil.example/", "https://user@evil.example/", "javascript:1", "about:blank", ""]) {
      expect(mayNavigate(rules, url), url).toBe(false);
    }
  });

  test("to the origins that its owner named besides the address, and no others", () => {
    const rules = rulesFor({ ...URL_TARGET, origins: ["https://app.example", "http://10.0.0.5:8080"] }, HTTPS_ORIGINS);
    for (const url of ["https://app.example/x", "http://10.0.0.5:8080/", "https://menu.example:8443/"]) expect(mayNavigate(rules, url), url).toBe(true);
    for (const url of ["https://login.example/", "http://app.example/", "http://10.0.0.5/"]) expect(mayNavigate(rules, url), url).toBe(false);
  });

  test("from a plain address to the same host by TLS, never the other way round", () => {
    const plain = rulesFor({ kind: "url", url: "http://menu.example/board", ignoreCache: false }, HTTPS_ORIGINS);
    expect(mayNavigate(plain, "https://menu.example/board")).toBe(true);
    expect(mayNavigate(plain, "https://other.example/board")).toBe(false);
    expect(mayNavigate(rulesFor({ kind: "url", url: "https://menu.example/", ignoreCache: false }, HTTPS_ORIGINS), "http://menu.example/")).toBe(false);
  });

  test("by redirect elsewhere on the web, which does not become content, but never into our own origins", () => {
    const rules = rulesFor(URL_TARGET, HTTPS_ORIGINS);
    expect(mayPass(rules, "https://login.example/")).toBe(true);
    expect(mayNavigate(rules, "https://login.example/")).toBe(false);
    for (const url of ["file:///etc/passwd", "https://vitrine-ab12.invalid/", "https://screen.vitrine.invalid/fault", "nonsense"]) {
      expect(mayPass(rules, url), url).toBe(false);
    }
  });

  test("an address is the same whatever part of the document it names", () => {
    expect(sameAddress("https://menu.example", "https://menu.example/#part")).toBe(true);
    expect(sameAddress("https://user:secret@menu.example/", "https://menu.example/")).toBe(true);
    expect(sameAddress("https://menu.example/a", "https://menu.example/b")).toBe(false);
  });

  test("only the origin of an address is shown to people", () => {
    expect(originForPeople("https://user:secret@menu.example/path?token=x")).toBe("https://menu.example");
    expect(originForPeople("data:text/html,secret")).toBe("data:");
  });
});

describe("our own origins", () => {
  test("name a package by its hash, in either form", () => {
    expect(addressOf(PACKAGE, HTTPS_ORIGINS)).toBe("https://vitrine-sha256ab12.invalid/a%20b/in%20dex.html");
    expect(addressOf(PACKAGE, SCHEME_ORIGINS)).toBe("vitrine-package://sha256ab12/a%20b/in%20dex.html");
    expect(mayNavigate(rulesFor(PACKAGE, SCHEME_ORIGINS), "vitrine-package://sha256ab12/other.html")).toBe(true);
    expect(mayNavigate(rulesFor(PACKAGE, SCHEME_ORIGINS), "vitrine-package://cc33/other.html")).toBe(false);
    expect(HTTPS_ORIGINS.package("../..")).toBe("https://vitrine-0.invalid");
  });

  test("are not confused with look-alikes", () => {
    for (const url of ["https://vitrine-a.invalid/", "https://screen.vitrine.invalid/", "https://a.package.vitrine.invalid/"]) expect(isOwnHost(url), url).toBe(true);
    expect(isOwnHost("https://vitrine-a.invalid.example/")).toBe(false);
    expect(isOwnHost("https://x.vitrine-a.invalid/")).toBe(false);
    expect(isOwnHost("https://vitrine.invalid.example/")).toBe(false);
    expect(isOwnHost("https://notvitrine.invalid/")).toBe(false);
  });
});

test("give packages no common cookie domain", () => {
  const [one, other] = ["aa11", "bb22"].map((id) => new URL(HTTPS_ORIGINS.package(id)).hostname.split("."));
  // Browsers accept no cookie for `.invalid` itself.
  expect(one?.slice(1)).toEqual(["invalid"]);
  expect(one).not.toEqual(other);
});

test("give a package a policy that allows only granted origins, whatever is written as one", () => {
  const csp = packageCsp(["https://api.example", "wss://live.example:9", "https://x.example; script-src *", "javascript:1", "*", "https://*"]);
  expect(csp).toContain("default-src 'self' data: blob: https://api.example 'unsafe-inline'");
  expect(csp).toContain("connect-src 'self' data: blob: https://api.example wss://live.example:9;");
  expect(csp).not.toContain("script-src");
  expect(csp).not.toContain("*");
});

test("allow the local network to content that was granted it and to packages that name origins", () => {
  const may = (target: LoadTarget, url: string): boolean => mayUseLocalNetwork([target], url, HTTPS_ORIGINS);
  expect(may(URL_TARGET, "https://menu.example:8443/")).toBe(false);
  expect(may({ ...URL_TARGET, localNetwork: true }, "https://menu.example:8443/x")).toBe(true);
  expect(may({ ...URL_TARGET, localNetwork: true }, "https://menu.example/")).toBe(false);
  expect(may(PACKAGE, addressOf(PACKAGE, HTTPS_ORIGINS))).toBe(false);
  expect(may({ ...PACKAGE, allowedOrigins: ["http://10.0.0.9"] }, addressOf(PACKAGE, HTTPS_ORIGINS))).toBe(true);
  expect(may({ kind: "screen", screen: { kind: "blank" } }, "https://screen.vitrine.invalid/blank")).toBe(false);
});
