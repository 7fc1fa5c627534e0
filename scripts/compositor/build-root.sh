#!/usr/bin/env bash
# Makes FOLDER, a Debian 13 of this machine's architecture with the compositors that players use and what asks them. The root
# is only run from, never booted. Usage: build-root.sh FOLDER, as root, with mmdebstrap. About two minutes.
set -euo pipefail
folder=$1
# The archive that this machine uses itself: the other releases are beside its own.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -1)
[ -n "$archive" ] || { echo "no Debian archive among this machine's package sources" >&2; exit 1; }
# Chromium is here for what the page does behind an output; swaybg draws a known picture, wtype presses labwc's key bindings.
mmdebstrap --quiet --variant=minbase \
  --include=labwc,cage,sway,xwayland,wlopm,wlr-randr,grim,swaybg,wtype,chromium,chromium-sandbox \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --aptopt='Acquire::Retries "2"' --aptopt='Acquire::http::Timeout "15"' --aptopt='Apt::Install-Recommends "false"' \
  trixie "$folder" "$archive"
rm -rf "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/*.bin
