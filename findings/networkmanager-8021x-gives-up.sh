#!/usr/bin/env bash
# NetworkManager 1.42.4: a cable that is refused by 802.1X once at the start is never tried again.
#
# Expected: another attempt when the authentication server is back; after a missing DHCP answer there is one after five minutes.
# Seen: a profile that connects by itself, with a certificate and a key without a password, stays "disconnected" for as long as this
# script watches (five and a half minutes) after hostapd accepts the certificate again. The reason is "Secrets were required, but not
# provided", although there is no secret to give. `nmcli connection up` then connects at once. After a power cut of a whole site, whose
# switches are up before their server, such machines stay offline. Takes about seven minutes.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "needs root and mmdebstrap"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1 || true)
mmdebstrap --quiet --variant=minbase --include=network-manager=1.42.4-1+deb12u1,wpasupplicant=2:2.10-12+deb12u3,hostapd=2:2.10-12+deb12u3,openssl,dbus,iproute2 \
  --aptopt='Apt::Install-Recommends "false"' bookworm "$work/root" ${archive:+"$archive"} >/dev/null 2>&1 || { echo "cannot install"; exit 2; }
cat > "$work/root/run.sh" <<'SH'
export LC_ALL=C.UTF-8
mount -t proc proc /proc; mount -t sysfs -o ro sysfs /sys; mount -t tmpfs tmpfs /run; mkdir /run/dbus /run/netns /pki; cd /pki; ip link set lo up
{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca
  for name in server client; do
    openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj /CN=$name
    openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem
  done
  ip netns add site; ip link add eth0 type veth peer name port; ip link set port netns site; ip -n site link set port up; ip link set eth0 up
} > /tmp/made 2>&1
printf '%s\n' interface=port driver=wired ieee8021x=1 use_pae_group_addr=0 eap_server=1 eap_user_file=/pki/users ca_cert=/pki/ca.pem server_cert=/pki/server.pem private_key=/pki/server.key > hostapd.conf
knows() {
  [ ! -e /run/hostapd.pid ] || { old=$(cat /run/hostapd.pid); kill "$old"; while kill -0 "$old" 2>/dev/null; do sleep 0.1; done; }
  echo "\"$1\" TLS" > users; ip netns exec site hostapd -B -P /run/hostapd.pid hostapd.conf > /tmp/hostapd 2>&1
}
state() { nmcli -g GENERAL.STATE device show eth0; }
until_state() { for _ in $(seq 600); do case $(state) in "$1"*) return;; esac; sleep 0.1; done; echo "never in state $1: $(state)"; exit 1; }
knows somebody-else
cat > /etc/NetworkManager/system-connections/cable.nmconnection <<'NM'
[connection]
id=cable
type=ethernet
interface-name=eth0
[802-1x]
eap=tls;
identity=client
ca-cert=/pki/ca.pem
client-cert=/pki/client.pem
private-key=/pki/client.key
private-key-password-flags=4
[ipv4]
method=manual
address1=192.0.2.5/24
NM
chmod 600 /etc/NetworkManager/system-connections/cable.nmconnection
dbus-daemon --system --fork --nopidfile; wpa_supplicant -u -B -f /tmp/wpa
NetworkManager --no-daemon > /tmp/log 2>&1 &
for _ in $(seq 300); do [ "$(nmcli -t -f RUNNING general 2>/dev/null)" = running ] && break; sleep 0.1; done
until_state 50; until_state 30; echo "refused: $(state)"
knows client; sleep 330; echo "the server accepts again: $(state)"
nmcli connection up cable > /tmp/up 2>&1 || cat /tmp/up /tmp/log >&2; echo "asked again: $(state)"
SH
said=$(timeout --kill-after=10 580 unshare --mount --net --pid --fork --kill-child chroot "$work/root" /bin/bash /run.sh 2>"$work/log") || true
chroot "$work/root" nmcli --version
echo "$said"
[ "$said" = "refused: 30 (disconnected)
the server accepts again: 30 (disconnected)
asked again: 100 (connected)" ] || { tail -n 5 "$work/log"; echo "CHANGED"; exit 1; }
