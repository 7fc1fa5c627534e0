#!/usr/bin/env bash
# labwc 0.8.3 switches dark outputs on when any output is changed.
#
# Expected: an output that wlopm switched off stays off until it is switched on; wlr-randr changes only the output that it names.
# Seen: after `wlr-randr --output HEADLESS-1 --transform 90` both outputs are on, also HEADLESS-2, which was not named. A change to
# the value that is already set does the same. A program that rotates or places outputs at night must switch them off again.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=extract --include=base-files,coreutils,dash,labwc=0.8.3-1,libwlroots-0.18=0.18.2-3,wlopm=0.1.0-1+b1,wlr-randr=0.4.1-1 \
  --aptopt='Apt::Install-Recommends "false"' trixie "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
mkdir -p "$work/root/dev/shm"; chmod 1777 "$work/root/dev/shm"
install -d -m 700 -o 65534 -g 65534 "$work/root/session"
cat > "$work/root/session/run.sh" <<'SH'
for _ in $(seq 100); do [ "$(wlopm | wc -l)" = 2 ] && break; sleep 0.1; done
off() { wlopm --off HEADLESS-1; wlopm --off HEADLESS-2; echo "$1: $(wlopm | paste -s -d ' ')"; }
off "switched off"
wlr-randr --output HEADLESS-1 --transform 90
echo "HEADLESS-1 rotated: $(wlopm | paste -s -d ' ')"
off "switched off again"
wlr-randr --output HEADLESS-1 --transform 90
echo "HEADLESS-1 rotated as it is: $(wlopm | paste -s -d ' ')"
SH
said=$(timeout 60 chroot --userspec=65534:65534 "$work/root" env -i PATH=/usr/bin HOME=/session XDG_RUNTIME_DIR=/session WAYLAND_DISPLAY=wayland-0 WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_HEADLESS_OUTPUTS=2 WLR_LIBINPUT_NO_DEVICES=1 labwc -S "sh /session/run.sh" 2>"$work/log") || true
chroot "$work/root" labwc --version
echo "$said"
off="HEADLESS-1 off HEADLESS-2 off" on="HEADLESS-1 on HEADLESS-2 on"
[ "$said" = "switched off: $off
HEADLESS-1 rotated: $on
switched off again: $off
HEADLESS-1 rotated as it is: $on" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
