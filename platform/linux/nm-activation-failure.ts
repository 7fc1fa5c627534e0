import type { Code } from "../ports/codes.ts";
import type { Issue } from "../ports/result.ts";

/** Why NetworkManager did not activate a profile. */
export interface ActivationFailure extends Issue {
  /** It waited in vain for access to the network, and cannot tell a wrong password from silence or from a network that asks for something else. */
  readonly isUnanswered?: true;
}

type Known = readonly [reason: RegExp, code: Code, message: string, isUnanswered?: true];

/**
 * NetworkManager's reasons (NMDeviceStateReason and NMActiveConnectionStateReason) that a cable or a wireless adapter can have, in nmcli's
 * English words (src/libnmc-base/nm-client-utils.c of 1.42 to 1.52). What is not listed keeps its words.
 */
const KNOWN: readonly Known[] = [
  [/secrets were required|password for '[^']*' not given|no valid secrets|invalid secrets/i, "network.wrong-password", "the wireless network refused the password"],
  [/Wi-Fi network could not be found/i, "network.not-in-range", "the wireless network is not in range"],
  [/802\.1X supplicant (?:disconnected|took too long|failed)/i, "network.refused", "the network did not let the device in, and did not say why", true],
  [/802\.1X supplicant configuration failed/i, "network.refused", "the adapter does not know the network's kind of access"],
  [/IP configuration could not be reserved/i, "network.no-address", "no address could be reserved: DHCP does not answer, or another machine has this address"],
  [/duplicate IP address/i, "network.no-address", "another machine has this address"],
  [/IP configuration is no longer valid/i, "network.no-address", "the address that DHCP gave was taken back"],
  [/DHCP client (?:failed to start|error|failed)/i, "network.no-address", "no address could be reserved: NetworkManager's DHCP client failed"],
  [/AutoIP service/i, "network.no-address", "no address could be reserved: NetworkManager found no free link-local one"],
  [/connection attempt timed out/i, "network.timed-out", "NetworkManager did not connect in its own time"],
  [/Error: Timeout (?:expired|\d+ sec)/i, "network.timed-out", "NetworkManager did not connect in the time that it was given"],
  [/could not be readied for configuration/i, "network.refused", "the adapter could not be readied"],
  [/firmware for the device may be missing/i, "network.refused", "the adapter's firmware is missing"],
  [/device was removed|device disappeared/i, "network.refused", "the adapter was unplugged meanwhile"],
  [/Carrier\/link changed/i, "network.refused", "the cable was unplugged meanwhile, or the adapter lost its link"],
  [/active connection disappeared|connection was removed/i, "network.refused", "another program deleted the profile meanwhile"],
  [/disconnected by user|connection was disconnected|new connection activation was enqueued|base network connection was interrupted/i, "network.refused", "another program disconnected the adapter, or connected it otherwise, meanwhile"],
  [/now (?:un)?managed/i, "network.refused", "another program took the adapter from NetworkManager, or gave it back, meanwhile"],
  [/went to sleep/i, "network.refused", "NetworkManager was put to sleep meanwhile"],
  [/IP method is not supported/i, "network.refused", "the adapter cannot get its address in this way"],
  [/Shared connection service/i, "network.refused", "NetworkManager could not start its DHCP server"],
];

/** Reads what nmcli printed when an activation failed; `undefined`: nothing about an activation. */
export function activationFailure(said: string): ActivationFailure | undefined {
  const known = KNOWN.find(([reason]) => reason.test(said));
  if (known !== undefined) {
    const [, code, message, isUnanswered] = known;
    return { code, message, ...(isUnanswered && { isUnanswered }) };
  }
  const [, reason] = /activation failed: (.*)/i.exec(said) ?? [];
  return reason === undefined ? undefined : { code: "network.refused", message: `NetworkManager did not connect: ${reason}` };
}
