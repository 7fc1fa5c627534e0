/** `npm run prove:soak -- --days 7 [--seed S]`: the real core on real SQLite files through simulated days. */
import { cpus } from "node:os";
import { campaignFolder } from "./harness/campaign-folder.ts";
import { campaignOptions } from "./harness/options.ts";
import { startSoakDevice } from "./soak/soak-device.ts";
import { judgeSoak, soakDay, SOAK_LIMITS, type SoakDay } from "./soak/soak-week.ts";

const { numbers, seed } = campaignOptions("prove:soak [--days N] [--seed S]", { days: [7, 1] });
const { path: folder } = campaignFolder("vitrine-soak-");
console.log(`prove:soak, seed ${seed}, ${numbers.days} days; ${cpus().length} × ${cpus()[0]?.model ?? "?"}`);
const device = await startSoakDevice(folder, seed);
const days: SoakDay[] = [];
for (let day = 1; day <= numbers.days; day += 1) {
  const startMs = performance.now();
  const figures = await soakDay(device, day, folder);
  days.push(figures);
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
  console.log(
    `day ${day}: heap ${mb(figures.heapBytes)} MB, files ${mb(figures.fileBytes)} MB, written ${mb(figures.flashBytes)} MB, ${figures.timers} timers, ${figures.handles} handles ` +
      `(${((performance.now() - startMs) / 1_000).toFixed(0)} s)`,
  );
  // Claimed by now.
  if (day === 1) scheduleIt();
}
const { heapSlopeBytesPerDay, violations } = judgeSoak(days);
const { offered, stored, refused } = device.plays;
console.log(`plays: ${offered} offered, ${stored} on disk, ${refused} refused; cloud stored ${device.cloud.context.counters.recordsStored} records`);
console.log(`heap slope ${Math.round(heapSlopeBytesPerDay)} bytes a day; limits ${JSON.stringify(SOAK_LIMITS)}`);
for (const text of violations) console.log(`  VIOLATION ${text}`);
await device.stop();
console.log(`${violations.length} violations; seed ${seed}`);
process.exit(violations.length === 0 ? 0 : 1);

function scheduleIt(): void {
  const row = device.cloud.context.store.device(device.deviceId);
  if (row === undefined) throw new Error("the device is not known to the cloud after a day");
  const done = device.cloud.desired.put(row, {
    display: { power: "schedule" }, audio: { volume: 30 },
    schedule: { timeZone: "Europe/Berlin", weekly: [{ days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], on: "07:30", off: "22:00" }] },
  });
  if (!done.ok) throw new Error(done.error.message);
}
