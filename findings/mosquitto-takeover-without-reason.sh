#!/usr/bin/env bash
# Mosquitto 2.0.11 disconnects an MQTT 5 client without a reason when another client takes over its id.
#
# Expected (MQTT 5.0, section 3.1.4): the old connection gets DISCONNECT with reason 0x8E, "Session taken over".
# Seen on the wire: the connection ends and nothing is sent before. A cloned card looks like a bad connection, and
# two such devices disconnect each other forever.
set -euo pipefail
work=$(mktemp -d); broker=; trap '[ -z "$broker" ] || kill -9 "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT; cd "$work"
apt-get download mosquitto=2.0.11-1.2+deb12u2 libwrap0 libdlt2 libcjson1 >/dev/null 2>&1 || { echo "cannot download"; exit 2; }
for file in ./*.deb; do dpkg-deb -x "$file" root; done
port=$((20000 + RANDOM % 20000))
printf 'listener %s 127.0.0.1\nallow_anonymous true\nuser %s\n' "$port" "$(id -un)" > broker.conf
lib=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
LD_LIBRARY_PATH="root/usr/lib/$lib:root/lib/$lib" root/usr/sbin/mosquitto -c broker.conf > broker.log 2>&1 & broker=$!
for _ in $(seq 100); do (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
cat > raw.mjs <<'JS'
import { connect } from "node:net";
const port = Number(process.argv[2]);
const id = Buffer.from("wall-17");
// CONNECT, protocol level 5, clean start, keep-alive 60 s, session expiry 600 s.
const properties = Buffer.from([0x11, 0, 0, 2, 88]);
const variable = Buffer.concat([Buffer.from([0, 4]), Buffer.from("MQTT"), Buffer.from([5, 2, 0, 60, properties.length]), properties, Buffer.from([0, id.length]), id]);
const packet = Buffer.concat([Buffer.from([0x10, variable.length]), variable]);
const open = () => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1", () => socket.write(packet));
  const seen = { bytes: Buffer.alloc(0), ended: new Promise((done) => socket.once("close", done)) };
  socket.on("data", (chunk) => { seen.bytes = Buffer.concat([seen.bytes, chunk]); if (seen.bytes[0] === 0x20 && seen.bytes.length >= 2 + seen.bytes[1]) resolve({ socket, seen, connack: 2 + seen.bytes[1] }); });
});
const first = await open();
const second = await open();
await Promise.race([first.seen.ended, new Promise((_, reject) => setTimeout(() => reject(new Error("the first is still connected")), 5000))]);
console.log(`CONNACK reason ${first.seen.bytes[3]}; bytes between CONNACK and the end: "${first.seen.bytes.subarray(first.connack).toString("hex")}"`);
second.socket.destroy();
JS
said=$(node raw.mjs "$port")
LD_LIBRARY_PATH="root/usr/lib/$lib:root/lib/$lib" root/usr/sbin/mosquitto -h | head -n 1 || true
echo "$said"
[ "$said" = 'CONNACK reason 0; bytes between CONNACK and the end: ""' ] || { echo "CHANGED"; exit 1; }
