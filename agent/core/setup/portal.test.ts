import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { VisibleNetwork } from "../../../platform/ports/wifi-setup.ts";
import { answerPortal, type PortalAnswer, type PortalRequest, type PortalView } from "./portal.ts";
import type { SetupRequest } from "./setup-request.ts";

const HOST = "10.42.0.1";
const network = (ssid: string, security: VisibleNetwork["security"]): VisibleNetwork => ({ ssid, ssidHex: "00", signalPercent: 70, security });
const VIEW: PortalView = {
  device: "8f2c01ab", host: HOST, interface: "wlan0", token: "t0ken",
  networks: [network("Shop", "wpa-psk"), network("Guest & <b>", "open"), network("Office", "enterprise"), network("New", "wpa3-sae"), { ssidHex: "ff", signalPercent: 3, security: "open" }],
};

class Portal {
  readonly chosen: SetupRequest[] = [];
  view: PortalView | undefined = VIEW;
  takes = true;

  ask(over: Partial<PortalRequest> = {}): PortalAnswer {
    const choose = (request: SetupRequest): boolean => {
      if (this.takes) this.chosen.push(request);
      return this.takes;
    };
    return answerPortal({ view: () => this.view, choose }, { method: "GET", path: "/", host: HOST, body: "", ...over });
  }

  send(fields: Readonly<Record<string, string>>, over: Partial<PortalRequest> = {}): PortalAnswer {
    return this.ask({ method: "POST", path: "/join", contentType: "application/x-www-form-urlencoded", body: new URLSearchParams({ token: "t0ken", ...fields }).toString(), ...over });
  }
}

describe("the set-up portal", () => {
  test("shows the networks in range as plain HTML without scripts, with what cannot be joined disabled", () => {
    const { status, headers, body } = new Portal().ask();
    expect([status, headers["content-security-policy"]]).toEqual([200, expect.stringContaining("default-src 'none'")]);
    expect(body).not.toMatch(/<script|\son\w+=|\sstyle=|<img|https?:/i);
    expect(body).toContain("Guest &amp; &lt;b&gt;");
    expect(body.match(/type="radio"[^>]*disabled/g)).toHaveLength(2);
    // Every field that a person fills has a label.
    const ids = [...body.matchAll(/<input type="(?:text|password|radio)" id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(8);
    for (const id of ids) expect(body).toContain(`for="${id ?? ""}"`);
    expect(new Portal().ask({ path: "/style.css" }).headers["content-type"]).toContain("text/css");
  });

  test("redirects every other name and page to itself, by which phones notice a captive portal", () => {
    const portal = new Portal();
    for (const over of [{ host: "connectivitycheck.gstatic.com", path: "/generate_204" }, { host: "captive.apple.com" }, { path: "/nowhere" }, { host: "" }]) {
      expect(portal.ask(over)).toMatchObject({ status: 302, headers: { location: "http://10.42.0.1/" } });
    }
  });

  test("takes a network that is visible, a hidden one, and a fixed address", () => {
    const portal = new Portal();
    expect(portal.send({ ssid: "Shop", password: " a space at both ends " }).body).toContain("Connecting to Shop");
    portal.send({ ssid: "Guest & <b>" });
    portal.send({ ssid: "New", password: "very secret" });
    portal.send({ ssid: "Shop", other: "Büro", hidden: "1", password: "very secret", address: "192.0.2.4/24", gateway: "192.0.2.1", dns: "192.0.2.1, 192.0.2.2" });
    expect(portal.chosen.map(({ network: chosen }) => chosen)).toEqual([
      { wifi: { ssid: "Shop", security: "wpa-psk", password: " a space at both ends " } },
      { wifi: { ssid: "Guest & <b>", security: "open" } },
      { wifi: { ssid: "New", security: "wpa3-sae", password: "very secret" } },
      {
        wifi: { ssid: "Büro", security: "wpa-psk", password: "very secret", hidden: true },
        interfaces: { wlan0: { method: "static", address: "192.0.2.4/24", gateway: "192.0.2.1", dns: ["192.0.2.1", "192.0.2.2"] } },
      },
    ]);
  });

  test.each([
    [{}, "Choose a network"],
    [{ ssid: "Shop" }, "needs a password"],
    [{ ssid: "Shop", password: "short" }, "Password: must be"],
    [{ ssid: "Office", password: "very secret" }, "needs a certificate"],
    [{ other: "x".repeat(33), password: "very secret" }, "Name of the network: must"],
    [{ ssid: "Shop", password: "very secret", address: "192.0.2.4" }, "Address: must be an IPv4 address with a prefix length"],
    [{ ssid: "Shop", password: "very secret", gateway: "192.0.2.1" }, "Address: must be"],
    [{ ssid: "Shop", password: "very secret", address: "192.0.2.4/24", gateway: "here" }, "Gateway: must be"],
    [{ ssid: "Shop", password: "very secret", address: "192.0.2.4/24", dns: "a b" }, "DNS servers: must be"],
  ])("says what is wrong with %j and keeps what was typed, except the password", (fields, words) => {
    const portal = new Portal();
    const { status, body } = portal.send(fields);
    expect([status, portal.chosen]).toEqual([400, []]);
    expect(body).toContain(words);
    expect(body).not.toContain("very secret");
    expect(body).toContain(`value="${(fields as { readonly address?: string }).address ?? "t0ken"}"`);
  });

  test("refuses a form of another page, name or time, and what is not a form", () => {
    const portal = new Portal();
    const good = { ssid: "Shop", password: "very secret" };
    const answers = [
      portal.send({ ...good, token: "other" }), portal.send(good, { host: "rebound.test" }), portal.send(good, { origin: "http://evil.test" }), portal.send(good, { origin: "null" }),
      portal.send(good, { contentType: "text/plain" }), portal.send(good, { path: "/other" }), portal.send(good, { method: "PUT" }),
      portal.ask({ method: "POST", path: "/join", contentType: "application/x-www-form-urlencoded", body: "token=t0ken&token=t0ken&ssid=Shop" }),
      portal.ask({ method: "POST", path: "/join", contentType: "application/x-www-form-urlencoded", body: "token=t0ken&ssid=%zz" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 415, 404, 405, 400, 400]);
    expect(portal.chosen).toEqual([]);
    expect(portal.send(good, { origin: `http://${HOST}` }).status).toBe(200);
  });

  test("takes nothing once set-up is over", () => {
    const portal = new Portal();
    portal.takes = false;
    expect(portal.send({ ssid: "Shop", password: "very secret" }).status).toBe(409);
    portal.view = undefined;
    expect([portal.ask().status, portal.send({ ssid: "Shop", password: "very secret" }).status]).toEqual([503, 503]);
  });

  test("answers anything without throwing, and never repeats a stranger's text as HTML", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("<script>", '"><img src=x>', "%", "%e0%80", "token=t0ken&other=<script>", HOST));
    fc.assert(
      fc.property(fc.constantFrom("GET", "POST", "HEAD", "BREW"), text, text, text, text, (method, path, host, contentType, body) => {
        const { body: page } = new Portal().ask({ method, path, host: host.length % 2 === 0 ? HOST : host, contentType, body: `token=t0ken&other=${encodeURIComponent(body)}` });
        expect(page).not.toMatch(/<script|<img/);
      }),
    );
    expect(new Portal().send({ other: "<script>alert(1)</script>", address: '"><script>' }).body).not.toContain("<script");
  });
});
