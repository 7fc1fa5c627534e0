/**
 * `npm run prove:kill -- --kills 1000 [--seed S] [--writes-max 60] [--parallel 2]`: kills the real agent at every durable
 * write of each scenario and at random moments under load, and holds what it promised against what the cloud has.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { builtAgent } from "./harness/built-agent.ts";
import { campaignOptions, quantiles } from "./harness/options.ts";
import { ProofCloud } from "./harness/proof-cloud.ts";
import { killAtWrites } from "./kill/kill-at-writes.ts";
import { runRandomKills, type KillFigures } from "./kill/random-kills.ts";
import { MIGRATION, SCENARIOS } from "./kill/scenarios.ts";

const USAGE = "prove:kill [--kills N] [--seed S] [--parallel P] [--writes-max W (0: none)] [--scenario N]";
const { numbers, seed } = campaignOptions(USAGE, { kills: 1_000, parallel: 2, "writes-max": 60, scenario: 0 });
const scenarios = [...SCENARIOS, MIGRATION].filter((_, index) => numbers.scenario === 0 || numbers.scenario === index + 1);
const folder = mkdtempSync(join(tmpdir(), "vitrine-prove-cloud-"));
const built = await builtAgent();
const cloud = await ProofCloud.start(join(folder, "a"));
const other = await ProofCloud.start(join(folder, "b"), { ownerKey: join(folder, "a", "owner-key.json") });
let violations = 0;

function complain(texts: readonly string[]): void {
  violations += texts.length;
  for (const text of texts.slice(0, 50)) console.log(`  VIOLATION ${text}`);
}

console.log(`prove:kill, seed ${seed}, ${numbers.kills} kills at random moments on ${numbers.parallel} devices at a time; ${cpus().length} × ${cpus()[0]?.model ?? "?"}`);
let atWrites = 0;
if (numbers["writes-max"] > 0) {
  for (const scenario of scenarios) {
    for (const when of ["before", "after"] as const) {
      const figures = await killAtWrites({ main: built.main, cloud, other, scenario, when, writesMax: numbers["writes-max"] });
      atWrites += figures.kills;
      console.log(`${scenario.name}: killed ${when} each of ${figures.kills} durable writes${figures.complete ? "" : " (stopped there; it has more)"}`);
      complain(figures.violations);
    }
  }
}

const each = Math.ceil(numbers.kills / Math.max(1, numbers.parallel));
const runs = await Promise.all(
  Array.from({ length: numbers.kills === 0 ? 0 : numbers.parallel }, (_, index) =>
    runRandomKills({
      main: built.main, cloud, kills: each, seed: `${seed}-${index}`, lifeMsMax: 1_500, perSecond: 300, rebootEveryMs: 6_000, drainEvery: 50,
      progress: (text) => console.log(`device ${index}: ${text}`),
    }),
  ),
);
for (const run of runs) print(run);
await cloud.dev.stop();
await other.dev.stop();
built.dispose();
rmSync(folder, { recursive: true, force: true });
const random = runs.reduce((sum, { ledger }) => sum + ledger.kills, 0);
console.log(`${random + atWrites} kills (${atWrites} at durable writes, ${random} at random moments): ${violations} violations; seed ${seed}`);
process.exitCode = violations === 0 ? 0 : 1;

function print({ ledger, verdict, folder: kept }: KillFigures): void {
  const start = quantiles(ledger.startsMs);
  console.log(
    `${ledger.kills} kills, ${ledger.starts} starts, ${ledger.reboots} reboots; answers after its start within p50 ${start.p50}, p99 ${start.p99}, at most ${start.max} ms\n` +
      `  records: ${verdict.acknowledged} acknowledged, ${verdict.stored} stored, ${verdict.twice} twice, ${verdict.gapped} missing and named by gaps, ` +
      `${verdict.holes} numbers left out and named; ${verdict.refused} refused by the page's rate limit\n` +
      `  commands: ${verdict.commands}, ${verdict.effects} effects counted outside; ${Object.entries(verdict.states).map(([state, count]) => `${state} ${count}`).join(", ")}`,
  );
  complain(verdict.violations);
  if (verdict.violations.length > 0) console.log(`  its files are kept in ${kept}`);
}
