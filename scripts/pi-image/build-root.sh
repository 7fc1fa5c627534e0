#!/usr/bin/env bash
# Makes ROOT.tar: a configured Debian for arm64 with what a player needs but Vitrine, which is added to it later. Under emulation this
# takes minutes; the archive is kept (debian-root.ts).
# Usage: build-root.sh ROOT.tar RELEASE PACKAGE,PACKAGE,… — as root, with mmdebstrap, arch-test and qemu-user-static.
set -euo pipefail
tar=$1 release=$2 packages=$3

# Where no systemd runs, nothing has told the kernel yet what runs programs for arm64.
if ! arch-test arm64 > /dev/null; then
  mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  /lib/systemd/systemd-binfmt qemu-aarch64.conf
fi

# The archives that this machine uses itself; the release and the component with the Pi's firmware are beside its own.
uris=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | sort -u)
archive=$(grep -E '/debian/?$' <<< "$uris" | head -1); security=$(grep -E '/debian-security/?$' <<< "$uris" | head -1)
[ -n "$archive" ] || { echo "no Debian archive among this machine's package sources" >&2; exit 1; }
firmware=non-free-firmware
sources=("deb $archive $release main $firmware" "deb $archive $release-updates main $firmware")
[ -z "$security" ] || sources+=("deb $security $release-security main $firmware")

# raspi-firmware writes its defaults when it is configured, and the initramfs is made then: both are set before.
before=$(mktemp -d); trap 'rm -rf "$before"' EXIT
install -D -m 644 "$(dirname "$0")/initramfs-modules" "$before/etc/initramfs-tools/modules"
mkdir -p "$before/etc/initramfs-tools/conf.d"; printf 'MODULES=list\n# Else it would be taken from the fstab and the disk of this machine, and there would be no fsck in it.\nFSTYPE=ext4\n' > "$before/etc/initramfs-tools/conf.d/vitrine"

mmdebstrap --quiet --architectures=arm64 --variant=minbase --include="$packages" \
  --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Retries "2"' --aptopt='Acquire::http::Timeout "15"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --essential-hook="copy-in $before/etc /" \
  "$release" "$tar" "${sources[@]}"
