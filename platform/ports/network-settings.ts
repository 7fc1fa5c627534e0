import type { AddressSettings, WifiSettings } from "../../agent/protocol/network-settings.ts";
import type { JsonObject } from "../runtime/json.ts";
import type { Reading } from "./reading.ts";
import type { Result } from "./result.ts";

/** Value types of the protocol, re-exported so that adapters need not import from the agent. */
export type { AddressSettings, WifiSettings };

/** Which network settings this machine lets us change. */
export interface NetworkCapabilities {
  /** Addresses of interfaces. */
  readonly address: boolean;
  /** The Wi-Fi network to join. */
  readonly wifi: boolean;
}

/** Settings to apply. Absent settings stay unchanged. */
export interface NetworkChangeSettings {
  readonly interfaces?: Readonly<Record<string, AddressSettings>>;
  readonly wifi?: WifiSettings;
}

/** The settings in effect. Never contains a password. */
export interface CurrentNetwork {
  /** By interface name; only interfaces whose settings are known. */
  readonly interfaces: Readonly<Record<string, AddressSettings>>;
  /** Absent if the device is not in a Wi-Fi network. */
  readonly wifi?: { readonly ssid: string; readonly security: WifiSettings["security"] };
}

/** What is needed to restore earlier settings. JSON without secrets, so that it can be stored to survive a power cut. */
export type NetworkCheckpoint = JsonObject;

/**
 * The machine's network settings, in the order a change uses them: `checkpoint`, `apply`, then `keep` or `restore`.
 * Restoring must still work after a restart of this process or a power cut: a stored checkpoint is enough to restore at any
 * later start. `restore` and `keep` are idempotent: after they have succeeded, calling them again does nothing.
 *
 * Errors: `network.no-such-interface`, `network.not-supported`, `network.refused` (refused by the machine),
 * `network.wrong-password`, `network.not-in-range`, `network.no-address`, `network.timed-out`. No error message contains a password.
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
}
