#!/usr/bin/env bash
# @webos-tools/cli 3.2.1 packages an app without a version as version 1.0.0.
#
# Expected: appinfo.json without its required "version" is rejected, as is one with "version": "100".
# Seen: exit 0 and org.example.menu_1.0.0_all.ipk, for an absent and for an empty version. The panel then cannot tell two
# releases apart.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @webos-tools/cli@3.2.1 || { echo "cannot install"; exit 2; }
try() {
  rm -rf app out; mkdir app
  echo "{\"id\":\"org.example.menu\",$1\"type\":\"web\",\"main\":\"index.html\",\"title\":\"Menu\",\"icon\":\"icon.png\"}" > app/appinfo.json
  echo '<!doctype html>' > app/index.html
  echo icon > app/icon.png
  local status=0; node_modules/.bin/ares-package -n -o out app > said 2>&1 || status=$?
  echo "$status $(ls out 2>/dev/null || true)"
}
absent=$(try ''); empty=$(try '"version":"",'); number=$(try '"version":"100",')
echo "absent: $absent"; echo "empty:  $empty"; echo "\"100\":  $number"
made="0 org.example.menu_1.0.0_all.ipk"
[ "$absent" = "$made" ] && [ "$empty" = "$made" ] && [[ $number == 255* ]] || { echo "CHANGED"; exit 1; }
