#!/usr/bin/env bash
# @webos-tools/cli 3.2.1 cannot package a file whose name contains a letter outside ASCII.
#
# Expected: the picture is packaged, or rejected as the tool rejects other invalid input.
# Seen: exit 255 after an uncaught exception that asks for "english letters" and names the path inside the package. ASCII
# punctuation and spaces pass. A customer's player that works on every other panel cannot be packaged unchanged.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @webos-tools/cli@3.2.1 || { echo "cannot install"; exit 2; }
try() {
  rm -rf app out; mkdir -p app/pictures
  echo '{"id":"org.example.menu","version":"1.0.0","type":"web","main":"index.html","title":"Menu","icon":"icon.png"}' > app/appinfo.json
  echo '<!doctype html>' > app/index.html
  echo icon > app/icon.png
  echo picture > "app/pictures/$1"
  local status=0; node_modules/.bin/ares-package -n -o out app > said 2>&1 || status=$?
  echo "$status"
}
ascii=$(try 'Kase (mild) & Brot.jpg')
german=$(try 'Käse.jpg')
said=$(cat said)
echo "Kase (mild) & Brot.jpg: exit $ascii"; echo "Käse.jpg: exit $german: $said"
[ "$ascii $german" = "0 255" ] && [[ $said == *uncaughtException* ]] || { echo "CHANGED"; exit 1; }
