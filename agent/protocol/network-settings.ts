import * as v from "valibot";
import { parseProxy, PROXY_WORDS } from "./proxy-address.ts";

/** Network settings in `network` of the desired document. IPv6 is configured by the network itself and cannot be set here. */

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const Ipv4Schema = v.pipe(v.string(), v.maxLength(15), v.regex(new RegExp(`^${IPV4}$`), "must be an IPv4 address"));
const Ipv4WithPrefixSchema = v.pipe(
  v.string(),
  v.maxLength(18),
  v.regex(new RegExp(`^${IPV4}/(?:[1-9]|[12]\\d|3[0-2])$`), "must be an IPv4 address with a prefix length, such as 192.0.2.4/24"),
);

/** How an interface gets its address. */
export const AddressSettingsSchema = v.variant("method", [
  v.strictObject({ method: v.literal("dhcp") }),
  v.strictObject({
    method: v.literal("static"),
    address: Ipv4WithPrefixSchema,
    /** Further addresses of the same interface. Absent: none. */
    moreAddresses: v.optional(v.pipe(v.array(Ipv4WithPrefixSchema), v.minLength(1), v.maxLength(7))),
    /** Absent: the interface reaches only its own network. */
    gateway: v.optional(Ipv4Schema),
    dns: v.pipe(v.array(Ipv4Schema), v.maxLength(4)),
  }),
]);
export type AddressSettings = v.InferOutput<typeof AddressSettingsSchema>;

/** Linux limits interface names to 15 bytes. */
export const InterfaceNameSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, "must be the name of an interface"));
export const INTERFACES_MAX = 8;

const CONTROLS = "\\x00-\\x1f\\x7f-\\x9f";
/**
 * At most 32 bytes of UTF-8 (IEEE 802.11); the published JSON Schema can only limit the characters. No setup dialog accepts
 * control characters.
 */
const SsidSchema = v.pipe(v.string(), v.minLength(1), v.maxBytes(32, "must have at most 32 bytes in UTF-8"), v.maxLength(32), v.regex(new RegExp(`^[^${CONTROLS}]+$`), "must have no control characters"));
/** 8 to 63 printable ASCII characters, spaces at the ends included: other passwords do not work with every access point and client. */
const PasswordSchema = v.pipe(v.string(), v.minLength(8), v.maxLength(63), v.regex(/^[ -~]+$/, "must be printable ASCII"));
/** A WPA2 password, or the 256-bit key itself in hexadecimal digits. */
const WpaPasswordSchema = v.pipe(v.string(), v.minLength(8), v.maxLength(64), v.regex(/^(?:[ -~]{8,63}|[0-9A-Fa-f]{64})$/, "must be 8 to 63 printable ASCII characters or 64 hexadecimal digits"));
/** Folder of the device's certificate, in which ca.pem, certificate.pem and key.pem are (docs/first-boot.md). */
const CertificateNameSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be the name of a certificate folder: 1 to 32 small letters, digits and hyphens"));
const IdentitySchema = v.pipe(v.string(), v.minLength(1), v.maxLength(253), v.regex(new RegExp(`^[^${CONTROLS}\\s][^${CONTROLS}]*$`), "must have no control characters and begin with no space"));
const SERVER = {
  /** The authentication server's certificate must be for this name or one below it. Absent: any name that the authority of ca.pem vouches for. */
  serverName: v.optional(v.pipe(v.string(), v.maxLength(253), v.regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, "must be a host or domain name"))),
};

/** How the device asks a switch or an access point for access (IEEE 802.1X). The private key stays on the device; `password` is a secret. */
export const Dot1xSettingsSchema = v.variant("method", [
  v.strictObject({ method: v.literal("tls"), identity: IdentitySchema, certificate: CertificateNameSchema, ...SERVER }),
  v.strictObject({
    method: v.literal("peap"),
    identity: IdentitySchema,
    /** Only its ca.pem is used. */
    certificate: CertificateNameSchema,
    /** For MSCHAPv2. No spaces at its ends: NetworkManager's command line strips them. */
    password: v.pipe(v.string(), v.minLength(1), v.maxLength(128), v.regex(/^[!-~](?:[ -~]*[!-~])?$/, "must be printable ASCII without a space at its ends")),
    ...SERVER,
  }),
]);
export type Dot1xSettings = v.InferOutput<typeof Dot1xSettingsSchema>;

/** The network does not show its name, so the device asks for it. */
const HIDDEN = { hidden: v.optional(v.boolean()) };

/** The wireless network to join. `password` is a secret: never logged, reported or put into a support bundle. */
export const WifiSettingsSchema = v.variant("security", [
  v.strictObject({ ssid: SsidSchema, security: v.literal("open"), ...HIDDEN }),
  v.strictObject({ ssid: SsidSchema, security: v.literal("wpa-psk"), password: WpaPasswordSchema, ...HIDDEN }),
  v.strictObject({ ssid: SsidSchema, security: v.literal("wpa3-sae"), password: PasswordSchema, ...HIDDEN }),
  v.strictObject({ ssid: SsidSchema, security: v.literal("wpa-eap"), dot1x: Dot1xSettingsSchema, ...HIDDEN }),
]);
export type WifiSettings = v.InferOutput<typeof WifiSettingsSchema>;

/** Like `HttpUrlSchema`, but without a path. User and password in it are secret. */
const ProxyUrlSchema = v.pipe(
  v.string(),
  v.maxLength(512),
  v.regex(/^https?:\/\/[^\s/?#]+\/?$/i, `must be ${PROXY_WORDS}`),
  v.check((text) => parseProxy(text).ok, `must be ${PROXY_WORDS}`),
);

/**
 * Applied as a whole on trial: kept once a welcome from the cloud arrives over it, otherwise reverted by the device.
 * Absent keys stay as they are.
 */
export const NetworkSchema = v.strictObject({
  /** For the agent's link and uploads, not for the customer's page. `null`: none. */
  proxy: v.optional(v.nullable(ProxyUrlSchema)),
  /** By interface name, such as `eth0`. */
  interfaces: v.optional(
    v.pipe(
      v.record(InterfaceNameSchema, AddressSettingsSchema),
      v.check((value) => !Array.isArray(value) && Object.keys(value).length <= INTERFACES_MAX, `must be an object of at most ${INTERFACES_MAX} interfaces`),
    ),
  ),
  wifi: v.optional(WifiSettingsSchema),
  /** 802.1X of cables, by interface name. `null`: none. That of a wireless network is in `wifi`. */
  dot1x: v.optional(
    v.pipe(
      v.record(InterfaceNameSchema, v.nullable(Dot1xSettingsSchema)),
      v.check((value) => !Array.isArray(value) && Object.keys(value).length <= INTERFACES_MAX, `must be an object of at most ${INTERFACES_MAX} interfaces`),
    ),
  ),
});
export type Network = v.InferOutput<typeof NetworkSchema>;
