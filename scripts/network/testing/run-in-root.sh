#!/usr/bin/env bash
# Starts NetworkManager in a throw-away copy of ROOT, with eth0 as a cable to 192.0.2.1, where a DHCP server answers, and says READY.
# Usage: run-in-root.sh ROOT, as root, in mount, network, process and host name namespaces of its own. It ends when it is killed.
# Commands come on standard input, one a line: `powercut`, `restart` (of the daemon), or anything that bash runs; each is
# answered by a line `DONE STATUS`.
set -euo pipefail
root=$1
mount --make-rprivate /
overlay=/mnt
mount -t tmpfs tmpfs $overlay
mkdir $overlay/{upper,work,root}
new=$overlay/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=$overlay/upper,workdir=$overlay/work" $new
mount -t proc proc $new/proc
mount --rbind /dev $new/dev
mount -t tmpfs -o mode=755 tmpfs $new/run
mount -t tmpfs -o mode=1777 tmpfs $new/tmp
# Read-only: then NetworkManager does not wait for udev.
mount -t sysfs -o ro sysfs $new/sys
hostname box
: > $new/etc/resolv.conf
printf '127.0.0.1 localhost\n127.0.1.1 box\n' > $new/etc/hosts
tr -d - < /proc/sys/kernel/random/uuid > $new/etc/machine-id
cd $new
pivot_root . mnt
umount -l /mnt
cd /
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8

start() {
  NetworkManager --no-daemon >> /tmp/networkmanager.log 2>&1 & manager=$!
  for _ in $(seq 200); do [ "$(nmcli -t -f RUNNING general 2>/dev/null)" = running ] && return; sleep 0.05; done
  echo "NetworkManager does not start" >&2; cat /tmp/networkmanager.log >&2; exit 1
}
stop() { kill -"$1" "$manager"; wait "$manager" 2>/dev/null || true; }
restart() { stop KILL; start; nm-online -s -q -t 60; }
# All that is not on a disk is gone.
powercut() { stop KILL; rm -rf /run/NetworkManager; ip addr flush dev eth0; ip link set eth0 down; start; nm-online -s -q -t 60; }

ip link set lo up
ip netns add site
ip link add eth0 address 02:00:00:00:00:10 type veth peer name router0
ip link set router0 netns site
ip -n site addr add 192.0.2.1/24 dev router0
ip -n site link set router0 up
ip link set eth0 up
ip netns exec site dnsmasq --no-ping --no-hosts --no-resolv --port=0 --interface=router0 --bind-interfaces --dhcp-range=192.0.2.100,192.0.2.150,1h --dhcp-authoritative --pid-file=/tmp/dnsmasq.pid --dhcp-leasefile=/tmp/leases
mkdir -p /run/dbus
dbus-daemon --system --fork --nopidfile
start
nm-online -s -q -t 60
echo READY
while read -r command; do
  status=0
  eval "$command" > /tmp/command.log 2>&1 < /dev/null || status=$?
  [ $status = 0 ] || cat /tmp/command.log >&2
  echo "DONE $status"
done
