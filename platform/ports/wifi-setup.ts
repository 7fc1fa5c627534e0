import type { WifiSettings } from "./network-settings.ts";
import type { Result } from "./result.ts";

/** How a network in range asks for access. `enterprise`: 802.1X; `other`: a kind that no settings of ours can join (WEP, OWE). */
export type VisibleSecurity = WifiSettings["security"] | "enterprise" | "other";

/** A wireless network in range, once per name and kind of access, however many access points it has. */
export interface VisibleNetwork {
  /** Its name as text; absent when its bytes are not UTF-8, so that settings cannot name it. */
  readonly ssid?: string;
  /** The bytes of its name in hexadecimal digits, 1 to 32 bytes. */
  readonly ssidHex: string;
  /** Of its strongest access point, 0 to 100. */
  readonly signalPercent: number;
  readonly security: VisibleSecurity;
}

/** What the device could reach a network over, without the set-up access point. */
export interface Uplinks {
  /** A cable with a carrier. */
  readonly cable: boolean;
  /** A wireless network is stored that the machine joins by itself when it is in range. */
  readonly knownWifi: boolean;
  /** A cable or a wireless network is connected and has an address. */
  readonly connected: boolean;
}

export interface SetupAccessPoint {
  /** 1 to 32 bytes in UTF-8. */
  readonly ssid: string;
  /** 8 to 63 printable ASCII characters (WPA2). */
  readonly password: string;
}

export interface OpenAccessPoint {
  readonly interface: string;
  /** The device's own address in it, with prefix length. The machine gives its guests addresses and names itself as their gateway and DNS server. */
  readonly address: string;
}

/**
 * What a person's phone needs to give a device its first network. Joining one is a change of settings like any other:
 * `NetworkSettings` with `wifi`, which ends the access point, because one radio does one thing at a time.
 *
 * Errors: `network.not-supported` (no wireless adapter), `network.refused`, `network.timed-out`, and of the access point
 * `network.set-up-address-taken` (another interface of the device is in a network with the same addresses).
 */
export interface WifiSetup {
  /** Maximum duration of one call. */
  readonly worstCaseMs: number;
  uplinks(): Promise<Result<Uplinks>>;
  /**
   * The networks in range, strongest first; hidden ones are not among them. While the access point is open most adapters cannot
   * look around and the last list is given: look first.
   */
  scan(): Promise<Result<readonly VisibleNetwork[]>>;
  /** Opens an access point that a restart of the machine ends. One that is already open is replaced. */
  openAccessPoint(wanted: SetupAccessPoint): Promise<Result<OpenAccessPoint>>;
  /** Closes it; without one it does nothing. The machine then connects by itself to what it knows. */
  closeAccessPoint(): Promise<Result<void>>;
}
