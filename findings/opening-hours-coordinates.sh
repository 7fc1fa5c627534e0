#!/usr/bin/env bash
# opening_hours 3.15.0 ignores coordinates that are numbers, which is the type that it declares for them.
#
# Expected: with `{ lat: 52.52, lon: 13.4, … }`, as its TypeScript declarations say, sunrise is the sunrise of that place.
# Seen: sunrise and sunset are 06:00 and 18:00 on every day of the year, the values for a missing place, without an error or a warning.
# With the same coordinates as strings, they are right. Screens that are dimmed at sunset are wrong by hours in winter.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent opening_hours@3.15.0 suncalc@2.0.2 || { echo "cannot install"; exit 2; }
cat > ask.cjs <<'JS'
const OpeningHours = require("opening_hours");
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
function daylight(lat, lon, month) {
  const hours = new OpeningHours("sunrise-sunset", { lat, lon, address: { country_code: "de", state: "Berlin" } });
  const [[from, to]] = hours.getOpenIntervals(new Date(2026, month, 20), new Date(2026, month, 21));
  return `${time.format(from)} to ${time.format(to)}, ${hours.getWarnings().length} warnings`;
}
for (const [month, name] of [[5, "June"], [11, "December"]]) {
  console.log(`${name}, numbers: ${daylight(52.52, 13.4, month)}`);
  console.log(`${name}, strings: ${daylight("52.52", "13.4", month)}`);
}
JS
seen=$(TZ=Europe/Berlin node ask.cjs)
declared=$(grep -E '^ *(lat|lon): ' node_modules/opening_hours/types/index.d.ts | sed 's/^ *//' | paste -s -d ' ')
echo "opening_hours $(node -p 'require("opening_hours/package.json").version'), declares $declared"
echo "$seen"
[ "$declared" = "lat: number lon: number" ] && [ "$seen" = "June, numbers: 06:00 to 18:00, 0 warnings
June, strings: 04:42 to 21:33, 0 warnings
December, numbers: 06:00 to 18:00, 0 warnings
December, strings: 08:14 to 15:53, 0 warnings" ] || { echo "CHANGED"; exit 1; }
