import { lookup } from "node:dns/promises";
import { access, constants, readFile } from "node:fs/promises";
import type { OpenPlace } from "../../platform/node/private-tree.ts";
import { messageOf, type Issue } from "../../platform/ports/result.ts";
import { BROWSER_POLICY, BROWSER_POLICY_PATHS } from "../../player-host/contract/browser-policy.ts";
import { findPlayerGroup, ownMembership } from "./player-group.ts";
import { leftOnBootText, refusedProvisioning } from "./identity/take-provisioning.ts";
import { openPlacesText } from "./report-findings.ts";
import { bad, good, unsupported, warning, type DiagnosticCheck } from "../core/health/diagnostic-check.ts";

export interface FoundAtStart {
  /** Places in the data folder that could not be closed to other users. */
  readonly openPlaces: readonly OpenPlace[];
  /** Why the log cannot be written now; `undefined` while it can. */
  readonly logTrouble: () => Issue | undefined;
  /** Of the certificates for the network. */
  readonly certificates: string;
  /** The agent can set access by 802.1X or a wireless network. */
  readonly setsAccess: () => boolean;
}

/** Checks of `vitrine doctor` that inspect this machine. */
export function machineChecks(data: string, configFile: string, endpoints: () => readonly string[], playerGroup: string, { openPlaces, logTrouble, certificates, setsAccess }: FoundAtStart): readonly DiagnosticCheck[] {
  return [
    ...(playerGroup === "" ? [] : [playerGroupCheck(playerGroup)]),
    {
      name: "configuration file",
      run: async () => {
        const found = await access(configFile, constants.R_OK).then(() => undefined, (thrown: unknown) => (thrown as NodeJS.ErrnoException).code ?? messageOf(thrown));
        if (found === undefined) return good(configFile);
        return found === "ENOENT" ? good(`${configFile}, which does not exist: no file is needed`) : warning(`${configFile} cannot be read (${found})`, "give it to the agent's group: chgrp vitrine-agent, chmod 640");
      },
    },
    provisioningCheck(data, certificates),
    supplicantCheck(setsAccess, SUPPLICANTS, (path) => access(path, constants.X_OK)),
    browserPolicyCheck(BROWSER_POLICY_PATHS, (path) => readFile(path, "utf8")),
    {
      name: "data folder",
      run: async () => {
        try {
          await access(data, constants.R_OK | constants.W_OK | constants.X_OK);
          return good(`${data} can be written`);
        } catch (thrown) {
          return bad(`${data} cannot be written: ${messageOf(thrown)}`, "check its owner and mode, and that the disk is not mounted read-only");
        }
      },
    },
    {
      name: "who reads the data",
      run: () => {
        const open = openPlacesText(openPlaces);
        return Promise.resolve(open === undefined ? good("only this user") : warning(open, "change the data folder's owner to the agent's user (chown -R), on a writable disk that supports file modes, and restart the agent"));
      },
    },
    {
      name: "log",
      run: () => {
        const trouble = logTrouble();
        return Promise.resolve(trouble === undefined ? good("it is written") : bad(trouble.message, "free space on its disk, or check its folder's owner and mode"));
      },
    },
    {
      name: "cloud name",
      run: async () => {
        const [endpoint] = endpoints();
        if (endpoint === undefined) return warning("no cloud is configured", "set cloud.endpoints, or put a provisioning file in place");
        const { hostname } = new URL(endpoint);
        try {
          const { address } = await lookup(hostname);
          return good(`${hostname} is ${address}`);
        } catch (thrown) {
          return bad(`${hostname} cannot be resolved: ${messageOf(thrown)}`, "check the network cable or Wi-Fi, and the DNS server");
        }
      },
    },
  ];
}

/** What the boot partition holds that should not be there, or cannot be used. */
function provisioningCheck(data: string, certificates: string): DiagnosticCheck {
  return {
    name: "provisioning",
    run: () => {
      const refused = refusedProvisioning(data);
      if (refused !== undefined) return Promise.resolve(warning(refused.message, refused.hint ?? "mend the file on the boot partition"));
      const left = leftOnBootText(data, certificates);
      return Promise.resolve(left === undefined ? good("nothing is left on the boot partition") : warning(left, "remove it in a computer, or mount the boot partition writable and restart the device; use claim tokens that are valid once"));
    },
  };
}

/** Where Debian has it. NetworkManager cannot do 802.1X on a cable with any other program. */
const SUPPLICANTS = ["/usr/sbin/wpa_supplicant", "/sbin/wpa_supplicant"];

/** Wireless networks and 802.1X need wpa_supplicant, which NetworkManager's package only recommends. `may`: fails for a program that is not there. */
export function supplicantCheck(setsAccess: () => boolean, paths: readonly string[], may: (path: string) => Promise<unknown>): DiagnosticCheck {
  return {
    name: "wpa_supplicant",
    run: async () => {
      if (!setsAccess()) return unsupported("the agent does not set this machine's network");
      for (const path of paths) {
        const found = await may(path).then(() => true, () => false);
        if (found) return good(path);
      }
      return warning("wpa_supplicant is not there: wireless networks and 802.1X cannot be used", "apt install wpasupplicant");
    },
  };
}

function playerGroupCheck(name: string): DiagnosticCheck {
  return {
    name: "player's group",
    run: () => {
      const found = findPlayerGroup(name, ownMembership());
      return Promise.resolve(found.ok ? good(`members of ${name} may be the player host`) : bad(found.error.message, found.error.hint ?? ""));
    },
  };
}

/**
 * Checks that the browser's managed policy is in place. Without it only the preferences of the browser's profile close the
 * same dialogs.
 */
export function browserPolicyCheck(paths: readonly string[], read: (path: string) => Promise<string>): DiagnosticCheck {
  const wanted = JSON.stringify(BROWSER_POLICY);
  return {
    name: "browser policy",
    run: async () => {
      for (const path of paths) {
        const text = await read(path).catch(() => undefined);
        if (text === undefined) continue;
        return sameJson(text, wanted) ? good(`${path} is in place`) : warning(`${path} is not this version's`, "replace it with scripts/systemd/browser-policy.json of this version, and restart the player");
      }
      return unsupported("no managed policy is in place: only the browser profile's own preferences apply");
    },
  };
}

function sameJson(text: string, wanted: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === wanted;
  } catch (thrown) {
    // Not JSON, perhaps edited by hand: the browser ignores such a file.
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}
