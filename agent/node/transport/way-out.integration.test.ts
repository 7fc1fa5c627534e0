import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { NetworkControl, NetworkInterface } from "../../../platform/ports/host.ts";
import { seen, unknown } from "../../../platform/ports/reading.ts";
import { exactIssue } from "./way-out.ts";

const CLOUD = new URL("wss://cloud.example.org/device");
const TLS = { code: "link.tls", message: "cloud.example.org: self-signed certificate" } as const;
const EXPIRED = { code: "link.tls", message: "cloud.example.org: certificate has expired" } as const;
const NOW_MS = Date.UTC(2026, 10, 30, 12);
/** Every name is this machine, as where a network answers in the place of all. */
const lookup: LookupFunction = (_name, options, done) => (options.all === true ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4));

const eth0: NetworkInterface = { name: "eth0", kind: "ethernet", up: true, mac: "02:00:00:00:00:10", addresses: ["192.0.2.10/24"], receivedBytes: 0, sentBytes: 0 };

function network(over: Partial<NetworkInterface> = {}, gateway = true): NetworkControl {
  return {
    interfaces: () => Promise.resolve(seen([{ ...eth0, ...over }], 0)),
    gateway: () => Promise.resolve(gateway ? seen("192.0.2.1", 0) : unknown("there is no default route")),
    onChange: () => () => {},
  };
}

let server: Server | undefined;
afterEach(() => new Promise((done) => (server === undefined ? done(undefined) : server.close(done))));

async function answering(listener: RequestListener): Promise<number> {
  const opened = (server = createServer(listener));
  await new Promise<void>((resolve) => opened.listen(0, "127.0.0.1", resolve));
  return (opened.address() as AddressInfo).port;
}

const deps = (over: object = {}) => ({ network: network(), proxied: false, wallMs: () => NOW_MS, lookup, portalPort: 1, ...over });

test.each([
  [{ up: false }, true, "link.no-network", "eth0"],
  [{ addresses: [] }, true, "link.no-address", "eth0"],
  [{ addresses: ["169.254.9.9/16", "fe80::1/64"] }, true, "link.no-address", "eth0"],
  [{}, false, "link.no-gateway", "no default route"],
] as const)("without a cable, an address or a router that is what is told: %j", async (over, gateway, code, words) => {
  const dns = { code: "link.dns", message: "cloud.example.org: ENOTFOUND" } as const;
  expect(await exactIssue(dns, CLOUD, deps({ network: network(over, gateway) }))).toMatchObject({ code, message: expect.stringContaining(words) as string, hint: expect.stringMatching(/./) as string });
});

test.each([
  ["a cable that is refused", {}, { addresses: [] }, "link.not-admitted", "eth0 is not let in by the network (802.1X): it refused the certificate shop-7 (CN=player-7), or did not answer"],
  ["a certificate that has expired", { notAfterMs: Date.UTC(2026, 10, 29) }, { addresses: [] }, "link.not-admitted", "shop-7 (CN=player-7), which expired on 2026-11-29"],
  ["a password", { method: "peap" }, { addresses: [] }, "link.not-admitted", "player-7 or its password"],
  ["a radio that is refused", {}, { up: false, kind: "wifi", addresses: [] }, "link.not-admitted", "eth0 is not let in"],
  ["a cable that is not plugged in", {}, { up: false, addresses: [] }, "link.no-network", "eth0"],
  ["a cable that is let in, or tries other settings", { shutOut: false }, { addresses: [] }, "link.no-address", "eth0"],
] as const)("802.1X comes before the address: %s", async (_what, asks, over, code, words) => {
  const access = () => Promise.resolve(seen([{ interface: "eth0", method: "tls", identity: "player-7", certificate: "shop-7", subject: "CN=player-7", shutOut: true, ...asks } as const], 0));
  const dns = { code: "link.dns", message: "cloud.example.org: ENOTFOUND" } as const;
  expect(await exactIssue(dns, CLOUD, deps({ network: network(over), access }))).toMatchObject({ code, message: expect.stringContaining(words) as string });
});

test.each(["access", "interfaces"] as const)("a machine that does not answer about its %s holds the failure up only for the time limit", async (silent) => {
  const never = () => new Promise<never>(() => {});
  const dns = { code: "link.dns", message: "cloud.example.org: ENOTFOUND" } as const;
  const dead = network({ addresses: [] });
  const over = silent === "access" ? { network: dead, access: never } : { network: { ...dead, interfaces: never } };
  expect(await exactIssue(dns, CLOUD, deps({ ...over, limitMs: 20 }))).toMatchObject({ code: silent === "access" ? "link.no-address" : "link.dns" });
});

test("a sign-in page in the server's place is told with its host, over a certificate that is not the server's and over any other failure", async () => {
  const portalPort = await answering((_request, response) => void response.writeHead(302, { location: "http://portal.hotel.example:8080/login?for=1" }).end());
  for (const code of ["link.tls", "link.timeout", "link.refused", "link.http-302"] as const)
    expect(await exactIssue({ code, message: "no" }, CLOUD, deps({ portalPort }))).toMatchObject({ code: "link.portal", message: expect.stringContaining("portal.hotel.example:8080") as string });
});

const LOGIN = "<html><body><form method=post action='http://login.hotel.example/in'><input name=room></form></body></html>";
const html = (page: string, status = 200): RequestListener => (_request, response) => void response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(page);
const LEADS_ON = "<META content=\"1;URL='http://portal.hotel.example/?a=1&amp;b=2'\" HTTP-EQUIV=Refresh>";
/** Only the cloud's name exists; all others do not. */
const honest: LookupFunction = (name, options, done) => (name === CLOUD.hostname ? lookup(name, options, done) : done(Object.assign(new Error("ENOTFOUND"), { code: "ENOTFOUND" }), ""));
/** A loopback address on which nothing listens. */
const UNREACHABLE = "127.0.0.77";

test.each([
  ["with the host of its page", html("<meta http-equiv='refresh' content='0; url=https://login.hotel.example/'>", 511), "login.hotel.example"],
  ["without one", (_request, response) => void response.writeHead(511).end(), "HTTP 511"],
] satisfies [string, RequestListener, string][])("a network that answers 511 wants a sign-in, %s", async (_how, listener, words) => {
  const portalPort = await answering(listener);
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, lookup: honest, nowhere: UNREACHABLE }))).toMatchObject({ code: "link.portal", message: expect.stringContaining(words) as string });
});

test("a sign-in page that answers 200 is told where every name leads to it", async () => {
  const portalPort = await answering(html(LOGIN));
  for (const code of ["link.tls", "link.refused", "link.http-200"] as const)
    expect(await exactIssue({ code, message: "no" }, CLOUD, deps({ portalPort, nowhere: UNREACHABLE }))).toMatchObject({ code: "link.portal", message: expect.stringContaining("login.hotel.example") as string });
});

test("a sign-in page that answers 200 is told where every address leads to it", async () => {
  const portalPort = await answering(html("<h1>Welcome</h1>"));
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, lookup: honest, nowhere: "127.0.0.1" }))).toMatchObject({ code: "link.portal", message: expect.stringContaining("a page of the network") as string });
});

test.each([
  ["for sign-in programs (WISPr)", "<html><!-- <WISPAccessGatewayParam><Redirect><LoginURL>https://wispr.hotel.example:8443/in</LoginURL></Redirect></WISPAccessGatewayParam> --></html>", "wispr.hotel.example:8443"],
  ["that leads on to another site, where every address leads to it", LEADS_ON, "portal.hotel.example", "127.0.0.1"],
] as const)("a page %s is a sign-in page", async (_how, page, host, nowhere: string = UNREACHABLE) => {
  const portalPort = await answering(html(page));
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, lookup: honest, nowhere }))).toMatchObject({ code: "link.portal", message: expect.stringContaining(host) as string });
});

test.each([
  ["its own pages for people", html(LOGIN)],
  ["a page that leads on to another site of its owner", html(LEADS_ON)],
  ["a page that leads on to its own site", html("<meta http-equiv=refresh content='0;url=https://www.example.org/'>")],
  ["an answer for programs", (_request, response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}")],
  ["an error", html(LOGIN, 503)],
] satisfies [string, RequestListener][])("a server with %s is no portal", async (_how, listener) => {
  const portalPort = await answering(listener);
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, lookup: honest, nowhere: UNREACHABLE }))).toEqual(TLS);
});

test("a proxy through which all connections pass is no portal: it says that it does not reach what does not exist", async () => {
  const portalPort = await answering((request, response) => (request.headers.host === CLOUD.hostname ? html(LOGIN)(request, response) : html("<h1>Not reachable</h1>", 503)(request, response)));
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, lookup: honest, nowhere: "127.0.0.1" }))).toEqual(TLS);
});

test("a page that never ends is read in part only, and for 3 s at most", async () => {
  const portalPort = await answering((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    const more = setInterval(() => response.write("x".repeat(8_192)), 1);
    response.on("close", () => clearInterval(more));
  });
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, nowhere: UNREACHABLE }))).toMatchObject({ code: "link.portal" });
});

test.each(["https://cloud.example.org/", "https://www.example.org/", "/login", undefined])("a server that sends its own callers to %s is no portal", async (location) => {
  const portalPort = await answering((_request, response) => void response.writeHead(location === undefined ? 200 : 301, location === undefined ? {} : { location }).end());
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort }))).toEqual(TLS);
});

test("an expired certificate is blamed on the clock when the server's own time is days away, and not otherwise", async () => {
  const says = (date: number) => answering((_request, response) => void response.writeHead(200, { date: new Date(date).toUTCString() }).end());
  expect(await exactIssue(EXPIRED, CLOUD, deps({ portalPort: await says(NOW_MS + 40 * 86_400_000) }))).toMatchObject({ code: "link.clock", message: expect.stringContaining("2026-11-30 12:00") as string });
  expect(await exactIssue(EXPIRED, CLOUD, deps({ portalPort: await says(NOW_MS + 60_000) }))).toEqual(EXPIRED);
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort: await says(NOW_MS + 40 * 86_400_000) }))).toEqual(TLS);
});

test("a server that answers nothing, or never ends, leaves the failure as it is", async () => {
  expect(await exactIssue(TLS, CLOUD, deps())).toEqual(TLS);
  const portalPort = await answering((request) => request.socket.destroy());
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort }))).toEqual(TLS);
});

test("nothing is looked at for a cloud on this machine, behind a proxy, or after a failure that says all", async () => {
  const portalPort = await answering((_request, response) => void response.writeHead(302, { location: "http://portal.example/" }).end());
  expect(await exactIssue(TLS, new URL("wss://127.0.0.1:1/"), deps({ portalPort }))).toEqual(TLS);
  expect(await exactIssue(TLS, CLOUD, deps({ portalPort, proxied: true }))).toEqual(TLS);
  const proxy = { code: "link.proxy", message: "407" } as const;
  expect(await exactIssue(proxy, CLOUD, deps({ portalPort, network: network({ up: false }) }))).toEqual(proxy);
});
