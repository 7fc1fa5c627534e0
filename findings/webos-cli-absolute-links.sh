#!/usr/bin/env bash
# @webos-tools/cli 3.2.1 packages a symbolic link as a link and keeps its target as it is.
#
# Expected: a link that leads out of the app is rejected, or replaced by its target.
# Seen: ares-package reports "Success", and the package contains a link to an absolute path of the machine that packaged it.
# On the panel the file is missing, and the package reveals a path of that machine.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @webos-tools/cli@3.2.1 || { echo "cannot install"; exit 2; }
mkdir app shared
echo '{"id":"org.example.menu","version":"1.0.0","type":"web","main":"index.html","title":"Menu","icon":"icon.png"}' > app/appinfo.json
echo '<!doctype html><img src="logo.svg">' > app/index.html
echo icon > app/icon.png
echo '<svg xmlns="http://www.w3.org/2000/svg"/>' > shared/logo.svg
ln -s "$work/shared/logo.svg" app/logo.svg
status=0; node_modules/.bin/ares-package -n -o out app > said 2>&1 || status=$?
cd out && ar x ./*.ipk
link=$(tar tvzf data.tar.gz | grep 'logo.svg' || true)
echo "ares-package: exit $status, $(tail -n 1 ../said)"
echo "in the package: ${link/$work/WORK}"
[ "$status" = 0 ] && [[ $link == l*"-> $work/shared/logo.svg" ]] || { echo "CHANGED"; exit 1; }
