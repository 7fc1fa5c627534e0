import type { ImageOptions } from "./options.ts";

/** What boots, has a network, and is kept small: nothing recommended is installed. */
const BASE = [
  "systemd-sysv", "udev", "dbus", "polkitd", "kmod", "iproute2", "procps", "systemd-timesyncd", "systemd-repart", "systemd-zram-generator",
  "linux-image-arm64", "initramfs-tools", "zstd", "dosfstools", "e2fsprogs", "ca-certificates", "tzdata",
  "network-manager", "wpasupplicant", "wireless-regdb",
] as const;
/** From non-free-firmware: what a real Pi loads before the kernel, and the firmware of its Wi-Fi. */
const FIRMWARE = ["raspi-firmware", "firmware-brcm80211"] as const;
/** Picture and sound: compositor, browser, fonts for most scripts, GPU drivers, sound server, the login session's module. */
const SCREEN = ["labwc", "wlopm", "wlr-randr", "grim", "chromium", "fonts-dejavu-core", "fonts-noto-core", "fonts-noto-color-emoji", "libgl1-mesa-dri", "libpam-systemd", "pipewire-pulse", "wireplumber", "pulseaudio-utils", "alsa-utils"] as const;
/** The radio's country, and addresses and names in the set-up network. An emulated Pi has no radio, and its image no screen. */
const RADIO = ["dnsmasq-base", "iw"] as const;
/** What Vitrine's package depends on, without the screen's. */
const AGENT = ["libstdc++6"] as const;
/** Debian 12 has repart within systemd. */
const NOT_IN_BOOKWORM = ["systemd-repart"];

/** The Debian packages of an image, beside `minbase`. */
export function debianPackages({ release, sshKeyPath, withoutBrowser }: Pick<ImageOptions, "release" | "sshKeyPath" | "withoutBrowser">): readonly string[] {
  const all = [...BASE, ...FIRMWARE, ...AGENT, ...(withoutBrowser ? [] : [...SCREEN, ...RADIO]), ...(sshKeyPath === undefined ? [] : ["openssh-server"])];
  return release === "bookworm" ? all.filter((name) => !NOT_IN_BOOKWORM.includes(name)) : all;
}
