/** Small versions of the campaigns for every test run; `docs/proofs.md` has the large ones. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzzTarget } from "./fuzz/run-fuzz.ts";
import { fuzzTargets } from "./fuzz/targets.ts";
import { builtAgent, type BuiltAgent } from "./harness/built-agent.ts";
import { ContentServer } from "./harness/content-server.ts";
import { seeded } from "./harness/options.ts";
import { ProofCloud } from "./harness/proof-cloud.ts";
import { servePackage } from "./harness/sample-package.ts";
import { killAtWrites } from "./kill/kill-at-writes.ts";
import { killSpoolAtWrites } from "./kill/kill-spool.ts";
import { runRandomKills } from "./kill/random-kills.ts";
import { SCENARIOS } from "./kill/scenarios.ts";
import { runDamageCase } from "./storage/damage-case.ts";
import { copyData, makeTemplate } from "./storage/template.ts";

let folder = "";
let built: BuiltAgent;
let cloud: ProofCloud;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-prove-test-"));
  built = await builtAgent();
  cloud = await ProofCloud.start(folder);
});

afterAll(async () => {
  await cloud.dev.stop();
  built.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("an agent killed at random moments under load loses nothing and does nothing twice", { timeout: 60_000 }, async () => {
  const { ledger, verdict } = await runRandomKills({
    main: built.main, cloud, kills: 3, seed: "always", lifeMsMax: 700, perSecond: 200, rebootEveryMs: 60_000, drainEvery: 3, progress: () => undefined,
  });
  expect(verdict.violations).toEqual([]);
  expect(ledger.kills).toBeGreaterThanOrEqual(3);
  expect(verdict.acknowledged).toBeGreaterThan(0);
});

test("an agent killed at the first durable writes of a pulse makes at most one pulse and one outcome", { timeout: 60_000 }, async () => {
  const scenario = SCENARIOS.find(({ name }) => name === "gpio.pulse");
  if (scenario === undefined) throw new Error("the scenario is there");
  const contents = await ContentServer.start();
  const figures = await killAtWrites({ main: built.main, cloud, other: cloud, contents, scenario, when: "after", writesMax: 3 });
  await contents.stop();
  expect(figures).toMatchObject({ kills: 3, violations: [] });
  expect(figures.counted.length).toBeGreaterThan(3);
});

test("a player host killed at its first durable writes loses no play that it said it kept", { timeout: 60_000 }, async () => {
  const figures = await killSpoolAtWrites(3);
  expect(figures).toMatchObject({ kills: 6, violations: [] });
  expect(figures.counted).toBeGreaterThan(3);
});

test("an agent with damaged files starts, reports the damage, and keeps what is whole", { timeout: 120_000 }, async () => {
  const content = await servePackage();
  const template = await makeTemplate(built.main, cloud, "always", content);
  expect(template.waiting.size).toBeGreaterThan(50);
  // Current file formats: an outbox cut off at its end with a damaged spool, and a package with a missing file.
  for (const seed of ["lock-4", "always-1"]) {
    const { damage, violations } = await runDamageCase(template, cloud, seeded(seed));
    expect(violations, damage).toEqual([]);
  }
  // A case can fail: here by a record that never arrives.
  const sabotaged = { ...template, waiting: new Set([...template.waiting, "never-written"]) };
  expect((await runDamageCase(sabotaged, cloud, seeded("a scene"))).violations.join()).toContain("1 records are missing");
  // And by commands that the device no longer knows, although no damage excuses that.
  const forgetful = { ...template, folder: join(folder, "forgetful") };
  copyData(template.folder, forgetful.folder);
  for (const name of ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite.marks"]) rmSync(join(forgetful.folder, name), { force: true });
  const flagged = await runDamageCase(forgetful, cloud, seeded("b"));
  expect(flagged.damage).toContain("sent again");
  expect(flagged.violations.join()).toMatch(/had 2 effects.*has no outcome/);
  expect(flagged.said).toContain("storage.quarantined");
  template.rig.dispose();
  await content.stop();
});

test("thousands of hostile frames break no input gate", { timeout: 60_000 }, async () => {
  for (const target of await fuzzTargets()) expect(await fuzzTarget(target, Math.ceil(4_000 * target.share), seeded("always"))).toMatchObject({ violations: [] });
});
