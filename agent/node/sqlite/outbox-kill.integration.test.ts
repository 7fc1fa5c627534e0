import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runKillCampaign } from "./testing/kill-campaign.ts";

/** Number of kills in a normal run; a campaign sets more. */
const KILLS = Number(process.env["VITRINE_KILLS"] ?? 25);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "vitrine-kill-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test(`over ${KILLS} kills under load, no accepted record is lost and no number is used twice`, { timeout: 60_000 + KILLS * 3_000 }, async () => {
  const report = await runKillCampaign({ folder, kills: KILLS, seed: "kill", capBytes: 64 * 1024 * 1024, lifeMsMax: 250 });
  expect(report.faults).toEqual([]);
  expect(report.incidents).toEqual([]);
  expect(report.accepted).toBeGreaterThan(KILLS * 10);
  expect(report.acknowledged).toBeGreaterThan(0);
});

test("over as many kills at the cap, where every write must make room first", { timeout: 60_000 + KILLS * 3_000 }, async () => {
  const capBytes = 4 * 1024 * 1024;
  const report = await runKillCampaign({ folder, kills: Math.ceil(KILLS / 3), seed: "cap", capBytes, lifeMsMax: 1_500 });
  expect(report.faults).toEqual([]);
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(bytes).toBeLessThanOrEqual(capBytes);
});
