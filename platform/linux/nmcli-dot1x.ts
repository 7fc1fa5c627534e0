import type { Clock, ClockQuality } from "../ports/clock.ts";
import type { CurrentDot1x, Dot1xAccess, Dot1xSettings } from "../ports/network-settings.ts";
import type { Code } from "../ports/codes.ts";
import { fail, ok, type Issue, type Result } from "../ports/result.ts";
import type { CertificateFacts, DeviceCertificates } from "./device-certificates.ts";
import type { Nmcli, NmDevice } from "./nmcli.ts";
import { templateName } from "./prepare-certificate.ts";

const FIELDS = ["802-1x.eap", "802-1x.identity", "802-1x.ca-cert", "802-1x.domain-suffix-match"];
const PASSWORD = "802-1x.password";

/** 802.1X through NetworkManager. A private key is not the agent's to read, so profiles that use one are copied from those that root prepared. */
export class NmcliDot1x {
  readonly #nmcli: Nmcli;
  readonly #clock: Clock;
  readonly #clockQuality: () => Promise<ClockQuality>;
  readonly #certificates: DeviceCertificates;

  constructor(nmcli: Nmcli, clock: Clock, clockQuality: () => Promise<ClockQuality>, certificates: DeviceCertificates) {
    this.#nmcli = nmcli;
    this.#clock = clock;
    this.#clockQuality = clockQuality;
    this.#certificates = certificates;
  }

  /** Errors: `network.certificate-…`, `network.not-supported`. */
  async check({ method, certificate }: Dot1xSettings): Promise<Result<void>> {
    const ready = await this.#certificates.prepare(certificate);
    if (!ready.ok) return ready;
    if (method !== "tls") return ok(undefined);
    const facts = ready.value.own;
    if (facts === undefined) return fail("network.certificate-not-found", `certificate ${certificate} has no certificate.pem and key.pem`);
    const invalid = this.#invalid(facts);
    // An unconfirmed clock proves nothing, and this network may be the only way to the right time.
    if (invalid === undefined || (await this.#clockQuality()) !== "synced") return ok(undefined);
    return fail(invalid.code, `certificate ${certificate} (${facts.subject}) ${invalid.words}`);
  }

  /** Why a certificate is not valid by this device's clock. */
  #invalid({ notBeforeMs, notAfterMs }: CertificateFacts): { readonly code: Code; readonly words: string } | undefined {
    const nowMs = this.#clock.wallMs();
    if (nowMs >= notAfterMs) return { code: "network.certificate-expired", words: `expired on ${day(notAfterMs)}` };
    if (nowMs < notBeforeMs) return { code: "network.certificate-not-yet-valid", words: `is valid from ${day(notBeforeMs)}; this device's clock says ${day(nowMs)}` };
    return undefined;
  }

  /** Makes a profile, in memory, that asks for access. `properties`: of the device's kind, such as a network's name. */
  async make(device: NmDevice, name: string, settings: Dot1xSettings, properties: readonly string[]): Promise<Result<void>> {
    if (settings.method !== "tls") return this.#nmcli.add(device, name, [...properties, ...this.#properties(settings)]);
    const template = templateName(settings.certificate, device.type);
    const uuid = await this.#nmcli.uuidOf(template);
    if (!uuid.ok) return uuid;
    if (uuid.value === undefined) return fail("network.not-supported", `NetworkManager has no profile ${template}`);
    const cloned = await this.#nmcli.clone(uuid.value, name);
    // Its secrets are in the copy.
    const gone = await this.#nmcli.deleteNamed(template);
    if (!cloned.ok) return cloned;
    if (!gone.ok) return gone;
    const copy = await this.#nmcli.uuidOf(name);
    if (!copy.ok) return copy;
    return this.#nmcli.modify(copy.value ?? "", [...properties, ...this.#properties(settings)], { temporary: true });
  }

  setPassword(uuid: string, settings: Dot1xSettings): Promise<Result<void>> {
    return settings.method === "peap" ? this.#nmcli.setPassword(uuid, settings.password, PASSWORD) : Promise.resolve(ok(undefined));
  }

  #properties({ method, identity, certificate, serverName = "" }: Dot1xSettings): readonly string[] {
    const common = ["802-1x.identity", identity, "802-1x.domain-suffix-match", serverName];
    return method === "tls" ? common : ["802-1x.eap", "peap", "802-1x.phase2-auth", "mschapv2", "802-1x.ca-cert", `${this.#certificates.folder}/${certificate}/ca.pem`, ...common];
  }

  /** NetworkManager gives one reason, "Secrets were required", whatever did not work. */
  async refusal({ name, type }: NmDevice, { method, identity, certificate }: Dot1xSettings): Promise<Issue> {
    const facts = method === "tls" ? await this.#certificates.facts(certificate) : undefined;
    const who = type === "wifi" ? "the access point" : "the switch";
    const what = method === "tls" ? `the certificate ${certificate}${facts === undefined ? "" : ` (${facts.subject})`}` : `${identity} or its password`;
    const invalid = facts && this.#invalid(facts);
    return { code: "network.dot1x-refused", message: `${name} is not let in: ${who} refused ${what}, proved itself with a certificate that ca.pem does not vouch for, or did not answer${invalid === undefined ? "" : `. The certificate ${invalid.words}`}` };
  }

  /** The 802.1X of a profile; `undefined`: it has none. */
  async of(uuid: string): Promise<Result<CurrentDot1x | undefined>> {
    const profile = await this.#nmcli.profile(uuid, FIELDS);
    if (!profile.ok) return profile;
    const [eap = "", identity = "", ca = "", serverName = ""] = FIELDS.map((field) => withoutDashes(profile.value.get(field)));
    if (eap !== "tls" && eap !== "peap") return ok(undefined);
    const certificate = ca.startsWith(`${this.#certificates.folder}/`) ? ca.slice(this.#certificates.folder.length + 1).split("/")[0] : undefined;
    const facts = eap === "tls" && certificate !== undefined ? await this.#certificates.facts(certificate) : undefined;
    return ok({
      method: eap, identity, ...(certificate === undefined ? {} : { certificate }), ...(serverName === "" ? {} : { serverName }),
      ...(facts === undefined ? {} : { subject: facts.subject, notAfterMs: facts.notAfterMs }),
    });
  }

  /** `keptName`: of the profile that holds a device's permanent settings. */
  async access(keptName: (device: string) => string): Promise<Result<readonly (Dot1xAccess & { readonly uuid: string; readonly device: NmDevice })[]>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return devices;
    const profiles = await this.#nmcli.profiles();
    if (!profiles.ok) return profiles;
    const all: (Dot1xAccess & { readonly uuid: string; readonly device: NmDevice })[] = [];
    for (const device of devices.value) {
      const uuid = profiles.value.find(({ name }) => name === keptName(device.name))?.uuid;
      const asks = uuid === undefined ? ok(undefined) : await this.of(uuid);
      if (!asks.ok) return asks;
      if (uuid !== undefined && asks.value !== undefined) all.push({ ...asks.value, interface: device.name, shutOut: isShutOut(device, uuid), uuid, device });
    }
    return ok(all);
  }
}

/** With its kept profile, or with none. Once NetworkManager waits for an address, access has been given. */
function isShutOut({ uuid, state }: NmDevice, kept: string): boolean {
  return uuid === undefined || (uuid === kept && !/^connect(?:ed|ing \((?:getting IP|checking IP|starting secondary))/.test(state));
}

function withoutDashes(value: string | undefined): string {
  return value === undefined || value === "--" ? "" : value;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
