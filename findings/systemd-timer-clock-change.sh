#!/usr/bin/env bash
# systemd 252: calendar timers leave out runs when the clocks change.
#
# Expected: a daily timer at 02:30 runs on each day, as cron's does, and one at each full and half hour runs every 30 minutes.
# Seen: in Europe/Berlin, the daily timer does not run at all on the day on which 02:30 does not exist. In autumn the half-hourly timer
# rests for 90 minutes: the second pass of the repeated hour is left out. In spring it keeps its 30 minutes. The manuals of timers
# and of calendar events say nothing about it. What must happen every day should not be planned between 1 and 3 o'clock.
set -euo pipefail
[ "$(dpkg --print-architecture 2>/dev/null)" != "" ] || { echo "needs a Debian machine"; exit 2; }
[ -e /usr/share/zoneinfo/Europe/Berlin ] || { echo "needs the time zones of the package tzdata"; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get download systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 >/dev/null 2>&1 || { echo "cannot download"; exit 2; }
for file in ./*.deb; do dpkg-deb -x "$file" root; done
lib=$(find root -name 'libsystemd-shared-252.so' -printf '%h\n' | head -n 1)
analyze() { TZ=UTC LC_ALL=C LD_LIBRARY_PATH=$lib root/usr/bin/systemd-analyze "$@"; }
# When EXPRESSION elapses after TIME: the first COUNT times, in UTC.
times() { analyze calendar --iterations="$3" --base-time="$1" "$2" | sed -n -E 's/^ *(Next elapse|Iter\. #[0-9]+): [A-Z][a-z]+ [0-9]{4}-([0-9-]+ [0-9:]{5}).*/\2/p' | paste -s -d ',' ; }
spring=$(times "2026-03-28 00:00:00 UTC" "*-*-* 02:30:00 Europe/Berlin" 3)
autumn=$(times "2026-10-24 23:45:00 UTC" "*-*-* *:00,30:00 Europe/Berlin" 4)
halves=$(times "2026-03-29 00:15:00 UTC" "*-*-* *:00,30:00 Europe/Berlin" 4)
analyze --version | head -n 1
echo "02:30 each day in spring: $spring"
echo "each half hour in autumn: $autumn"
echo "each half hour in spring: $halves"
[ "$spring" = "03-28 01:30,03-30 00:30,03-31 00:30" ] && [ "$autumn" = "10-25 00:00,10-25 00:30,10-25 02:00,10-25 02:30" ] &&
  [ "$halves" = "03-29 00:30,03-29 01:00,03-29 01:30,03-29 02:00" ] || { echo "CHANGED"; exit 1; }
