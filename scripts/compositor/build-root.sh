#!/usr/bin/env bash
# Makes FOLDER, a Debian 13 of this machine's architecture with the compositors that players use, what asks them, and Chromium. The root
# is only run from, never booted or added to, so its packages are unpacked and not configured: in less than half the processor time.
# Usage: build-root.sh FOLDER, as root, with mmdebstrap.
set -euo pipefail
folder=$1
# The archive that this machine uses itself: the other releases are beside its own.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -1)
[ -n "$archive" ] || { echo "no Debian archive among this machine's package sources" >&2; exit 1; }
# The first row is what nothing depends on because every Debian has it. swaybg draws a known picture, wtype presses labwc's key bindings.
mmdebstrap --quiet --variant=extract \
  --include=base-files,bash,coreutils,dash,grep,mount,sed,util-linux \
  --include=labwc,cage,sway,xwayland,wlopm,wlr-randr,grim,swaybg,wtype,chromium \
  --aptopt='Acquire::Retries "2"' --aptopt='Acquire::http::Timeout "15"' --aptopt='Apt::Install-Recommends "false"' \
  trixie "$folder" "$archive"
# What configuring would have done and programs miss: the folder /mnt, and the file types by which swaybg knows a picture.
mkdir "$folder/mnt"
chroot "$folder" update-mime-database /usr/share/mime
rm -rf "$folder"/usr/share/{doc,locale,man} "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/*.bin
