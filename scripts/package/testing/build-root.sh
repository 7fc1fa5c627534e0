#!/usr/bin/env bash
# Makes FOLDER, a Debian 13 of this machine's architecture that boots in a container: what the package depends on, without the
# compositor and the browser, which are four times as big and come only where they are among the PACKAGEs.
# Usage: build-root.sh [PACKAGE]… FOLDER, as root, with mmdebstrap.
set -euo pipefail
folder=${!#}
packages=(systemd-sysv udev dbus polkitd libpam-systemd init-system-helpers ca-certificates libstdc++6 "${@:1:$#-1}")
# The archive that this machine uses itself: the other releases are beside its own.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -1)
[ -n "$archive" ] || { echo "no Debian archive among this machine's package sources" >&2; exit 1; }
mmdebstrap --quiet --variant=minbase \
  --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='Acquire::Retries "2"' --aptopt='Acquire::http::Timeout "15"' --aptopt='Apt::Install-Recommends "false"' \
  trixie "$folder" "$archive"
rm -rf "$folder"/usr/share/{doc,locale,man}/* "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/*.bin
