#!/usr/bin/env bash
# labwc 0.8.3 refuses full screen to a window that opens while the output's power is off, and the window stays small.
#
# Expected: a window that asks for full screen fills the output, at the latest when the power is on again.
# Seen: `foot --fullscreen` started behind a dark output gets a small window that is not full screen, and keeps it after
# `wlopm --on`. Started with the power on, it fills the output. A player that starts at night must ask again in the morning.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=extract --include=base-files,coreutils,dash,libc-bin,labwc=0.8.3-1,libwlroots-0.18=0.18.2-3,wlopm=0.1.0-1+b1,wlrctl,foot,fonts-dejavu-core \
  --aptopt='Apt::Install-Recommends "false"' trixie "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
install -d -m 700 -o 65534 -g 65534 "$work/root/session"
cat > "$work/root/session/run.sh" <<'SH'
for _ in $(seq 100); do [ "$(wlopm)" = "HEADLESS-1 on" ] && break; sleep 0.1; done
open() { rm -f size; foot --fullscreen sh -c 'while sleep 0.2; do stty size > size.new; mv size.new size; done' & for _ in $(seq 100); do [ -s size ] && break; sleep 0.1; done; sleep 2; }
say() { sleep 2; echo "$1: $(wlrctl window find app_id:foot state:fullscreen && echo full screen || echo not full screen), $(cat size)"; }
cd /session
open; say "opened with power on"; kill $!; wait $!
wlopm --off HEADLESS-1
open; say "opened with power off"
wlopm --on HEADLESS-1; say "power on again"; kill $!; wait $!
SH
said=$(timeout 90 unshare --mount --pid --fork --kill-child sh -c 'mount --rbind /dev "$0/dev" && exec chroot --userspec=65534:65534 "$0" env -i PATH=/usr/bin HOME=/session LC_ALL=C.UTF-8 XDG_RUNTIME_DIR=/session WAYLAND_DISPLAY=wayland-0 WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_HEADLESS_OUTPUTS=1 WLR_LIBINPUT_NO_DEVICES=1 labwc -S "sh /session/run.sh"' "$work/root" 2>"$work/log") || true
chroot "$work/root" labwc --version; chroot "$work/root" foot --version
echo "$said (rows and columns)"
mapfile -t lines <<< "$said"
full=${lines[0]#*, } small=${lines[1]#*, }
[ "$said" = "opened with power on: full screen, $full
opened with power off: not full screen, $small
power on again: not full screen, $small" ] && [ "${full% *}" -gt "${small% *}" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
