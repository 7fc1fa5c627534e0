import { CERTIFICATES_DIR, FOUND_DIR } from "./device-certificates.ts";
import { prepareCertificate } from "./prepare-certificate.ts";

/**
 * Root's part of 802.1X (`vitrine-certificate@NAME.service`): prepare-certificate NAME. Exit codes: 0 NetworkManager can load
 * the profiles, 1 it cannot and `/run/vitrine-certificates/NAME.json` says why, 2 the name is not one.
 */
const PROFILES = "/run/NetworkManager/system-connections";
/** Where NetworkManager keeps profiles, its own and those of netplan, which Raspberry Pi OS uses. */
const USERS = [PROFILES, "/etc/NetworkManager/system-connections", "/usr/lib/NetworkManager/system-connections", "/etc/netplan", "/run/netplan", "/lib/netplan"];
const [name = ""] = process.argv.slice(2);
if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
  process.stderr.write("usage: prepare-certificate NAME, the name of a folder in /var/lib/vitrine-certificates\n");
  process.exitCode = 2;
} else {
  const found = prepareCertificate(name, { certificates: CERTIFICATES_DIR, profiles: PROFILES, found: FOUND_DIR, users: USERS });
  if (found.kind === "problem") {
    process.stderr.write(`${found.message} (${found.code})\n`);
    process.exitCode = 1;
  }
}
