/**
 * `npm run prove:kill -- --kills 1000 [--seed S] [--parallel 3] [--writes 0] [--writes-max W] [--scenario N]`: kills the
 * real agent at every durable write of each scenario and at random moments under load, and compares what it acknowledged
 * with what the cloud has.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { builtAgent } from "./harness/built-agent.ts";
import { campaignFolder } from "./harness/campaign-folder.ts";
import { ContentServer } from "./harness/content-server.ts";
import { campaignOptions, quantiles } from "./harness/options.ts";
import { ProofCloud } from "./harness/proof-cloud.ts";
import { killAtWrites, type WriteKillFigures } from "./kill/kill-at-writes.ts";
import { killSpoolAtWrites } from "./kill/kill-spool.ts";
import { runRandomKills, type KillFigures } from "./kill/random-kills.ts";
import { MIGRATION, SCENARIOS } from "./kill/scenarios.ts";

const USAGE =
  "prove:kill [--kills N at random moments] [--seed S] [--parallel P devices] [--writes 0: none at durable writes] [--writes-max W in a scenario (0: all)] [--scenario N]";
const { numbers, seed } = campaignOptions(USAGE, { kills: [1_000, 0], parallel: [3, 1], writes: [1, 0, 1], "writes-max": [0, 0], scenario: [0, 0, SCENARIOS.length + 1] });
const scenarios = [...SCENARIOS, MIGRATION].filter((_, index) => numbers.scenario === 0 || numbers.scenario === index + 1);
const folder = campaignFolder("vitrine-prove-kill-");
const startedMs = performance.now();
const built = await builtAgent();
folder.onEnd(() => built.dispose());
const cloud = await ProofCloud.start(join(folder.path, "a"));
const other = await ProofCloud.start(join(folder.path, "b"), { ownerKey: join(folder.path, "a", "owner-key.json") });
const contents = await ContentServer.start();
const { parallel } = numbers;
let violations = 0;

console.log(`prove:kill, seed ${seed}, ${numbers.kills} kills at random moments, ${parallel} devices at a time; ${cpus().length} × ${cpus()[0]?.model ?? "?"}`);
const random = numbers.kills === 0 ? 0 : await atRandom();
const randomS = seconds();
const atWrites = numbers.writes === 0 ? 0 : await everyWrite();
await cloud.dev.stop();
await other.dev.stop();
await contents.stop();
if (violations > 0) folder.keep();
console.log(`${random + atWrites} kills (${random} at random moments in ${randomS} s, ${atWrites} at durable writes in ${seconds() - randomS} s): ${violations} violations; seed ${seed}`);
process.exitCode = violations === 0 ? 0 : 1;

/** Runs each scenario twice, killing before and after the writes, on `parallel` devices at a time. */
async function everyWrite(): Promise<number> {
  const jobs = scenarios.flatMap((scenario) => (["before", "after"] as const).map((when) => ({ scenario, when })));
  const figures: WriteKillFigures[] = [];
  const spool = numbers.scenario === 0 ? [await killSpoolAtWrites()] : [];
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const made = await killAtWrites({ main: built.main, cloud, other, contents, ...job, writesMax: numbers["writes-max"] });
        figures.push(made);
        printWrites(made);
      }
    }),
  );
  for (const { kills, counted, violations: found } of spool) {
    console.log(`the player host's spool: ${counted} durable writes; killed before and after each: ${kills} kills`);
    complain(found);
  }
  for (const { name } of scenarios) {
    const [before, after] = (["before", "after"] as const).map((when) => figures.find((one) => one.scenario === name && one.when === when));
    console.log(`${name}: ${before?.counted.length ?? 0} durable writes (${sums(before?.counted ?? [])}); killed before ${before?.kills ?? 0} and after ${after?.kills ?? 0}`);
  }
  return [...figures, ...spool].reduce((sum, { kills }) => sum + kills, 0);
}

async function atRandom(): Promise<number> {
  const each = Math.ceil(numbers.kills / parallel);
  const runs = await Promise.all(
    Array.from({ length: parallel }, (_, index) =>
      runRandomKills({
        main: built.main, cloud, kills: each, seed: `${seed}-${index}`, lifeMsMax: 1_500, perSecond: 300, rebootEveryMs: 6_000, drainEvery: 50,
        progress: (text) => console.log(`${seconds()} s, device ${index}: ${text}`),
      }),
    ),
  );
  for (const run of runs) print(run);
  const sum = (of: (figures: KillFigures) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const starts = quantiles(runs.flatMap(({ ledger }) => ledger.startsMs));
  const { ledgers, verdicts } = { ledgers: runs.map(({ ledger }) => ledger), verdicts: runs.map(({ verdict }) => verdict) };
  console.log(
    `all devices: ${sum(({ ledger }) => ledger.kills)} kills, ${ledgers.reduce((total, { reboots }) => total + reboots, 0)} reboots; ` +
      `${sum(({ verdict }) => verdict.acknowledged)} records acknowledged, ${sum(({ verdict }) => verdict.stored)} stored, ${sum(({ verdict }) => verdict.twice)} twice; ` +
      `${sum(({ verdict }) => verdict.commands)} commands, ${sum(({ verdict }) => verdict.effects)} effects, at most ${Math.max(0, ...verdicts.map(({ effectsMost }) => effectsMost))} of one command; ` +
      `answers after its start p50 ${starts.p50}, p99 ${starts.p99}, at most ${starts.max} ms`,
  );
  return sum(({ ledger }) => ledger.kills);
}

function printWrites({ scenario, when, counted, kills, complete, violations: found, folders }: WriteKillFigures): void {
  console.log(`${seconds()} s, ${scenario}: ${counted.length} durable writes counted; killed ${when} each of ${kills}${complete ? "" : " (STOPPED THERE; it has more)"}`);
  if (!complete && numbers["writes-max"] === 0) complain([`${scenario}: its durable writes do not come to an end`]);
  complain(found);
  if (folders.length > 0) console.log(`  its files are kept in ${folders.join(", ")}`);
}

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

function complain(texts: readonly string[]): void {
  violations += texts.length;
  for (const text of texts.slice(0, 50)) console.log(`  VIOLATION ${text}`);
}

/** `commit journal.sqlite 4, fdatasync 2`. */
function sums(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 1_000);
}
