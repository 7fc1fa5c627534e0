#!/usr/bin/env bash
# @webos-tools/cli 3.2.1 minifies every .js file with terser 4.8.0, which cannot parse syntax that panels support.
#
# Expected: code for a current webOS (Chromium 108 and later) is packaged.
# Seen: a single `?.` ends ares-package with exit 255 and "Failed to minify code"; `??` passes; with -n (no minifying) all pass.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @webos-tools/cli@3.2.1 || { echo "cannot install"; exit 2; }
echo "terser $(node -p 'require("terser/package.json").version')"
try() {
  rm -rf app out; mkdir app
  echo '{"id":"org.example.menu","version":"1.0.0","type":"web","main":"index.html","title":"Menu","icon":"icon.png"}' > app/appinfo.json
  echo '<!doctype html><script src="main.js"></script>' > app/index.html
  echo icon > app/icon.png
  echo "$2" > app/main.js
  local status=0; node_modules/.bin/ares-package $1 -o out app > said 2>&1 || status=$?
  echo "$2   ${1:-minified}: exit $status $(grep -o 'Failed to minify code' said || true)" >&2
  echo "$status"
}
chaining=$(try "" 'const tuner = window.webOS?.service; console.log(tuner);')
coalescing=$(try "" 'const tuner = window.webOS ?? null; console.log(tuner);')
plain=$(try "-n" 'const tuner = window.webOS?.service; console.log(tuner);')
[ "$chaining $coalescing $plain" = "255 0 0" ] || { echo "CHANGED"; exit 1; }
