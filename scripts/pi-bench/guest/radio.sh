#!/bin/bash
# Gives the machine NetworkManager with a radio, wlan0; a site with networks on another in the namespace `site`; and a radio for a
# phone, phone0, in the namespace `phone`. All are the kernel's simulated radios, which hear each other.
set -euo pipefail
export LC_ALL=C.UTF-8
# What the packages' scripts would have done: on the card they are only unpacked.
for user in messagebus:201 dnsmasq:202; do
  echo "${user%:*}:x:${user#*:}:${user#*:}::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
  echo "${user%:*}:x:${user#*:}:" >> /etc/group
done
mkdir -p /run/dbus /run/NetworkManager /var/lib/NetworkManager /var/lib/misc /etc/NetworkManager/{system-connections,dnsmasq-shared.d}
cp /run/job/dnsmasq-setup.conf /etc/NetworkManager/dnsmasq-shared.d/vitrine-setup.conf

modprobe mac80211_hwsim radios=3
for name in site phone; do ip netns add $name; ip -n $name link set lo up; done
iw phy phy1 set netns name site
iw phy phy2 set netns name phone
ip -n phone link set wlan2 name phone0
mkdir -p /etc/netns/phone; echo 'nameserver 10.42.0.1' > /etc/netns/phone/resolv.conf

# All networks of the site but Silent are on one bridge, where a DHCP server and a web server answer.
site() { ip netns exec site "$@"; }
site ip link add br0 type bridge
site ip addr add 192.0.2.1/24 dev br0
site ip link set br0 up
cat > /tmp/hostapd.conf <<'CONF'
interface=wlan1
driver=nl80211
hw_mode=g
channel=1
beacon_int=200
ssid=Shop
bridge=br0
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase=right password

bss=wlan1_1
ssid2=42c3bc726f3a203120f09f9880
bridge=br0
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase=pass: word\1 'x'

bss=wlan1_2
ssid=Guests
bridge=br0

bss=wlan1_3
ssid=Home
bridge=br0
wpa=2
wpa_key_mgmt=SAE
ieee80211w=2
rsn_pairwise=CCMP
wpa_passphrase=right password

bss=wlan1_4
ssid=Silent
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase=right password
CONF
site hostapd -B -f /tmp/hostapd.log /tmp/hostapd.conf
site dnsmasq --no-ping --no-hosts --no-resolv --port=0 --interface=br0 --bind-interfaces --dhcp-range=192.0.2.100,192.0.2.150,1h --dhcp-authoritative --pid-file=/tmp/dnsmasq.pid --dhcp-leasefile=/tmp/leases
site busybox httpd -p 192.0.2.1:80 -h /tmp

# Read-only: then NetworkManager does not wait for udev.
mount -o remount,ro /sys
dbus-daemon --system --fork --nopidfile 2> /tmp/dbus.log
wpa_supplicant -u -B -f /tmp/wpa_supplicant.log
NetworkManager --no-daemon > /tmp/networkmanager.log 2>&1 < /dev/null &
for _ in $(seq 300); do nmcli -t -f DEVICE,STATE device 2> /dev/null | grep -q '^wlan0:disconnected$' && exit 0; sleep 0.2; done
echo "NetworkManager does not start, or not its radio" >&2; cat /tmp/networkmanager.log /tmp/hostapd.log >&2; exit 1
