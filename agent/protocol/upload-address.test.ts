import { describe, expect, test } from "vitest";
import { checkGrant, type UploadRules } from "./upload-address.ts";

const rules = (over: Partial<UploadRules> = {}): UploadRules => ({ linkHost: () => "cloud.example", hosts: () => [], plainAllowed: false, ...over });
const codeOf = (url: string, given: UploadRules = rules(), headers?: Record<string, string>): string => {
  const checked = checkGrant({ url, headers }, given);
  return checked.ok ? "ok" : checked.error.code;
};

describe("an upload grant may lead", () => {
  test("to the link's own host over TLS, on any port", () => {
    expect(["https://cloud.example/u/1", "https://CLOUD.example:8443/u"].map((url) => codeOf(url))).toEqual(["ok", "ok"]);
    for (const url of ["http://cloud.example/u", "https://cloud.example.evil.test/u", "https://evil.test/cloud.example", "https://user@cloud.example/u", "https://10.0.0.1/", "https://127.0.0.1/u", "ftp://cloud.example/", "nonsense"])
      expect([url, codeOf(url)]).toEqual([url, "upload.grant-refused"]);
    expect(codeOf("https://cloud.example/", rules({ linkHost: () => undefined }))).toBe("upload.grant-refused");
  });

  test("to an unencrypted address on loopback, or anywhere if the owner allows it", () => {
    const home = rules({ linkHost: () => "127.0.0.1" });
    expect(codeOf("http://127.0.0.1:4600/upload/x", home)).toBe("ok");
    expect(codeOf("http://10.0.0.5/upload/x", rules({ linkHost: () => "10.0.0.5" }))).toBe("upload.grant-refused");
    expect(codeOf("http://10.0.0.5/upload/x", rules({ linkHost: () => "10.0.0.5", plainAllowed: true }))).toBe("ok");
  });

  test("to hosts the owner names: one host, all below it, or one port of it", () => {
    const named = rules({ hosts: () => ["uploads.example", ".storage.example", "store.example:8443", "[2001:db8::1]"] });
    for (const url of ["https://uploads.example/", "https://a.b.storage.example/", "https://storage.example/", "https://store.example:8443/", "https://[2001:db8::1]/"]) expect([url, codeOf(url, named)]).toEqual([url, "ok"]);
    for (const url of ["https://x.uploads.example/", "https://evilstorage.example/", "https://store.example/"]) expect([url, codeOf(url, named)]).toEqual([url, "upload.grant-refused"]);
  });

  test("with allowed headers only; the request's own headers are dropped, any other refuses the grant", () => {
    const checked = checkGrant({ url: "https://cloud.example/u", headers: { Authorization: "Bearer x", "x-amz-acl": "private", Host: "elsewhere", "content-range": "bytes 0-0/1" } }, rules());
    expect(checked).toEqual({ ok: true, value: { url: "https://cloud.example/u", headers: { Authorization: "Bearer x", "x-amz-acl": "private" } } });
    for (const name of ["cookie", "x-forwarded-for", "x-http-method-override", "proxy-authorization", "origin"]) expect([name, codeOf("https://cloud.example/", rules(), { [name]: "x" })]).toEqual([name, "upload.grant-refused"]);
  });
});
