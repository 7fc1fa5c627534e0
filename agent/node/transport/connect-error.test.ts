import { expect, test } from "vitest";
import { connectIssue } from "./connect-error.ts";
import { ProxyError } from "./proxy-tunnel.ts";

const url = new URL("wss://cloud.test/device");
const system = (code: string, message = code): Error => Object.assign(new Error(message), { code });
const codeOf = (thrown: unknown): string => connectIssue(thrown, url, "synced").code;

test("every connection failure has the code of the failed step", () => {
  const cases: [unknown, string][] = [
    [system("ENOTFOUND"), "link.dns"],
    [system("EAI_AGAIN"), "link.dns"],
    [system("ECONNREFUSED"), "link.refused"],
    [new AggregateError([system("ENETUNREACH"), system("ECONNREFUSED")], "both ways failed"), "link.refused"],
    [Object.assign(new AggregateError([], "both ways failed"), { code: "ECONNREFUSED" }), "link.refused"],
    [system("ETIMEDOUT"), "link.timeout"],
    [new Error("Opening handshake has timed out"), "link.timeout"],
    [system("ECONNRESET"), "link.network"],
    [system("EHOSTUNREACH"), "link.network"],
    [system("DEPTH_ZERO_SELF_SIGNED_CERT"), "link.tls"],
    [system("ERR_TLS_CERT_ALTNAME_INVALID"), "link.tls"],
    [system("EPROTO"), "link.tls"],
    [system("CERT_HAS_EXPIRED"), "link.tls"],
    [system("HPE_INVALID_CONSTANT"), "link.protocol"],
    [system("WS_ERR_INVALID_OPCODE"), "link.protocol"],
    [new ProxyError("no"), "link.proxy"],
    [new Error("anything"), "link.network"],
    ["not even an error", "link.network"],
    [undefined, "link.network"],
  ];
  for (const [thrown, code] of cases) expect([code, codeOf(thrown)]).toEqual([code, code]);
});

test("an expired certificate blames the clock while the clock is not confirmed", () => {
  expect(connectIssue(system("CERT_NOT_YET_VALID"), url, "unset")).toMatchObject({ code: "link.clock", hint: expect.stringContaining("NTP") as string });
  expect(connectIssue(system("CERT_HAS_EXPIRED"), url, "local").code).toBe("link.clock");
});
