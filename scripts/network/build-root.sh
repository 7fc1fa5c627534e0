#!/usr/bin/env bash
# Makes FOLDER, a small Debian RELEASE of this machine's architecture with NetworkManager, polkit and what a site's network needs.
# Usage: build-root.sh RELEASE FOLDER, as root, with mmdebstrap.
set -euo pipefail
release=$1; folder=$2
# The archive that this machine uses itself: the other releases are beside its own.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -1)
[ -n "$archive" ] || { echo "no Debian archive among this machine's package sources" >&2; exit 1; }
mmdebstrap --quiet --variant=minbase \
  --include=network-manager,dbus,polkitd,iproute2,dnsmasq-base,procps,wpasupplicant,hostapd,openssl \
  --aptopt='Acquire::Retries "2"' --aptopt='Acquire::http::Timeout "15"' --aptopt='Apt::Install-Recommends "false"' \
  "$release" "$folder" "$archive"
rm -rf "$folder"/usr/share/{doc,locale,man} "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/*.bin
# Made at each start, so that no two look like one machine.
rm -f "$folder"/etc/machine-id "$folder"/var/lib/dbus/machine-id
