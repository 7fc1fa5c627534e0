#!/usr/bin/env bash
# nmcli 1.42.4: its interactive editor strips spaces from both ends of a Wi-Fi password without an error.
#
# Expected: the password as given, or an error. IEEE 802.11 allows spaces in a passphrase, and `nmcli connection modify` keeps them.
# Seen: exit 0, and a profile that cannot join. The editor is the only way to pass nmcli a password that shows it in no argument list
# and in no file.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=minbase --include=network-manager=1.42.4-1+deb12u1,dbus,iproute2 \
  --aptopt='Apt::Install-Recommends "false"' bookworm "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
cat > "$work/root/run.sh" <<'SH'
export LC_ALL=C.UTF-8
mount -t proc proc /proc; mount -t sysfs -o ro sysfs /sys; mount -t tmpfs tmpfs /run; mkdir /run/dbus; ip link set lo up
dbus-daemon --system --fork --nopidfile
NetworkManager --no-daemon > /tmp/log 2>&1 &
for _ in $(seq 300); do [ "$(nmcli -t -f RUNNING general 2>/dev/null)" = running ] && break; sleep 0.1; done
key=802-11-wireless-security.psk
nmcli connection add type wifi con-name shop ssid Shop wifi-sec.key-mgmt wpa-psk wifi-sec.psk 'first password' > /tmp/added
shown() { echo "$1: exit $2, '$(nmcli -s -e no -g $key connection show shop)'"; }
nmcli connection modify shop $key '  spaced password '; shown modify $?
printf 'set %s   edited password \nsave\nquit\n' $key | nmcli connection edit shop > /tmp/edited 2>&1; shown editor $?
SH
said=$(timeout 120 unshare --mount --net --pid --fork --kill-child chroot "$work/root" /bin/bash /run.sh 2>"$work/log") || true
chroot "$work/root" nmcli --version
echo "$said"
[ "$said" = "modify: exit 0, '  spaced password '
editor: exit 0, 'edited password'" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
