import { expect, test } from "vitest";
import { activationFailure } from "./nm-activation-failure.ts";

/** Every reason of NMDeviceStateReason that nmcli has words for, and those of NMActiveConnectionStateReason that are not of a VPN. */
const REASONS = {
  "network.wrong-password": ["Secrets were required, but not provided", "No valid secrets", "Invalid secrets"],
  "network.not-in-range": ["The Wi-Fi network could not be found"],
  "network.no-address": [
    "IP configuration could not be reserved (no available address, timeout, etc.)", "The IP configuration is no longer valid", "A duplicate IP address was detected",
    "DHCP client failed to start", "DHCP client error", "DHCP client failed", "AutoIP service failed to start", "AutoIP service error", "AutoIP service failed",
  ],
  "network.timed-out": ["The connection attempt timed out"],
  "network.refused": [
    "No reason given", "Unknown error", "Device is now managed", "Device is now unmanaged", "The device could not be readied for configuration",
    "802.1X supplicant disconnected", "802.1X supplicant configuration failed", "802.1X supplicant failed", "802.1X supplicant took too long to authenticate",
    "PPP service failed to start", "PPP service disconnected", "PPP failed", "Shared connection service failed to start", "Shared connection service failed",
    "The line is busy", "No dial tone", "No carrier could be established", "The dialing request timed out", "The dialing attempt failed", "Modem initialization failed",
    "Failed to select the specified APN", "Not searching for networks", "Network registration denied", "Network registration timed out", "Failed to register with the requested network",
    "PIN check failed", "Necessary firmware for the device may be missing", "The device was removed", "NetworkManager went to sleep", "The device's active connection disappeared",
    "Device disconnected by user or client", "Carrier/link changed", "The device's existing connection was assumed", "The supplicant is now available", "The modem could not be found",
    "The Bluetooth connection failed or timed out", "GSM Modem's SIM card not inserted", "GSM Modem's SIM PIN required", "GSM Modem's SIM PUK required", "GSM Modem's SIM wrong",
    "InfiniBand device does not support connected mode", "A dependency of the connection failed", "A problem with the RFC 2684 Ethernet over ADSL bridge", "ModemManager is unavailable",
    "A secondary connection of the base connection failed", "DCB or FCoE setup failed", "teamd control failed", "Modem failed or no longer available", "Modem now ready and available",
    "SIM PIN was incorrect", "New connection activation was enqueued", "The device's parent changed", "The device parent's management changed", "Open vSwitch database connection failed",
    "The selected IP method is not supported", "Failed to configure SR-IOV parameters", "The Wi-Fi P2P peer could not be found", "Unknown",
    "Unknown reason", "The connection was disconnected", "Disconnected by user", "The base network connection was interrupted", "The connection was removed", "Master connection failed",
    "Could not create a software link", "The device disappeared",
  ],
} as const;

test.each(Object.entries(REASONS).flatMap(([code, reasons]) => reasons.map((reason) => [reason, code] as const)))("%s: %s", (reason, code) => {
  const told = activationFailure(`nmcli connection up uuid 7f840cd2: Error: Connection activation failed: ${reason}\nHint: use 'journalctl -xe NM_DEVICE=wlan0' to get more details.`);
  expect(told?.code).toBe(code);
  // A person reads it: one line, without the command and nmcli's hint.
  expect(told?.message).toMatch(/^[^\n]+$/);
  expect(told?.message).not.toMatch(/nmcli|journalctl/);
});

test("a reason without words of ours keeps NetworkManager's", () => {
  expect(activationFailure("Error: Connection activation failed: The line is busy\nHint: …")).toEqual({ code: "network.refused", message: "NetworkManager did not connect: The line is busy" });
});

test("only silence about access is told as unanswered", () => {
  const unanswered = Object.values(REASONS).flat().filter((reason) => activationFailure(`Error: Connection activation failed: ${reason}`)?.isUnanswered === true);
  expect(unanswered).toEqual(["802.1X supplicant disconnected", "802.1X supplicant failed", "802.1X supplicant took too long to authenticate"]);
});

test("what is not about an activation is left to the caller", () => {
  expect(activationFailure("Error: unknown connection '7f840cd2'.")).toBeUndefined();
});
