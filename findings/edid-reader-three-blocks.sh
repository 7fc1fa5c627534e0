#!/usr/bin/env bash
# edid-reader 0.4.0 rejects the EDID of a display that has two extension blocks.
#
# Expected: an EDID has 128 bytes plus as many blocks as its byte 126 says. Displays with DisplayID or a second CTA block have
# 384 bytes. The identity needs only the first block.
# Seen: 128 and 256 bytes are read; the same display with one more block fails with "Invalid Edid format". edid-decode finds nothing
# wrong with the length or the checksums.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get download edid-decode=0.1~git20220315.cb74358c2896-1 >/dev/null 2>&1 || { echo "cannot download"; exit 2; }
dpkg-deb -x ./edid-decode*.deb root
npm init -y >/dev/null
npm install --no-audit --no-fund --silent edid-reader@0.4.0 || { echo "cannot install"; exit 2; }
cat > read.cjs <<'JS'
const { writeFileSync } = require("node:fs");
const EdidReader = require("edid-reader");
const checked = (block) => {
  block[127] = (256 - (block.slice(0, 127).reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return block;
};
const text = (tag, words) => [0, 0, 0, tag, 0, ...Buffer.from(words.length < 13 ? `${words}\n`.padEnd(13) : words)];
/** A 1920x1080 display called WALL 55, and `extensions` CTA blocks that say nothing but their own length. */
function edid(extensions) {
  const base = Array(128).fill(0);
  [0, 255, 255, 255, 255, 255, 255, 0, 0x5a, 0x63, 0x34, 0x12, 1, 0, 0, 0, 10, 33, 1, 3, 0x80, 121, 68, 120, 0x0a].forEach((byte, at) => (base[at] = byte));
  for (let at = 38; at < 54; at += 1) base[at] = 1;
  [0x02, 0x3a, 0x80, 0x18, 0x71, 0x38, 0x2d, 0x40, 0x58, 0x2c, 0x45, 0, 0xba, 0x88, 0x42, 0, 0, 0x1e].forEach((byte, at) => (base[54 + at] = byte));
  text(0xfc, "WALL 55").forEach((byte, at) => (base[72 + at] = byte));
  text(0xff, "SN0001").forEach((byte, at) => (base[90 + at] = byte));
  [0, 0, 0, 0x10].forEach((byte, at) => (base[108 + at] = byte));
  base[126] = extensions;
  const cta = Array(128).fill(0);
  [2, 3, 4, 0].forEach((byte, at) => (cta[at] = byte));
  return [...checked(base), ...Array(extensions).fill(checked(cta)).flat()];
}
for (const extensions of [0, 1, 2]) {
  const bytes = edid(extensions);
  writeFileSync(`edid-${extensions}.bin`, Buffer.from(bytes));
  let said;
  try {
    said = EdidReader.parse(Buffer.from(bytes).toString("hex")).modelName.trim();
  } catch (error) {
    said = `refused: ${error.message}`;
  }
  console.log(`${bytes.length} bytes: ${said}`);
}
JS
seen=$(node read.cjs)
echo "edid-reader $(node -p 'require("edid-reader/package.json").version')"
echo "$seen"
root/usr/bin/edid-decode --check edid-2.bin | grep -i -E "checksum|length|size of" || true
[ "$seen" = $'128 bytes: WALL 55\n256 bytes: WALL 55\n384 bytes: refused: Invalid Edid format' ] || { echo "CHANGED"; exit 1; }
