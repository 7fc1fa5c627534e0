import type { Clock, ClockQuality } from "../ports/clock.ts";
import type { CurrentDot1x, Dot1xAccess, Dot1xRenewal, Dot1xSettings } from "../ports/network-settings.ts";
import type { Code } from "../ports/codes.ts";
import { fail, ok, type Issue, type Result } from "../ports/result.ts";
import { FILES, inUseFolder, usedBy, type CertificateFacts, type DeviceCertificates } from "./device-certificates.ts";
import type { Nmcli, NmDevice } from "./nmcli.ts";
import { TEMPLATE_KINDS, templateName } from "./prepare-certificate.ts";

const FIELDS = ["802-1x.eap", "802-1x.identity", "802-1x.ca-cert", "802-1x.domain-suffix-match"];
const PASSWORD = "802-1x.password";

/** The profile that holds a device's permanent settings, where they ask for access by 802.1X. */
export interface KeptDot1x {
  readonly device: NmDevice;
  readonly uuid: string;
  readonly current: CurrentDot1x;
}

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

  /** Returns the version of the certificate's files. Errors: `network.certificate-…`, `network.not-supported`. */
  async check({ method, certificate }: Dot1xSettings): Promise<Result<string>> {
    const ready = await this.#certificates.prepare(certificate);
    if (!ready.ok) return ready;
    const { version } = ready.value;
    if (method !== "tls") return ok(version);
    const facts = ready.value.own;
    if (facts === undefined) return fail("network.certificate-not-found", `certificate ${certificate} has no certificate.pem and key.pem`);
    const invalid = this.#invalid(facts);
    // An unconfirmed clock proves nothing, and this network may be the only way to the right time.
    if (invalid === undefined || (await this.#clockQuality()) !== "synced") return ok(version);
    return fail(invalid.code, `certificate ${certificate} (${facts.subject}) ${invalid.words}`);
  }

  /** Why a certificate is not valid by this device's clock. */
  #invalid({ notBeforeMs, notAfterMs }: CertificateFacts): { readonly code: Code; readonly words: string } | undefined {
    const nowMs = this.#clock.wallMs();
    if (nowMs >= notAfterMs) return { code: "network.certificate-expired", words: `expired on ${day(notAfterMs)}` };
    if (nowMs < notBeforeMs) return { code: "network.certificate-not-yet-valid", words: `is valid from ${day(notBeforeMs)}; this device's clock says ${day(nowMs)}` };
    return undefined;
  }

  /** Makes a profile, in memory, that asks for access with a version of the certificate that was checked just now. `properties`: of the device's kind, such as a network's name. */
  async make(device: NmDevice, name: string, settings: Dot1xSettings, version: string, properties: readonly string[]): Promise<Result<void>> {
    if (settings.method !== "tls") return this.#nmcli.add(device, name, [...properties, ...this.#properties(settings, version)]);
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
    return this.#nmcli.modify(copy.value ?? "", [...properties, ...this.#properties(settings, version)], { temporary: true });
  }

  setPassword(uuid: string, settings: Dot1xSettings): Promise<Result<void>> {
    return settings.method === "peap" ? this.#nmcli.setPassword(uuid, settings.password, PASSWORD) : Promise.resolve(ok(undefined));
  }

  /** Settings with which the permanent ones of a device are made anew. Their password is NetworkManager's to tell. Error: `network.refused`. */
  async settingsOf({ uuid, current: { method, identity, certificate, serverName } }: KeptDot1x): Promise<Result<Dot1xSettings>> {
    if (certificate === undefined) return fail("network.refused", "these settings use no certificate of this device");
    const common = { identity, certificate, ...(serverName === undefined ? {} : { serverName }) };
    if (method === "tls") return ok({ method, ...common });
    const password = await this.#nmcli.secret(uuid, PASSWORD);
    return password.ok ? ok({ method, ...common, password: password.value }) : password;
  }

  /** Those of `kept` whose files are not the ones in use. */
  async renewals(kept: readonly KeptDot1x[]): Promise<Result<readonly Dot1xRenewal[]>> {
    const all: Dot1xRenewal[] = [];
    for (const { device, current: { certificate, version } } of kept) {
      if (certificate === undefined) continue;
      const looked = await this.#certificates.look(certificate);
      // Without root's step nothing is known, and nothing can be tried.
      if (!looked.ok && looked.error.code === "network.not-supported") continue;
      if (looked.ok && looked.value.version === version) continue;
      all.push({ interface: device.name, certificate, found: looked.ok ? ok(looked.value.version) : looked });
    }
    // A look leaves the profiles for a trial, with their secrets.
    for (const name of new Set(kept.flatMap(({ current: { certificate } }) => certificate ?? []))) {
      for (const kind of TEMPLATE_KINDS) {
        const gone = await this.#nmcli.deleteNamed(templateName(name, kind));
        if (!gone.ok) return gone;
      }
    }
    return ok(all);
  }

  #properties({ method, identity, certificate, serverName = "" }: Dot1xSettings, version: string): readonly string[] {
    const common = ["802-1x.identity", identity, "802-1x.domain-suffix-match", serverName];
    return method === "tls" ? common : ["802-1x.eap", "peap", "802-1x.phase2-auth", "mschapv2", "802-1x.ca-cert", `${inUseFolder(this.#certificates.folder, { name: certificate, version })}/${FILES.ca}`, ...common];
  }

  /** NetworkManager gives one reason, "Secrets were required", whatever did not work. */
  async refusal({ name, type }: NmDevice, { method, identity, certificate }: Dot1xSettings, version: string): Promise<Issue> {
    const facts = method === "tls" ? await this.#certificates.facts({ name: certificate, version }) : undefined;
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
    const used = usedBy(this.#certificates.folder, ca);
    const facts = eap === "tls" && used !== undefined ? await this.#certificates.facts(used) : undefined;
    return ok({
      method: eap, identity, ...(used === undefined ? {} : { certificate: used.name, ...(used.version === undefined ? {} : { version: used.version }) }), ...(serverName === "" ? {} : { serverName }),
      ...(facts === undefined ? {} : { subject: facts.subject, notAfterMs: facts.notAfterMs }),
    });
  }

  /** `keptName`: of the profile that holds a device's permanent settings. */
  async kept(keptName: (device: string) => string): Promise<Result<readonly KeptDot1x[]>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return devices;
    const profiles = await this.#nmcli.profiles();
    if (!profiles.ok) return profiles;
    const all: KeptDot1x[] = [];
    for (const device of devices.value) {
      const uuid = profiles.value.find(({ name }) => name === keptName(device.name))?.uuid;
      const asks = uuid === undefined ? ok(undefined) : await this.of(uuid);
      if (!asks.ok) return asks;
      if (uuid !== undefined && asks.value !== undefined) all.push({ device, uuid, current: asks.value });
    }
    return ok(all);
  }
}

export function accessOfKept({ device, uuid, current }: KeptDot1x): Dot1xAccess {
  return { ...current, interface: device.name, shutOut: isShutOut(device, uuid) };
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
