#!/bin/bash
# What an A/B image does with slot-shared declarations at a boot, as far as this product is concerned; written from the description of the
# rule, not from Raspberry Pi's programs. In a mount namespace of its own:
#   boot-slot.sh SLOT SHARED ROOT PROGRAM [ARGUMENT…]
# SLOT is the slot's root, SHARED the folder that slots share; PROGRAM runs with the result mounted at ROOT.
set -euo pipefail
slot=$1 shared=$2 root=$3; shift 3
paths=()
for conf in "$slot"/etc/rpi-image-gen/slot-shared.d/*.conf; do
  [ "$(head -1 "$conf")" = Version=1 ] || { echo "skipped: $conf" >&2; continue; }
  while IFS='=' read -r key path; do [ "$key" != Path ] || paths+=("$path"); done < "$conf"
done
# Before the mounts: what lies in the slot goes over what is shared, with the folder's own owner and mode.
for path in "${paths[@]}"; do
  mkdir -p "$shared$path"
  [ ! -d "$slot$path" ] || cp -a --remove-destination "$slot$path/." "$shared$path/"
done
mount --bind "$slot" "$root"
# Only where the slot has the folder.
for path in "${paths[@]}"; do [ ! -d "$root$path" ] || mount --bind "$shared$path" "$root$path"; done
exec "$@"
