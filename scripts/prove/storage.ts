/**
 * `npm run prove:storage -- --cases 1000 [--seed S] [--parallel 2]`: damages the real agent's files at random places, starts
 * it and the real player host on them, makes its disk full, read-only and slow, and judges what it does. Removes its mounts
 * and files however it ends. `--first N --cases 1` with the seed of a run repeats its case N; `--list 1` prints every case.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { builtAgent } from "./harness/built-agent.ts";
import { campaignFolder } from "./harness/campaign-folder.ts";
import { campaignOptions, quantiles, seeded } from "./harness/options.ts";
import { ProofCloud } from "./harness/proof-cloud.ts";
import { servePackage } from "./harness/sample-package.ts";
import { runDamageCase, type DamageCase } from "./storage/damage-case.ts";
import { runDisks } from "./storage/disks.ts";
import { makeTemplate } from "./storage/template.ts";

const { numbers, seed } = campaignOptions("prove:storage [--cases N] [--seed S] [--parallel P] [--disks 0|1] [--list 0|1] [--first N]", {
  cases: [1_000, 1], parallel: [2, 1], disks: [1, 0, 1], list: [0, 0, 1], first: [0, 0],
});
const folder = campaignFolder("vitrine-storage-");
const built = await builtAgent();
folder.onEnd(() => built.dispose());
const cloud = await ProofCloud.start(join(folder.path, "cloud"));
const content = await servePackage();
console.log(`prove:storage, seed ${seed}, ${numbers.cases} cases; ${cpus().length} × ${cpus()[0]?.model ?? "?"}`);
let violations = 0;
const cases: DamageCase[] = [];

async function worker(index: number): Promise<void> {
  const template = await makeTemplate(built.main, cloud, `s${index}`, content);
  console.log(`device ${index}: ${template.waiting.size} records wait in its queue, ${template.spooled.size} with its player host`);
  for (let n = numbers.first + index; n < numbers.first + numbers.cases; n += numbers.parallel) {
    const done = await runDamageCase(template, cloud, seeded(`${seed}-case-${n}`));
    cases.push(done);
    if (numbers.list === 1) console.log(`  case ${n}: ${done.damage}; ${Math.round(done.tookMs)} ms; missing ${done.missing}; said ${done.said.join(", ") || "nothing"}`);
    for (const text of done.violations) {
      violations += 1;
      console.log(`  VIOLATION case ${n}, ${done.damage}: ${text} (said: ${done.said.join(", ") || "nothing"})`);
    }
    if (cases.length % 100 === 0) console.log(`${cases.length} cases, ${violations} violations`);
  }
  template.rig.dispose();
}

await Promise.all(Array.from({ length: numbers.parallel }, (_, index) => worker(index)));
console.log(summary(cases));
if (numbers.disks === 1) violations += await runDisks(built.main, cloud);
await content.stop();
await cloud.dev.stop();
console.log(`${violations} violations; seed ${seed}`);
process.exitCode = violations === 0 ? 0 : 1;

function summary(done: readonly DamageCase[]): string {
  const start = quantiles(done.map(({ startMs }) => startMs));
  const took = quantiles(done.map(({ tookMs }) => tookMs));
  const lossy = done.filter(({ missing }) => missing > 0);
  const lost = quantiles(lossy.map(({ missing }) => missing));
  const byArea = new Map<string, number>();
  for (const { area } of done) for (const one of area.split("+")) byArea.set(one, (byArea.get(one) ?? 0) + 1);
  return [
    `${done.length} damaged starts: answers within p50 ${start.p50}, p99 ${start.p99}, at most ${start.max} ms; a case takes p50 ${took.p50}, at most ${took.max} ms`,
    `  records lost in ${lossy.length} of them (p50 ${lost.p50}, at most ${lost.max}), all counted by gaps in ${lossy.filter(({ uncounted }) => uncounted === 0).length}, else told by an alarm`,
    `  picture back in ${done.filter(({ picture }) => picture).length}; something said in ${done.filter(({ said }) => said.length > 0).length}; another device after both keys were hurt in ${done.filter(({ sameDevice }) => !sameDevice).length}`,
    `  hits: ${[...byArea].sort((a, b) => b[1] - a[1]).map(([area, count]) => `${area} ${count}`).join(", ")}`,
  ].join("\n");
}
