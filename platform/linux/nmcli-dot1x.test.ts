import { expect, test } from "vitest";
import type { NetworkChangeSettings } from "../ports/network-settings.ts";
import { fail, ok } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { DeviceCertificates } from "./device-certificates.ts";
import { openNmcli } from "./nmcli-network-settings.ts";
import { templateName } from "./prepare-certificate.ts";
import { NmcliStandIn } from "./testing/nmcli-stand-in.ts";

const DAY_MS = 24 * 3_600_000;
const EAP = { method: "peap", identity: "player-8", certificate: "site", password: "eap secret" } as const;
const TLS = { method: "tls", identity: "player-7", certificate: "shop" } as const;
const over = (dot1x: typeof EAP | typeof TLS): NetworkChangeSettings => ({ wifi: { ssid: "Shop", security: "wpa-eap", dot1x } });

async function open(facts: Partial<Awaited<ReturnType<DeviceCertificates["facts"]>>> = {}, run?: (nm: NmcliStandIn) => CommandRunner) {
  const time = new VirtualTime();
  const nm = new NmcliStandIn([["eth0", "ethernet"], ["wlan0", "wifi"]]);
  const certificates: DeviceCertificates = {
    folder: "/certificates",
    // Root's part leaves a profile to copy.
    prepare: async (name) => {
      await nm.run("nmcli", ["connection", "add", "save", "no", "type", "wifi", "ifname", "vitrine-trial", "con-name", templateName(name, "wifi"), "autoconnect", "no", "802-1x.eap", "tls", "802-1x.ca-cert", `/certificates/${name}/ca.pem`, "802-1x.private-key", `/certificates/${name}/key.pem`], 1_000);
      return ok({ kind: "ready", hasKey: true });
    },
    facts: () => Promise.resolve({ subject: "CN=player-7", notBeforeMs: time.wallMs() - DAY_MS, notAfterMs: time.wallMs() + DAY_MS, ...facts }),
  };
  const ports = await openNmcli(run?.(nm) ?? nm.run, time, certificates);
  if (ports === undefined) throw new Error("the stand-in was not recognised");
  return { nm, settings: ports.networkSettings, time };
}

test("a wireless network with a certificate is joined by a copy of the profile that root prepared, which is gone afterwards", async () => {
  const { nm, settings } = await open();
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: true });
  const { properties } = nm.profiles.get(nm.active.get("wlan0") ?? "") ?? { properties: new Map<string, string>() };
  expect(Object.fromEntries(properties)).toMatchObject({ "802-11-wireless.ssid": "Shop", "802-1x.private-key": "/certificates/shop/key.pem", "802-1x.identity": "player-7" });
  expect([...nm.profiles.values()].map(({ id }) => id)).not.toContain(templateName("shop", "wifi"));
  expect(await settings.current()).toMatchObject({ value: { wifi: { ssid: "Shop", dot1x: { method: "tls", identity: "player-7", certificate: "shop", subject: "CN=player-7" } } } });
});

test("the password of PEAP is passed only through standard input", async () => {
  const { nm, settings } = await open();
  expect(await settings.apply(over(EAP))).toMatchObject({ ok: true });
  expect(nm.inputs.join()).toContain("eap secret");
  expect(nm.ran.join("\n")).not.toContain("eap secret");
  expect(await settings.current()).toMatchObject({ value: { wifi: { security: "wpa-eap", dot1x: { method: "peap", identity: "player-8", certificate: "site" } } } });
});

test.each([
  ["has expired", { notAfterMs: 0 }, "network.certificate-expired"],
  ["is not yet valid", { notBeforeMs: Number.MAX_SAFE_INTEGER / 2 }, "network.certificate-not-yet-valid"],
] as const)("a certificate that %s is not tried", async (_what, facts, code) => {
  const { nm, settings } = await open(facts);
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: false, error: { code } });
  expect(nm.ran.filter((line) => line.includes("connection up"))).toEqual([]);
});

test("an access point that refuses is told as such, with the certificate", async () => {
  const refuses = "Error: Connection activation failed: Secrets were required, but not provided";
  const { settings } = await open({}, (nm) => (program, args, timeoutMs, input) => (args.includes("up") ? Promise.resolve(fail("program.failed", refuses)) : nm.run(program, args, timeoutMs, input)));
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: false, error: { code: "network.dot1x-refused", message: expect.stringContaining("the access point refused the certificate shop (CN=player-7)") as string } });
});

test("802.1X of a radio is part of its wireless network, and no other interface is touched", async () => {
  const { nm, settings } = await open();
  expect(await settings.checkpoint({ dot1x: { wlan0: TLS } })).toMatchObject({ ok: false, error: { code: "network.not-supported" } });
  expect(await settings.checkpoint({ dot1x: { eth9: TLS } })).toMatchObject({ ok: false, error: { code: "network.no-such-interface" } });
  expect(nm.ran.filter((line) => /add|clone|modify|up /.test(line))).toEqual([]);
});
