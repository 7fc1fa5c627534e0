#!/usr/bin/env bash
# pjlink 0.2.8 returns only the first word of a display's name.
#
# Expected: the callback gets the name that the display answers; the PJLink specification allows spaces in it.
# Seen: the answer is split at each space and the parts become further arguments: `(error, name)` gets "Room" for "Room 4 left".
# The manufacturer's name is split in the same way; the model's is joined again.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent pjlink@0.2.8 || { echo "cannot install"; exit 2; }
cat > ask.cjs <<'JS'
const { createServer } = require("node:net");
const PJLink = require("pjlink");
const answers = { NAME: "Room 4 left", INF1: "Bright Walls", INF2: "BW 75 X" };
const server = createServer((socket) => {
  socket.write("PJLINK 0\r");
  socket.on("data", (data) => {
    const name = String(data).slice(2, 6);
    socket.write(`%1${name}=${answers[name]}\r`);
  });
});
server.listen(0, "127.0.0.1", () => {
  const display = new PJLink({ host: "127.0.0.1", port: server.address().port });
  display.getName((failed, name) => {
    console.log(`name: ${failed ?? name}`);
    display.getManufacturer((failed, maker) => {
      console.log(`manufacturer: ${failed ?? maker}`);
      display.getModel((failed, model) => {
        console.log(`model: ${failed ?? model}`);
        process.exit(0);
      });
    });
  });
});
JS
seen=$(timeout 20 node --no-deprecation ask.cjs)
echo "pjlink $(node -p 'require("pjlink/package.json").version')"
echo "$seen"
[ "$seen" = $'name: Room\nmanufacturer: Bright\nmodel: BW 75 X' ] || { echo "CHANGED"; exit 1; }
