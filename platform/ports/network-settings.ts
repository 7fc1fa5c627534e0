import type { AddressSettings, Dot1xSettings, WifiSettings } from "../../agent/protocol/network-settings.ts";
import type { JsonObject } from "../runtime/json.ts";
import type { Reading } from "./reading.ts";
import type { Result } from "./result.ts";

/** Value types of the protocol, re-exported so that adapters need not import from the agent. */
export type { AddressSettings, Dot1xSettings, WifiSettings };

/** Which network settings this machine lets us change. */
export interface NetworkCapabilities {
  /** Addresses of interfaces. */
  readonly address: boolean;
  /** The Wi-Fi network to join. */
  readonly wifi: boolean;
  /** Access by 802.1X, of cables and, with `wifi`, of wireless networks. */
  readonly dot1x: boolean;
}

/** Settings to apply. Absent settings stay unchanged. */
export interface NetworkChangeSettings {
  readonly interfaces?: Readonly<Record<string, AddressSettings>>;
  readonly wifi?: WifiSettings;
  /** By interface name; `null`: none. */
  readonly dot1x?: Readonly<Record<string, Dot1xSettings | null>>;
  /** Interfaces that keep their permanent settings and use the present files of their certificate; in no change together with the others. */
  readonly renew?: readonly string[];
}

/** The files of a certificate that is in use have been replaced. */
export interface Dot1xRenewal {
  readonly interface: string;
  readonly certificate: string;
  /** Another text for each content of the files, or why they cannot be used. */
  readonly found: Result<string>;
}

/** 802.1X of an interface as it is set, and the certificate it uses. */
export interface CurrentDot1x {
  readonly method: Dot1xSettings["method"];
  readonly identity: string;
  /** Name of the certificate folder; absent: the settings are not ours. */
  readonly certificate?: string;
  readonly serverName?: string;
  /** Names the content of the certificate's files in use; absent: the settings are not ours, or of a version that did not tell. */
  readonly version?: string;
  /** Of the certificate; absent for a method without one, and when it cannot be read. */
  readonly subject?: string;
  readonly notAfterMs?: number;
}

/** An interface whose permanent settings ask for access by 802.1X. */
export interface Dot1xAccess extends CurrentDot1x {
  readonly interface: string;
  /** The interface is not let in with these settings: it still asks, was refused, nobody answered, or it has no carrier. False while it has other settings. */
  readonly shutOut: boolean;
}

/** The settings in effect. Never contains a password. */
export interface CurrentNetwork {
  /** By interface name; only interfaces whose settings are known. */
  readonly interfaces: Readonly<Record<string, AddressSettings>>;
  /** Absent if the device is not in a Wi-Fi network. */
  readonly wifi?: { readonly ssid: string; readonly security: WifiSettings["security"]; readonly dot1x?: CurrentDot1x };
  /** Cables with 802.1X, by interface name. */
  readonly dot1x?: Readonly<Record<string, CurrentDot1x>>;
}

/** What is needed to restore earlier settings. JSON without secrets, so that it can be stored to survive a power cut. */
export type NetworkCheckpoint = JsonObject;

/**
 * The machine's network settings, in the order a change uses them: `checkpoint`, `apply`, then `keep` or `restore`.
 * Restoring must still work after a restart of this process or a power cut: a stored checkpoint is enough to restore at any
 * later start. `restore` and `keep` are idempotent: after they have succeeded, calling them again does nothing.
 *
 * Errors: `network.no-such-interface`, `network.not-supported`, `network.refused` (refused by the machine),
 * `network.wrong-password`, `network.not-in-range`, `network.no-address`, `network.timed-out`; of 802.1X `network.dot1x-refused`
 * and those of `network.certificate-…`. No error message contains a password.
 */
export interface NetworkSettings {
  readonly capabilities: NetworkCapabilities;
  /** Maximum duration of one call. */
  readonly worstCaseMs: number;
  current(): Promise<Reading<CurrentNetwork>>;
  /** Records what `settings` would replace. Changes nothing. */
  checkpoint(settings: NetworkChangeSettings): Promise<Result<NetworkCheckpoint>>;
  /**
   * `ok` means that the machine accepted the settings, not that anything can be reached with them. Until `keep`, a machine
   * that supports it reverts to the old settings at its next boot. After an error the old settings may be gone, so call
   * `restore` in that case too.
   */
  apply(settings: NetworkChangeSettings): Promise<Result<void>>;
  /** Restores the settings as they were at `checkpoint`. */
  restore(checkpoint: NetworkCheckpoint): Promise<Result<void>>;
  /** Makes the settings applied since `checkpoint` permanent. */
  keep(checkpoint: NetworkCheckpoint): Promise<Result<void>>;
  /** Present where `capabilities.dot1x` can be true. */
  readonly dot1x?: {
    access(): Promise<Reading<readonly Dot1xAccess[]>>;
    /** Certificates whose files are others than those in use. Not while a change is under way. */
    renewals(): Promise<Reading<readonly Dot1xRenewal[]>>;
    /** Asks for access again where the machine has given up. Not while a change is under way. */
    askAgain(): Promise<Result<void>>;
  };
}
