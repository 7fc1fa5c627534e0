#!/usr/bin/env bash
# Mosquitto 2.0.11 grants a subscription that its acl_file forbids, and delivers nothing.
#
# Expected: SUBACK says that the subscription is refused: 0x80, in MQTT 5 0x87 "not authorized".
# Seen: both protocol versions get the granted QoS 1, and no message ever arrives; a client that may read gets it. A device with
# missing rights cannot be told from one for which there is no message.
set -euo pipefail
[ "$(dpkg --print-architecture 2>/dev/null)" != "" ] || { echo "needs a Debian machine"; exit 2; }
work=$(mktemp -d); broker=; trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT; cd "$work"
apt-get download mosquitto=2.0.11-1.2+deb12u2 libwrap0 libdlt2 libcjson1 >/dev/null 2>&1 || { echo "cannot download"; exit 2; }
for file in ./*.deb; do dpkg-deb -x "$file" root; done
npm init -y >/dev/null
npm install --no-audit --no-fund --silent mqtt@5.16.0 || { echo "cannot install"; exit 2; }
port=$((20000 + RANDOM % 20000))
printf 'user cloud\ntopic readwrite menu\nuser wall\ntopic read menu\nuser stranger\ntopic read other\n' > acl; chmod 600 acl
printf 'listener %s 127.0.0.1\nallow_anonymous true\nacl_file %s/acl\nuser %s\n' "$port" "$work" "$(id -un)" > broker.conf
lib=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
export LD_LIBRARY_PATH="root/usr/lib/$lib:root/lib/$lib"
root/usr/sbin/mosquitto -c broker.conf > broker.log 2>&1 & broker=$!
for _ in $(seq 100); do (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
cat > client.mjs <<'JS'
import mqtt from "mqtt";
const open = (username, protocolVersion) => mqtt.connectAsync(`mqtt://127.0.0.1:${process.argv[2]}`, { username, protocolVersion, reconnectPeriod: 0 });
for (const version of [4, 5]) {
  const cloud = await open("cloud", version);
  const [wall, stranger] = [await open("wall", version), await open("stranger", version)];
  const got = { wall: 0, stranger: 0 };
  wall.on("message", () => (got.wall += 1));
  stranger.on("message", () => (got.stranger += 1));
  const granted = {};
  for (const [name, client] of Object.entries({ wall, stranger })) {
    client.on("packetreceive", (packet) => packet.cmd === "suback" && (granted[name] = packet.granted ?? packet.reasonCodes));
    await client.subscribeAsync("menu", { qos: 1 });
  }
  for (let i = 0; i < 10; i++) await cloud.publishAsync("menu", "soup", { qos: 1 });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  for (const name of ["wall", "stranger"]) console.log(`version ${version}, ${name}: SUBACK ${granted[name]}, ${got[name]} of 10 messages`);
  for (const client of [cloud, wall, stranger]) client.end(true);
}
JS
said=$(node client.mjs "$port")
root/usr/sbin/mosquitto -h | head -n 1 || true
echo "$said"
[ "$said" = "version 4, wall: SUBACK 1, 10 of 10 messages
version 4, stranger: SUBACK 1, 0 of 10 messages
version 5, wall: SUBACK 1, 10 of 10 messages
version 5, stranger: SUBACK 1, 0 of 10 messages" ] || { echo "CHANGED"; exit 1; }
