#!/usr/bin/env bash
# Mosquitto 2.0.11 with persistence on acknowledges messages before they are on disk.
#
# Expected: an acknowledged QoS 1 message for a subscriber with a persistent session survives the broker's process.
# Seen: 900 of 900 were acknowledged, the broker was killed and started again: 0 delivered, and the session itself is gone
# ("session present" 0). By default the file is written every 1800 s and at a clean shutdown. A sender must therefore keep its
# messages until they are acknowledged end to end.
set -euo pipefail
[ "$(dpkg --print-architecture 2>/dev/null)" != "" ] || { echo "needs a Debian machine"; exit 2; }
work=$(mktemp -d); broker=; trap '[ -z "$broker" ] || kill -9 "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT; cd "$work"
apt-get download mosquitto=2.0.11-1.2+deb12u2 libwrap0 libdlt2 libcjson1 >/dev/null 2>&1 || { echo "cannot download"; exit 2; }
for file in ./*.deb; do dpkg-deb -x "$file" root; done
npm init -y >/dev/null
npm install --no-audit --no-fund --silent mqtt@5.16.0 || { echo "cannot install"; exit 2; }
port=$((20000 + RANDOM % 20000))
printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nmax_queued_messages 10000\nuser %s\n' "$port" "$work" "$(id -un)" > broker.conf
lib=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
start() { LD_LIBRARY_PATH="root/usr/lib/$lib:root/lib/$lib" root/usr/sbin/mosquitto -c broker.conf >> broker.log 2>&1 & broker=$!; for _ in $(seq 100); do (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null && return; sleep 0.1; done; cat broker.log; exit 2; }
cat > client.mjs <<'JS'
import mqtt from "mqtt";
const [port, step] = process.argv.slice(2);
const open = (clientId, clean) => mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId, clean, protocolVersion: 5, reconnectPeriod: 0, properties: { sessionExpiryInterval: 86400 } });
if (step === "before") {
  const wall = await open("wall", false);
  await wall.subscribeAsync("menu", { qos: 1 });
  await wall.endAsync();
  const cloud = await open("cloud", true);
  let acknowledged = 0;
  for (let i = 0; i < 900; i++) { await cloud.publishAsync("menu", String(i), { qos: 1 }); acknowledged += 1; }
  await cloud.endAsync();
  console.log(acknowledged);
} else {
  let got = 0;
  const wall = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: "wall", clean: false, protocolVersion: 5, reconnectPeriod: 0, properties: { sessionExpiryInterval: 86400 } });
  wall.on("message", () => (got += 1));
  const present = await new Promise((resolve) => wall.once("connect", ({ sessionPresent }) => resolve(sessionPresent)));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  wall.end(true);
  console.log(`${got} ${present}`);
}
JS
start; acknowledged=$(node client.mjs "$port" before)
kill -9 "$broker"; wait "$broker" 2>/dev/null || true
start; after=$(node client.mjs "$port" after)
kill -9 "$broker"; wait "$broker" 2>/dev/null || true; broker=
LD_LIBRARY_PATH="root/usr/lib/$lib:root/lib/$lib" root/usr/sbin/mosquitto -h | head -n 1 || true
echo "acknowledged: $acknowledged; after the kill, delivered and session present: $after"
[ "$acknowledged" = 900 ] && [ "$after" = "0 false" ] || { echo "CHANGED"; exit 1; }
