#!/usr/bin/env bash
# NATS 2.9.10 closes the connection of an MQTT client that publishes with QoS 2, and MQTT.js 5.16.0 never reports it.
#
# Expected: CONNACK states a "maximum QoS", or the publish is refused; the client's promise settles either way.
# Seen: the server closes the connection; the promise of the publish stays pending (watched for 8 s) without an error. With
# QoS 1 the same publish is acknowledged at once.
set -euo pipefail
work=$(mktemp -d); server=; trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT; cd "$work"
apt-get download nats-server=2.9.10-1+b3 >/dev/null 2>&1 || { echo "cannot download"; exit 2; }
dpkg-deb -x ./nats-server*.deb root
npm init -y >/dev/null
npm install --no-audit --no-fund --silent mqtt@5.16.0 || { echo "cannot install"; exit 2; }
port=$((20000 + RANDOM % 20000))
printf 'server_name: finding\nlisten: "127.0.0.1:%s"\njetstream: { store_dir: "%s/js" }\nmqtt: { host: "127.0.0.1", port: %s }\n' "$((port + 1))" "$work" "$port" > server.conf
root/usr/sbin/nats-server -c server.conf > server.log 2>&1 & server=$!
for _ in $(seq 100); do (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
cat > client.mjs <<'JS'
import mqtt from "mqtt";
const port = process.argv[2];
async function publish(qos) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: `wall-${qos}`, protocolVersion: 4, reconnectPeriod: 0 });
  let closed = false;
  client.on("close", () => (closed = true));
  client.on("error", () => undefined);
  const outcome = client.publishAsync("menu/today", "soup", { qos }).then(() => "acknowledged", (error) => `failed: ${error.message}`);
  const said = await Promise.race([outcome, new Promise((done) => setTimeout(() => done("no callback in 8 s"), 8000))]);
  const line = `QoS ${qos}: ${said}, connection ${closed ? "closed" : "open"}`;
  client.end(true);
  return line;
}
console.log(await publish(1));
console.log(await publish(2));
process.exit(0);
JS
said=$(node client.mjs "$port")
root/usr/sbin/nats-server --version
echo "$said"
[ "$said" = $'QoS 1: acknowledged, connection open\nQoS 2: no callback in 8 s, connection closed' ] || { echo "CHANGED"; exit 1; }
