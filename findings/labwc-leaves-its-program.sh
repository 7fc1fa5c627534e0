#!/usr/bin/env bash
# labwc 0.8.3 that is stopped leaves the program it was started for (`-S`) running.
#
# Expected: a compositor that ends when its one program ends also ends that program when it is stopped itself.
# Seen: after SIGTERM to the compositor the program goes on, without being told, as a child of the init process. A program that draws
# nothing itself but starts browsers, as a kiosk's supervisor does, then starts them in the next compositor, beside its own successor.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=extract --include=base-files,coreutils,dash,libc-bin,labwc=0.8.3-1,libwlroots-0.18=0.18.2-3 \
  --aptopt='Apt::Install-Recommends "false"' trixie "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
install -d -m 700 -o 65534 -g 65534 "$work/root/session"
cat > "$work/root/session/program.sh" <<'SH'
trap 'echo told > /session/told; exit 0' TERM HUP INT
echo $$ > /session/pid
while sleep 0.1; do :; done
SH
cat > "$work/root/session/run.sh" <<'SH'
cd /session
rm -f pid told
labwc -S "sh /session/program.sh" >/dev/null 2>&1 & compositor=$!
for _ in $(seq 100); do [ -s pid ] && break; sleep 0.1; done
sleep 1; kill -TERM $compositor; wait $compositor; sleep 2
kill -0 "$(cat pid)" 2>/dev/null && alive="runs on" || alive="has ended"
echo "labwc has ended; its program $alive$([ -e told ] && echo ', and was told' || echo ', and was not told')"
kill "$(cat pid)" 2>/dev/null || true
SH
said=$(timeout 60 unshare --mount --pid --fork --kill-child sh -c 'root=$0; mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" && exec chroot --userspec=65534:65534 "$root" env -i PATH=/usr/bin HOME=/session LC_ALL=C.UTF-8 XDG_RUNTIME_DIR=/session WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 sh /session/run.sh' "$work/root")
chroot "$work/root" labwc --version
echo "$said"
[ "$said" = "labwc has ended; its program runs on, and was not told" ] || { echo "CHANGED"; exit 1; }
