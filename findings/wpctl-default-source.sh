#!/usr/bin/env bash
# WirePlumber 0.4.13: on a device without a microphone, wpctl's @DEFAULT_AUDIO_SOURCE@ is the sound output.
#
# Expected: an error, because `wpctl status` lists no source; or the output's monitor, as through PulseAudio's protocol.
# Seen: muting @DEFAULT_AUDIO_SOURCE@ mutes the output, and setting its volume sets that of the output. With pactl, the default source
# is the monitor, and muting it leaves the output alone. A player that mutes the microphone at start-up is silent.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=extract --include=base-files,coreutils,dash,grep,sed,dbus-daemon,dbus-session-bus-common,pipewire=0.3.65-3+deb12u1,pipewire-pulse=0.3.65-3+deb12u1,wireplumber=0.4.13-1,pulseaudio-utils \
  --aptopt='Apt::Install-Recommends "false"' bookworm "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
echo "nobody:x:65534:65534::/session:/bin/sh" > "$work/root/etc/passwd"
mkdir -p "$work"/root/run/systemd/{seats,sessions,users,machines} "$work/root/dev/shm"; chmod 1777 "$work/root/dev/shm"
install -d -m 700 -o 65534 -g 65534 "$work/root/session"
mkdir -p "$work/root/etc/pipewire/pipewire.conf.d"
echo 'context.objects = [ { factory = adapter args = { factory.name = support.null-audio-sink node.name = hdmi node.description = HDMI media.class = Audio/Sink audio.position = "FL,FR" } } ]' > "$work/root/etc/pipewire/pipewire.conf.d/hdmi.conf"
cat > "$work/root/session/run.sh" <<'SH'
pipewire & a=$!; until [ -S /session/pipewire-0 ]; do sleep 0.1; done; wireplumber & b=$!; pipewire-pulse & c=$!
for _ in $(seq 100); do sleep 0.2; hdmi=$(wpctl status | sed -n 's/.*\* *\([0-9]*\)\. HDMI.*/\1/p'); [ -n "$hdmi" ] && pactl info 2>/dev/null | grep -q 'Default Sink: hdmi' && break; done
output() { echo "$1: exit $?, $(wpctl get-volume "$hdmi")"; }
echo "sources: $(wpctl status | sed -n '/Sources:/,/Source endpoints:/p' | grep -c '[0-9]\.')"
wpctl set-volume "$hdmi" 0.5; output "output at 0.5"
pactl set-source-mute @DEFAULT_SOURCE@ 1; output "pactl mutes the default source ($(pactl get-default-source))"
wpctl set-mute @DEFAULT_AUDIO_SOURCE@ 1; output "wpctl mutes the default source"
wpctl set-volume @DEFAULT_AUDIO_SOURCE@ 0.1; output "wpctl sets its volume to 0.1"
kill $c $b $a
SH
said=$(timeout 60 unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$0/proc" && exec chroot --userspec=65534:65534 "$0" env -i PATH=/usr/bin:/bin HOME=/session LC_ALL=C XDG_RUNTIME_DIR=/session dbus-run-session dash /session/run.sh' "$work/root" 2>"$work/log") || true
chroot "$work/root" wireplumber --version | grep -i linked
echo "$said"
[ "$said" = "sources: 0
output at 0.5: exit 0, Volume: 0.50
pactl mutes the default source (hdmi.monitor): exit 0, Volume: 0.50
wpctl mutes the default source: exit 0, Volume: 0.50 [MUTED]
wpctl sets its volume to 0.1: exit 0, Volume: 0.10 [MUTED]" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
