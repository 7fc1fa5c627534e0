#!/usr/bin/env bash
# cage 0.1.4 exits with 0 whatever became of its program.
#
# Expected: cage ends with its only program, so its status says whether that failed, as a shell's does.
# Seen: exit 0 after a program that exits with 7, one that is killed, and one that does not exist. A service with Restart=on-failure
# leaves the screen dark after a crash of the player; it needs Restart=always.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=extract --include=base-files,coreutils,dash,cage=0.1.4-4,libwlroots10=0.15.1-6,xwayland \
  --aptopt='Apt::Install-Recommends "false"' bookworm "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
mkdir -p "$work/root/dev/shm"; chmod 1777 "$work/root/dev/shm" "$work/root/tmp"
install -d -m 700 -o 65534 -g 65534 "$work/root/session"
cage() { timeout 30 chroot --userspec=65534:65534 "$work/root" env -i PATH=/usr/bin:/bin HOME=/session XDG_RUNTIME_DIR=/session WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 cage "$@" 2>>"$work/log"; }
try() { local status=0; cage -- "${@:2}" || status=$?; echo "$1: cage exits with $status"; }
said=$(try "exits with 7" dash -c 'echo ran > /session/ran; exit 7'; try "is killed" dash -c 'kill -9 $$'; try "does not exist" /nowhere/player)
cage -v
echo "$said"
[ -e "$work/root/session/ran" ] && [ "$said" = "exits with 7: cage exits with 0
is killed: cage exits with 0
does not exist: cage exits with 0" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
