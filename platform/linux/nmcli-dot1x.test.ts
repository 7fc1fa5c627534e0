import { expect, test } from "vitest";
import type { ClockQuality } from "../ports/clock.ts";
import type { NetworkChangeSettings } from "../ports/network-settings.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { DeviceCertificates } from "./device-certificates.ts";
import { openNmcli } from "./nmcli-network-settings.ts";
import { templateName } from "./prepare-certificate.ts";
import { NmcliStandIn } from "./testing/nmcli-stand-in.ts";

const DAY_MS = 24 * 3_600_000;
const EAP = { method: "peap", identity: "player-8", certificate: "site", password: "eap secret" } as const;
const TLS = { method: "tls", identity: "player-7", certificate: "shop" } as const;
const REFUSES = "Error: Connection activation failed: Secrets were required, but not provided";
const over = (dot1x: typeof EAP | typeof TLS): NetworkChangeSettings => ({ wifi: { ssid: "Shop", security: "wpa-eap", dot1x } });

async function open(facts: Partial<Awaited<ReturnType<DeviceCertificates["facts"]>>> = {}, run?: (nm: NmcliStandIn) => CommandRunner, quality: ClockQuality = "synced") {
  const time = new VirtualTime();
  const nm = new NmcliStandIn([["eth0", "ethernet"], ["wlan0", "wifi"]]);
  const own = { subject: "CN=player-7", notBeforeMs: time.wallMs() - DAY_MS, notAfterMs: time.wallMs() + DAY_MS, ...facts };
  /** What the files of the certificate are now. */
  const files = { version: "0123456789abcdef" };
  // Root's part leaves a profile to copy.
  const prepare: DeviceCertificates["prepare"] = async (name) => {
    await nm.run("nmcli", ["connection", "add", "save", "no", "type", "wifi", "ifname", "vitrine-trial", "con-name", templateName(name, "wifi"), "autoconnect", "no", "802-1x.eap", "tls", "802-1x.ca-cert", `/certificates/.in-use/${name}/${files.version}/ca.pem`, "802-1x.private-key", `/certificates/.in-use/${name}/${files.version}/key.pem`], 1_000);
    return ok({ kind: "ready", own, version: files.version, stamp: "" });
  };
  const certificates: DeviceCertificates = { folder: "/certificates", prepare, look: prepare, facts: () => Promise.resolve(own) };
  const ports = await openNmcli(run?.(nm) ?? nm.run, time, { certificates, clockQuality: () => Promise.resolve(quality) });
  if (ports === undefined) throw new Error("the stand-in was not recognised");
  return { nm, settings: ports.networkSettings, time, files };
}

test("a wireless network with a certificate is joined by a copy of the profile that root prepared, which is gone afterwards", async () => {
  const { nm, settings } = await open();
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: true });
  const { properties } = nm.profiles.get(nm.active.get("wlan0") ?? "") ?? { properties: new Map<string, string>() };
  expect(Object.fromEntries(properties)).toMatchObject({ "802-11-wireless.ssid": "Shop", "802-1x.private-key": "/certificates/.in-use/shop/0123456789abcdef/key.pem", "802-1x.identity": "player-7" });
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

test.each([TLS, EAP])("a wireless network's certificate is renewed with everything else as it was: $method", async (access) => {
  const { nm, settings, files } = await open();
  const change: NetworkChangeSettings = { wifi: { ssid: "Shop", security: "wpa-eap", hidden: true, dot1x: access } };
  const keep = async (wanted: NetworkChangeSettings): Promise<void> => {
    const point = await settings.checkpoint(wanted);
    expect(await settings.apply(wanted)).toMatchObject({ ok: true });
    expect(point.ok && (await settings.keep(point.value))).toMatchObject({ ok: true });
  };
  await keep(change);
  const before = await settings.current();
  expect(await settings.dot1x?.renewals()).toMatchObject({ kind: "ok", value: [] });
  files.version = "fedcba9876543210";
  expect(await settings.dot1x?.renewals()).toMatchObject({ kind: "ok", value: [{ interface: "wlan0", certificate: access.certificate, found: ok(files.version) }] });
  expect([...nm.profiles.values()].map(({ id }) => id).filter((id) => id.includes("certificate"))).toEqual([]);
  await keep({ renew: ["wlan0"] });
  const { properties } = nm.profiles.get(nm.active.get("wlan0") ?? "") ?? { properties: new Map<string, string>() };
  expect(Object.fromEntries(properties)).toMatchObject({ "802-11-wireless.ssid": "Shop", "802-11-wireless.hidden": "yes", "802-1x.ca-cert": `/certificates/.in-use/${access.certificate}/${files.version}/ca.pem` });
  expect(JSON.stringify(await settings.current())).toBe(JSON.stringify(before).replace("0123456789abcdef", files.version));
  expect(properties.get("802-1x.password")).toBe("password" in access ? access.password : undefined);
});

test.each([
  ["has expired", { notAfterMs: 0 }, "network.certificate-expired"],
  ["is not yet valid", { notBeforeMs: Number.MAX_SAFE_INTEGER / 2 }, "network.certificate-not-yet-valid"],
] as const)("a certificate that %s is not tried", async (_what, facts, code) => {
  const { nm, settings } = await open(facts);
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: false, error: { code } });
  expect(nm.ran.filter((line) => line.includes("connection up"))).toEqual([]);
});

test.each(["unset", "local"] as const)("by a clock that is %s no certificate is refused: the network may be the only way to the time", async (quality) => {
  for (const facts of [{ notAfterMs: 0 }, { notBeforeMs: Number.MAX_SAFE_INTEGER / 2 }]) {
    const { settings } = await open(facts, undefined, quality);
    expect(await settings.apply(over(TLS))).toMatchObject({ ok: true });
  }
});

test("a refusal names the dates of a certificate that is not valid by the device's unconfirmed clock", async () => {
  const refuses = (nm: NmcliStandIn): CommandRunner => (program, args, timeoutMs, input) => (args.includes("up") ? Promise.resolve(fail("program.failed", REFUSES)) : nm.run(program, args, timeoutMs, input));
  for (const [facts, words] of [[{ notAfterMs: 0 }, "expired on 1970-01-01"], [{ notBeforeMs: Date.UTC(2100, 0, 1) }, "is valid from 2100-01-01"]] as const) {
    const { settings } = await open(facts, refuses, "local");
    expect(await settings.apply(over(TLS))).toMatchObject({ ok: false, error: { code: "network.dot1x-refused", message: expect.stringContaining(words) as string } });
  }
});

test.each(["ssid", "802-11-wireless.ssid"])("a network called %s is joined under its name", async (ssid) => {
  const { nm, settings } = await open();
  expect(await settings.apply({ wifi: { ssid, security: "wpa-eap", dot1x: TLS } })).toMatchObject({ ok: true });
  expect(nm.profiles.get(nm.active.get("wlan0") ?? "")?.properties.get("802-11-wireless.ssid")).toBe(ssid);
});

/** A machine with two cables whose kept settings ask for access. `state`: of both, and the profile that is active, by interface. */
async function cables(state: string, activeOf: (kept: string) => string, up: (device: string) => Result<string> = () => ok("")) {
  const kept = ["eth0", "eth1"].map((device, at) => ({ device, name: `vitrine-${device}`, uuid: `00000000-0000-4000-8000-00000000000${at}` }));
  const asked: string[] = [];
  const run: CommandRunner = (_program, args) => {
    const line = args.join(" ");
    const answer = (): Result<string> => {
      if (line.includes("general permissions")) return ok("org.freedesktop.NetworkManager.network-control:yes\norg.freedesktop.NetworkManager.settings.modify.system:yes\n");
      if (line.includes("general")) return ok("running\n");
      if (line.endsWith(" device")) return ok(kept.map(({ device, uuid }) => `${device}:ethernet:${state}:${activeOf(uuid)}\n`).join(""));
      if (args.includes("up")) return asked.push(args.at(-1) ?? "") > 0 ? up(args.at(-1) ?? "") : ok("");
      if (line.endsWith("connection show")) return ok(kept.map(({ name, uuid }) => `${name}:${uuid}:802-3-ethernet:yes:100\n`).join(""));
      return ok("802-1x.eap:tls\n802-1x.identity:player-7\n802-1x.ca-cert:/certificates/shop/ca.pem\n");
    };
    return Promise.resolve(answer());
  };
  const { settings } = await open({}, () => run);
  return { settings, asked };
}

test("every interface asks for access again, and the first failure is told afterwards", async () => {
  const { settings, asked } = await cables("disconnected", () => "", (device) => (device === "eth0" ? fail("program.failed", "Error: eth0 says no") : ok("")));
  expect(await settings.dot1x?.askAgain()).toMatchObject({ ok: false, error: { message: expect.stringContaining("eth0 says no") as string } });
  expect(asked).toEqual(["eth0", "eth1"]);
});

const OTHER = "11111111-1111-4111-8111-111111111111";
test.each([
  ["disconnected", () => "", true],
  ["connecting (configuring)", (kept: string) => kept, true],
  ["connecting (need authentication)", (kept: string) => kept, true],
  ["connecting (getting IP configuration)", (kept: string) => kept, false],
  ["connected", (kept: string) => kept, false],
  ["connecting (getting IP configuration)", () => OTHER, false],
  ["connecting (configuring)", () => OTHER, false],
])("a cable that is %s with the profile of the case is shut out only while its own settings ask: %#", async (state, activeOf, shutOut) => {
  const { settings } = await cables(state, activeOf);
  expect(await settings.dot1x?.access()).toMatchObject({ kind: "ok", value: [{ interface: "eth0", shutOut }, { interface: "eth1", shutOut }] });
});

test("an access point that refuses is told as such, with the certificate", async () => {
  const { settings } = await open({}, (nm) => (program, args, timeoutMs, input) => (args.includes("up") ? Promise.resolve(fail("program.failed", REFUSES)) : nm.run(program, args, timeoutMs, input)));
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: false, error: { code: "network.dot1x-refused", message: expect.stringContaining("the access point refused the certificate shop (CN=player-7)") as string } });
});

test("a network that never answers the certificate is told as one that does not let the device in", async () => {
  const said = "Error: Connection activation failed: 802.1X supplicant took too long to authenticate";
  const { settings } = await open({}, (nm) => (program, args, timeoutMs, input) => (args.includes("up") ? Promise.resolve(fail("program.failed", said)) : nm.run(program, args, timeoutMs, input)));
  expect(await settings.apply(over(TLS))).toMatchObject({ ok: false, error: { code: "network.dot1x-refused" } });
});

test("802.1X of a radio is part of its wireless network, and no other interface is touched", async () => {
  const { nm, settings } = await open();
  expect(await settings.checkpoint({ dot1x: { wlan0: TLS } })).toMatchObject({ ok: false, error: { code: "network.not-supported" } });
  expect(await settings.checkpoint({ dot1x: { eth9: TLS } })).toMatchObject({ ok: false, error: { code: "network.no-such-interface" } });
  expect(nm.ran.filter((line) => /add|clone|modify|up /.test(line))).toEqual([]);
});
