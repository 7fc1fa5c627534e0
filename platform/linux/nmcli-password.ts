import { pbkdf2Sync } from "node:crypto";
import type { WifiSettings } from "../ports/network-settings.ts";
import { fail, ok, type Result } from "../ports/result.ts";

/**
 * What NetworkManager is told as the password. Its editor, the only way that shows nobody the password, strips spaces at both
 * ends; such a password is passed as the key that WPA derives from it (IEEE 802.11, J.4: PBKDF2 with HMAC-SHA-1, the name of
 * the network as salt, 4096 rounds, 256 bits). WPA3 has no such key.
 */
export function pskOf(wifi: WifiSettings): Result<string | undefined> {
  if (wifi.security === "open" || wifi.security === "wpa-eap") return ok(undefined);
  const { ssid, security, password } = wifi;
  if (password.trim() === password) return ok(password);
  if (security === "wpa3-sae") return fail("network.not-supported", "a WPA3 password that begins or ends with a space cannot be passed to NetworkManager", "Change the password, or let the network take WPA2 as well and use wpa-psk.");
  return ok(pbkdf2Sync(password, Buffer.from(ssid), 4_096, 32, "sha1").toString("hex"));
}
