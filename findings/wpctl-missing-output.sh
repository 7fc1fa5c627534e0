#!/usr/bin/env bash
# WirePlumber 0.4.13: `wpctl get-volume` of an output that is gone exits with 0.
#
# Expected: a status other than 0 when there is no answer.
# Seen: "Node ID not found" on standard error and exit 0; set-volume and set-mute of the same id exit with 3. A script that checks only
# the status takes an unplugged output for a working one.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=extract --include=base-files,coreutils,dash,grep,sed,dbus-daemon,dbus-session-bus-common,pipewire=0.3.65-3+deb12u1,wireplumber=0.4.13-1 \
  --aptopt='Apt::Install-Recommends "false"' bookworm "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
echo "nobody:x:65534:65534::/session:/bin/sh" > "$work/root/etc/passwd"
mkdir -p "$work"/root/run/systemd/{seats,sessions,users,machines} "$work/root/dev/shm"; chmod 1777 "$work/root/dev/shm"
install -d -m 700 -o 65534 -g 65534 "$work/root/session"
mkdir -p "$work/root/etc/pipewire/pipewire.conf.d"
echo 'context.objects = [ { factory = adapter args = { factory.name = support.null-audio-sink node.name = hdmi node.description = HDMI media.class = Audio/Sink audio.position = "FL,FR" } } ]' > "$work/root/etc/pipewire/pipewire.conf.d/hdmi.conf"
cat > "$work/root/session/run.sh" <<'SH'
pipewire & a=$!; until [ -S /session/pipewire-0 ]; do sleep 0.1; done; wireplumber & b=$!
for _ in $(seq 100); do sleep 0.2; hdmi=$(wpctl status | sed -n 's/.*\* *\([0-9]*\)\. HDMI.*/\1/p'); [ -n "$hdmi" ] && break; done
try() { said=$(wpctl "$@" 2>&1) && echo "$1: exit 0, $said" || echo "$1: exit $?, $said"; }
try get-volume "$hdmi"
pw-cli destroy "$hdmi" >/dev/null
for _ in $(seq 50); do wpctl inspect "$hdmi" >/dev/null || break; sleep 0.1; done
{ try get-volume "$hdmi"; try set-volume "$hdmi" 0.5; try set-mute "$hdmi" 1; } | sed "s/'$hdmi'/ID/"
kill $b $a
SH
said=$(timeout 60 unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$0/proc" && exec chroot --userspec=65534:65534 "$0" env -i PATH=/usr/bin:/bin HOME=/session LC_ALL=C XDG_RUNTIME_DIR=/session dbus-run-session dash /session/run.sh' "$work/root" 2>"$work/log") || true
chroot "$work/root" wireplumber --version | grep -i linked
echo "$said"
[ "$said" = "get-volume: exit 0, Volume: 1.00
get-volume: exit 0, Node ID not found
set-volume: exit 3, Object ID not found
set-mute: exit 3, Object ID not found" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
