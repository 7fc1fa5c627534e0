#!/usr/bin/env bash
# node-schedule 2.1.1 runs a daily job on different days, depending on whether its time is a rule or a cron expression.
#
# Expected: `{ hour: 2, minute: 30, tz }` and `30 2 * * *` with the same zone mean the same times.
# Seen: when the clocks go forward, the rule has no run on that day and the expression runs at 03:30. When they go back, the rule
# runs twice and the expression once. A daily restart or download that is planned by rule is left out in spring and repeated in autumn.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node-schedule@2.1.1 cron-parser@4.9.0 || { echo "cannot install"; exit 2; }
cat > ask.cjs <<'JS'
const schedule = require("node-schedule");
const tz = "Europe/Berlin";
const plans = { rule: { hour: 2, minute: 30, second: 0, tz }, cron: "30 2 * * *" };
const local = new Intl.DateTimeFormat("en-GB", { timeZone: tz, day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "shortOffset" });
// The day before the change of 2037 and the three next runs of each plan.
for (const noon of ["2037-03-28T12:00:00Z", "2037-10-24T12:00:00Z"]) {
  for (const [name, rule] of Object.entries(plans)) {
    const runs = [];
    for (let start = new Date(noon); runs.length < 3; start = new Date(start.getTime() + 1000)) {
      const job = schedule.scheduleJob({ start, rule, tz }, () => undefined);
      start = new Date(job.nextInvocation().getTime());
      job.cancel();
      runs.push(local.format(start).replace(",", ""));
    }
    console.log(`${name}: ${runs.join(", ")}`);
  }
}
JS
seen=$(node ask.cjs)
echo "node-schedule $(node -p 'require("node-schedule/package.json").version')"
echo "$seen"
[ "$seen" = "rule: 30 Mar 02:30 GMT+2, 31 Mar 02:30 GMT+2, 01 Apr 02:30 GMT+2
cron: 29 Mar 03:30 GMT+2, 30 Mar 02:30 GMT+2, 31 Mar 02:30 GMT+2
rule: 25 Oct 02:30 GMT+2, 25 Oct 02:30 GMT+1, 26 Oct 02:30 GMT+1
cron: 25 Oct 02:30 GMT+2, 26 Oct 02:30 GMT+1, 27 Oct 02:30 GMT+1" ] || { echo "CHANGED"; exit 1; }
