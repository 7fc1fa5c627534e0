#!/usr/bin/env bash
# pjlink 0.2.8 treats each chunk of a TCP stream as a whole answer.
#
# Expected: an answer ends with its carriage return, however the network splits it; LAN-to-serial bridges send byte by byte.
# Seen: an answer that arrives in two chunks fails with "Command reply mismatch". Its second chunk is taken as the answer to the
# next question, which fails as well although the display answers it correctly.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent pjlink@0.2.8 || { echo "cannot install"; exit 2; }
cat > ask.cjs <<'JS'
const { createServer } = require("node:net");
const PJLink = require("pjlink");
const answers = { POWR: "1", CLSS: "1" };
const pause = () => new Promise((done) => setTimeout(done, 200));
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.write("PJLINK 0\r");
  // Answers are sent in order, each in two chunks.
  let sent = Promise.resolve();
  socket.on("data", (data) => {
    const name = String(data).slice(2, 6);
    const answer = `%1${name}=${answers[name]}\r`;
    sent = sent.then(async () => {
      socket.write(answer.slice(0, 4));
      await pause();
      socket.write(answer.slice(4));
      await pause();
    });
  });
});
server.listen(0, "127.0.0.1", () => {
  const display = new PJLink({ host: "127.0.0.1", port: server.address().port });
  display.getPowerState((failed, state) => console.log(`power: ${failed?.message ?? state}`));
  display.getClass((failed, value) => {
    console.log(`class: ${failed?.message ?? value}`);
    process.exit(0);
  });
});
JS
seen=$(timeout 20 node --no-deprecation ask.cjs)
echo "pjlink $(node -p 'require("pjlink/package.json").version')"
echo "$seen"
[ "$seen" = $'power: Command reply mismatch\nclass: Command reply mismatch' ] || { echo "CHANGED"; exit 1; }
