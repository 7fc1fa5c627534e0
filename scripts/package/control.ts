import type { Arch } from "./parts.ts";

/** What shows the page: the system's Chromium, or an Electron inside the package. */
export type Player = "chromium" | "electron";

/** What Node's own binary links to. */
const NODE_NEEDS = ["libc6 (>= 2.28)", "libstdc++6 (>= 6)", "libgcc-s1 (>= 3.0)"];
const DEPENDS = [
  ...NODE_NEEDS,
  // sysusers, tmpfiles and logind, which gives the player's session the graphics device.
  "systemd (>= 252)", "libpam-systemd", "init-system-helpers (>= 1.52)", "udev", "dbus",
  // The agent's user may reboot the machine, arm the forced reset and change the network through it.
  "polkitd",
  // Debian 12 has no labwc. cage shows the same picture, but the agent can neither switch nor turn its outputs.
  "labwc | cage",
  "ca-certificates",
];
const BROWSER: Readonly<Record<Player, readonly string[]>> = {
  chromium: ["chromium | chromium-browser"],
  electron: ["libasound2t64 | libasound2", "libgbm1", "libgtk-3-0t64 | libgtk-3-0", "libnss3"],
};
/** What the product can do less without. A card image has all of it (`scripts/pi-image/image-packages.ts`). */
export const RECOMMENDS = [
  "fonts-dejavu-core", "fonts-noto-core", "fonts-noto-color-emoji",
  // Pictures of what is on the output.
  "grim",
  // NetworkManager only recommends the program that joins wireless networks and asks for access by 802.1X.
  "network-manager", "wpasupplicant", "dnsmasq-base", "iw", "wireless-regdb", "systemd-timesyncd | chrony | time-daemon",
  // Volume and mute.
  "pipewire-pulse", "wireplumber", "pulseaudio-utils",
];
const SUGGESTS = ["fonts-noto-cjk", "alsa-utils"];

export interface ControlInput {
  readonly version: string;
  readonly arch: Arch;
  readonly player: Player;
  /** Size of the unpacked files. */
  readonly installedBytes: number;
}

/** The package's control file (deb-control(5)). */
export function controlFile({ version, arch, player, installedBytes }: ControlInput): string {
  return `Package: vitrine
Version: ${version}
Architecture: ${arch}
Maintainer: Vitrine maintainers <maintainers@vitrine.invalid>
Installed-Size: ${Math.ceil(installedBytes / 1024)}
Depends: ${[...DEPENDS, ...BROWSER[player]].join(", ")}
Recommends: ${RECOMMENDS.join(", ")}
Suggests: ${SUGGESTS.join(", ")}
Section: misc
Priority: optional
Description: agent and kiosk of a digital-signage screen
 Vitrine hosts a customer's HTML5 player on a screen, reports to a cloud what
 is really shown there, and carries out the cloud's commands on the hardware.
 .
 This package has the agent, the player host for ${player === "chromium" ? "the system's Chromium" : "the Electron inside it"}, the
 command line vitrine, and a Node.js of their own.
`;
}

/** Debian's version of a version of ours: a pre-release sorts before its release. */
export function debianVersion(version: string): string {
  return version.replace("-", "~");
}

/** The package's changelog: one entry, which names the project's own. `epochSeconds`: the time of the source. */
export function debianChangelog(version: string, epochSeconds: number): string {
  const date = new Date(epochSeconds * 1_000).toUTCString().replace("GMT", "+0000");
  return `vitrine (${version}) stable; urgency=medium

  * See CHANGELOG.md in this folder.

 -- Vitrine maintainers <maintainers@vitrine.invalid>  ${date}
`;
}
