#!/usr/bin/env bash
# Runs PROGRAM inside ROOT as the user UID:GID and the file mode mask UMASK, with RUNTIME as its folder for sockets, which is the same folder outside.
# Usage: run-in-root.sh ROOT RUNTIME UID GID UMASK PROGRAM…, as root, in mount and process namespaces of its own. Variables for the
# program are the first words of PROGRAM, as for env.
set -euo pipefail
root=$1; runtime=$2; uid=$3; gid=$4; mask=$5; shift 5
mount --make-rprivate /
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir -p "$root$runtime"
mount --bind "$runtime" "$root$runtime"
# Not chroot: in a changed root the kernel refuses the user namespaces that Chromium's sandbox needs.
cd "$root"
pivot_root . .
umount -l .
cd /
umask "$mask"
# It ends with unshare, also when the test run is killed.
exec setpriv --pdeathsig=KILL --reuid="$uid" --regid="$gid" --clear-groups env -i HOME="$runtime" XDG_RUNTIME_DIR="$runtime" PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \
  WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 "$@"
