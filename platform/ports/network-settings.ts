import type { AddressSettings, WifiSettings } from "../../agent/protocol/network-settings.ts";
import type { JsonObject } from "../runtime/json.ts";
import type { Reading } from "./reading.ts";
import type { Result } from "./result.ts";

/** The wire's own value types: adapters take them from here, and name nothing of the agent. */
export type { AddressSettings, WifiSettings };

/** What of the network this machine lets us set. */
export interface NetworkCapabilities {
  /** Addresses of interfaces. */
  readonly address: boolean;
  /** The wireless network to join. */
  readonly wifi: boolean;
}

/** Settings to bring about. What is absent stays as it is. */
export interface NetworkChangeSettings {
  readonly interfaces?: Readonly<Record<string, AddressSettings>>;
  readonly wifi?: WifiSettings;
}

/** The settings in force. Never a password. */
export interface CurrentNetwork {
  /** By name; only interfaces whose settings are known. */
  readonly interfaces: Readonly<Record<string, AddressSettings>>;
  /** Absent: the device is in no wireless network. */
  readonly wifi?: { readonly ssid: string; readonly security: WifiSettings["security"] };
}

/** The way back to settings as they were. JSON without secrets, so that it can be kept over a power cut. */
export type NetworkCheckpoint = JsonObject;

/**
 * The machine's network settings, in the order a change uses them: `checkpoint`, `apply`, then `keep` or `restore`.
 * The way back must outlast this process and the machine's power: whoever holds the checkpoint can go it at any later
 * start. `restore` and `keep` may be called again after they succeeded, and do nothing then.
 *
 * Errors: `network.no-such-interface`, `network.not-supported`, `network.refused` (the machine said no),
 * `network.timed-out`. No error's message holds a password.
 */
export interface NetworkSettings {
  readonly capabilities: NetworkCapabilities;
  /** Longest time one call may take. */
  readonly worstCaseMs: number;
  current(): Promise<Reading<CurrentNetwork>>;
  /** Notes what `settings` would replace. Changes nothing. */
  checkpoint(settings: NetworkChangeSettings): Promise<Result<NetworkCheckpoint>>;
  /**
   * `ok`: the machine took the settings, which does not prove that anybody can be reached over them. Until `keep`, a
   * machine that can returns to the old ones at its next boot by itself. After an error the old ones may be gone:
   * `restore` all the same.
   */
  apply(settings: NetworkChangeSettings): Promise<Result<void>>;
  /** Settings as they were at `checkpoint`. */
  restore(checkpoint: NetworkCheckpoint): Promise<Result<void>>;
  /** The settings applied since `checkpoint` stay: from now on they are those of the machine. */
  keep(checkpoint: NetworkCheckpoint): Promise<Result<void>>;
}
