#!/usr/bin/env bash
# Makes a card image of ROOT.tar and the files that are Vitrine's.
# Usage: assemble.sh ROOT.tar OUT.img — as root. In the environment:
#   PACKAGE       the .deb to install; empty: none (for measuring the bare system)
#   IMAGE_NAME    written to /etc/vitrine-image; the partitions' identifiers are made from it
#   SSH_KEY       a public key for root, which also switches ssh on; empty: no ssh
#   PROVISIONING  a provisioning file for the boot partition; empty: none
#   READ_ONLY     1: from the second boot on the root is read-only under an overlay in memory
#   WITHOUT_BROWSER  1: the root has no browser, though the package wants one
#   BARE          1: nothing of root/ is applied: the peer that the image's writes are measured against
#   SOURCE_DATE_EPOCH  times of files that are made here
set -euo pipefail
here=$(realpath "$(dirname "$0")"); tar=$(realpath "$1"); out=$2
work=$(mktemp -d); root=$work/root
release() { mountpoint -q "$root/proc" && umount "$root/proc"; rm -rf "$work"; }
trap release EXIT
mkdir "$root"; tar -xf "$tar" -C "$root" --numeric-owner --xattrs --xattrs-include='*'
in_root() { DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"; }
mount -t proc proc "$root/proc"
# No service may be started by what is installed here.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"

if [ "${BARE:-}" != 1 ]; then
  cp -r --no-preserve=ownership "$here/root/." "$root/"
  [ -x "$root/usr/sbin/sshd" ] || rm -r "$root/etc/ssh" "$root/usr/lib/systemd/system/ssh.service.d"
fi
if [ -n "${SSH_KEY:-}" ]; then
  [ -x "$root/usr/sbin/sshd" ] || { echo "the Debian root has no openssh-server" >&2; exit 1; }
  install -d -m 700 "$root/root/.ssh"; install -m 600 "$SSH_KEY" "$root/root/.ssh/authorized_keys"
fi
if [ -n "${PACKAGE:-}" ]; then
  cp "$PACKAGE" "$root/tmp/vitrine.deb"
  # A root without the screen's packages is for tests.
  in_root dpkg ${WITHOUT_BROWSER:+--force-depends} --install /tmp/vitrine.deb
  rm "$root/tmp/vitrine.deb"
  # It would be started again every second.
  [ -z "${WITHOUT_BROWSER:-}" ] || in_root systemctl mask --quiet vitrine-player.service
fi

# Where the file systems are. commit: what nobody asked to be on disk at once is written once a minute; fsync is as before.
cat > "$root/etc/fstab" <<'FSTAB'
LABEL=vitrine-root / ext4 noatime,commit=60,x-systemd.growfs 0 1
LABEL=VITRINE /boot/firmware vfat noatime,umask=0022,x-systemd.automount,x-systemd.idle-timeout=1min 0 2
FSTAB
# raspi-firmware would look at this machine for its consoles, and write the memory setting that a Pi 4 may not start with.
cat >> "$root/etc/default/raspi-firmware" <<'DEFAULTS'
ROOTPART=LABEL=vitrine-root
CONSOLES=tty0
CMA=0
DEFAULTS
# panic: a kernel or an initramfs that cannot go on reboots after ten seconds; otherwise it waits for somebody, and the watchdog is not fed yet.
extra='quiet loglevel=3 vt.global_cursor_default=0 logo.nologo panic=10'
if [ "${READ_ONLY:-}" = 1 ]; then
  # After raspi-firmware's rw; systemd makes the root writable at the first boot (/etc/fstab).
  extra+=' ro vitrine.overlay'
  cp -r --no-preserve=ownership "$here/read-only/." "$root/"
  cat "$here/read-only.fstab" >> "$root/etc/fstab"
fi
[ "${BARE:-}" = 1 ] || echo "$extra" > "$root/etc/default/raspi-extra-cmdline"
[ "${READ_ONLY:-}" != 1 ] || in_root update-initramfs -u > /dev/null

# The firmware, the kernel and their settings, as a kernel update would write them.
in_root env DEB_MAINT_PARAMS=configure /etc/kernel/postinst.d/z50-raspi-firmware
[ -s "$root/boot/firmware/cmdline.txt" ] || { echo "raspi-firmware wrote no boot partition" >&2; exit 1; }

if [ "${BARE:-}" != 1 ]; then
  # What the preset of root/ names and this Debian has.
  sed -n 's/^\(disable\|enable\) //p' "$here"/root/usr/lib/systemd/system-preset/*.preset | while read -r unit; do
    [ ! -e "$root/usr/lib/systemd/system/$unit" ] || in_root systemctl preset --quiet "$unit"
  done
  in_root systemctl set-default --quiet graphical.target
  # It asks at the console. Nobody is there; what it asks is set here.
  in_root systemctl mask --quiet systemd-firstboot.service getty@tty1.service
  echo LANG=C.UTF-8 > "$root/etc/locale.conf"
  ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"
  in_root passwd --quiet --lock root
  printf 'IMAGE=%s\n' "$IMAGE_NAME" > "$root/etc/vitrine-image"
fi
[ "${BARE:-}" = 1 ] || cp "$here/boot/vitrine.json.example" "$root/boot/firmware/"
[ -z "${PROVISIONING:-}" ] || cp "$PROVISIONING" "$root/boot/firmware/vitrine.json"

# What belongs to one device, or to this machine, and what is of no use on the card.
echo uninitialized > "$root/etc/machine-id"; echo localhost > "$root/etc/hostname"
rm -rf "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed" "$root/usr/sbin/policy-rc.d" \
  "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/log/{apt,dpkg.log,alternatives.log} "$root"/boot/firmware/*.bak "$root"/tmp/* 
: > "$root/etc/resolv.conf"; rm -f "$root/etc/resolv.conf"; ln -s /run/NetworkManager/resolv.conf "$root/etc/resolv.conf"
left=$(find "$root"/var/lib/vitrine* "$root/var/log/vitrine-player" -type f 2> /dev/null || true)
[ -z "$left" ] || { echo "the package left a device's data in the image: $left" >&2; exit 1; }
umount "$root/proc"
# What systemd would make anew at the first boot because /usr may have changed is as new as /usr.
touch "$root/etc/.updated" "$root/var/.updated"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0 -r touch --no-dereference --date="@$SOURCE_DATE_EPOCH"

# Identifiers that are the same for the same image, and differ between images.
id() { printf %s "$IMAGE_NAME $1" | sha256sum | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-a\4-\5/'; }
mib=$((1024 * 1024)) boot_mib=512
mkdir "$work/boot"; cp -r "$root/boot/firmware/." "$work/boot/"; rm -rf "$root"/boot/firmware/*
used_mib=$(du -sm --apparent-size "$root" | cut -f1); files=$(find "$root" | wc -l)
# Room for the file system's own tables and for the first boot, before it has grown.
root_mib=$((used_mib * 115 / 100 + files / 1024 * 2 + 192))
export E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH
truncate -s "${root_mib}M" "$work/root.ext4"
mke2fs -q -t ext4 -d "$root" -L vitrine-root -U "$(id root)" -E "hash_seed=$(id hash),lazy_itable_init=0,lazy_journal_init=0" -m 1 "$work/root.ext4"
truncate -s "${boot_mib}M" "$work/boot.vfat"
mkfs.vfat -F 32 -n VITRINE -i "$(id boot | cut -c1-8)" --invariant "$work/boot.vfat" > /dev/null
(cd "$work/boot" && find . -exec touch --date="@$SOURCE_DATE_EPOCH" {} + &&
  find . -mindepth 1 -maxdepth 1 -print0 | LC_ALL=C sort -z | xargs -0 sh -c 'exec mcopy -s -m -i "$0" "$@" ::' "$work/boot.vfat")

rm -f "$out"; truncate -s $(((1 + boot_mib + root_mib + 1) * mib)) "$out"
sfdisk --quiet "$out" <<TABLE
label: gpt
label-id: $(id disk)
first-lba: 34
start=2048, size=$((boot_mib * 2048)), type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, uuid=$(id boot), name=vitrine-boot
start=$((2048 + boot_mib * 2048)), size=$((root_mib * 2048)), type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE, uuid=$(id root), name=vitrine-root
TABLE
# The boot ROM of a Pi 3 or Zero 2 W reads an MBR only: beside the GPT, the boot partition is in it too, and first. Linux and systemd
# read the GPT all the same.
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }
{ printf '\0\xfe\xff\xff\x0c\xfe\xff\xff'; le32 2048; le32 $((boot_mib * 2048)); printf '\0\xfe\xff\xff\xee\xfe\xff\xff'; le32 1; le32 2047; } |
  dd of="$out" bs=1 seek=446 conv=notrunc status=none
dd if="$work/boot.vfat" of="$out" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$work/root.ext4" of="$out" bs=1M seek=$((1 + boot_mib)) conv=notrunc,sparse status=none
