/** The campaigns in small, so that every test run has them; `docs/proofs.md` has the large ones. */
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

test("killed at random moments under load, the agent loses nothing and does nothing twice", { timeout: 60_000 }, async () => {
  const { ledger, verdict } = await runRandomKills({
    main: built.main, cloud, kills: 3, seed: "always", lifeMsMax: 700, perSecond: 200, rebootEveryMs: 60_000, drainEvery: 3, progress: () => undefined,
  });
  expect(verdict.violations).toEqual([]);
  expect(ledger.kills).toBeGreaterThanOrEqual(3);
  expect(verdict.acknowledged).toBeGreaterThan(0);
});

test("killed at its first durable writes of a pulse, there is at most one pulse and one outcome", { timeout: 60_000 }, async () => {
  const scenario = SCENARIOS.find(({ name }) => name === "gpio.pulse");
  if (scenario === undefined) throw new Error("the scenario is there");
  const contents = await ContentServer.start();
  const figures = await killAtWrites({ main: built.main, cloud, other: cloud, contents, scenario, when: "after", writesMax: 3 });
  await contents.stop();
  expect(figures).toMatchObject({ kills: 3, violations: [] });
  expect(figures.counted.length).toBeGreaterThan(3);
});

test("killed at its first durable writes, the player host's spool loses no play it was told is kept", { timeout: 60_000 }, async () => {
  const figures = await killSpoolAtWrites(3);
  expect(figures).toMatchObject({ kills: 6, violations: [] });
  expect(figures.counted).toBeGreaterThan(3);
});

test("damaged files: it starts, says so, and keeps what was whole", { timeout: 120_000 }, async () => {
  const content = await servePackage();
  const template = await makeTemplate(built.main, cloud, "always", content);
  expect(template.waiting.size).toBeGreaterThan(50);
  // As the files are today: a queue cut off at its end beside a damaged spool, and a package with a file missing.
  for (const seed of ["lock-4", "always-1"]) {
    const { damage, violations } = await runDamageCase(template, cloud, seeded(seed));
    expect(violations, damage).toEqual([]);
  }
  // And a case can fail: here by a record that nobody brings.
  const sabotaged = { ...template, waiting: new Set([...template.waiting, "never-written"]) };
  expect((await runDamageCase(sabotaged, cloud, seeded("a scene"))).violations.join()).toContain("1 records are missing");
  // And by commands of which the device knows nothing more, as nobody was told to expect.
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

test("some thousands of hostile frames at every gate", { timeout: 60_000 }, async () => {
  for (const target of await fuzzTargets()) expect(await fuzzTarget(target, Math.ceil(4_000 * target.share), seeded("always"))).toMatchObject({ violations: [] });
});
