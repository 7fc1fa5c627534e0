/** `npm run pi:bench`: runs the hardware suites on an emulated Raspberry Pi against the kernel's real drivers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { thisMachine } from "../setup/machine.ts";
import { boot } from "./boot.ts";
import { openCard } from "./card/card.ts";
import { readTap, type SuiteResult } from "./tap.ts";

const SUITES = ["gpio", "edges", "cec"] as const;
const FIGURES = "figures";
const SUITE_LIMIT_MS = 5 * 60_000;
const ROOT = resolve(import.meta.dirname, "../..");
const HERE = import.meta.dirname;

const USAGE = `npm run pi:bench [-- --only ${[...SUITES, FIGURES].join(",")}]`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const asked = values.only === undefined ? [...SUITES, FIGURES] : values.only.split(",");
  const unknown = asked.filter((name) => name !== FIGURES && !(SUITES as readonly string[]).includes(name));
  if (unknown.length > 0) {
    console.error(`There is no suite ${unknown.join(", ")}. Usage: ${USAGE}`);
    return 2;
  }
  const work = join(ROOT, ".vitrine", "pi-bench");
  mkdirSync(join(work, "cards"), { recursive: true });
  const card = await openCard({ machine: thisMachine, cacheDir: join(work, "cards"), nodeVersion: installedVersion("node"), koffiVersion: installedVersion("koffi") });
  if (!card.ok) {
    console.error(`${card.error.message} ${card.error.hint ?? ""} (${card.error.code})`);
    return 1;
  }
  let [passed, failed] = [0, 0];
  for (const suite of asked.filter((name) => name !== FIGURES)) {
    const consolePath = join(work, `${suite}.log`);
    const result = readTap(await runGuest(suite, card.value, consolePath));
    report(suite, result, consolePath);
    passed += result.passed;
    failed += result.failures.length + (result.complete ? 0 : 1);
  }
  if (asked.includes(FIGURES)) failed += await printFigures(card.value, work);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Runs one of the guest's programs and returns what the machine printed. */
async function runGuest(suite: string, card: string, consolePath: string): Promise<string> {
  const jobDir = mkdtempSync(join(tmpdir(), "pi-job-"));
  try {
    await bundle(suite, join(jobDir, "suite.mjs"));
    await cp(join(HERE, "guest", "job.sh"), join(jobDir, "job.sh"));
    const { console } = await boot({ machine: suite === "edges" ? "virt" : "raspi3b", card, jobDir, limitMs: SUITE_LIMIT_MS, consolePath });
    return console;
  } finally {
    rmSync(jobDir, { recursive: true, force: true });
  }
}

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string;
  readonly peerValue: number;
  readonly ratio: number;
  readonly target: number;
}

/** Prints the figures; returns how many could not be measured (0 or 1). A target that is not reached is no failure. */
async function printFigures(card: string, work: string): Promise<0 | 1> {
  const consolePath = join(work, "figures.log");
  const output = await runGuest(FIGURES, card, consolePath);
  const figures = [...output.matchAll(/^#FIGURE (.*)$/gm)].map(([, text = ""]) => JSON.parse(text) as Figure);
  console.log("\nfigure | value | peer in the same run | ratio | target");
  for (const { name, value, unit, peer, peerValue, ratio, target } of figures) {
    console.log(`${name} | ${value.toFixed(2)} ${unit} | ${peer}: ${peerValue.toFixed(2)} ${unit} | ${ratio.toFixed(2)} | ≤ ${target}: ${ratio <= target ? "reached" : "not reached"}`);
  }
  if (output.includes("#FIGURES-END")) return 0;
  console.log(`The figures were not measured to their end. The machine's console: ${consolePath}`);
  return 1;
}

async function bundle(suite: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(HERE, "guest", `${suite}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    alias: { vitest: join(HERE, "guest", "vitest.ts") },
    banner: { js: 'import { createRequire as vitrineCreateRequire } from "node:module";\nconst require = vitrineCreateRequire(import.meta.url);\nconst __dirname = import.meta.dirname;' },
    logLevel: "warning",
  });
}

function report(suite: string, { passed, failures, complete }: SuiteResult, consolePath: string): void {
  console.log(`${suite}: ${passed} passed, ${failures.length} failed${complete ? "" : ", and did not come to its end"}`);
  for (const { name, message } of failures) console.log(`  ✗ ${name}\n    ${message}`);
  if (failures.length > 0 || !complete) console.log(`  The machine's console: ${consolePath}`);
}

function installedVersion(name: string): string {
  return (JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
}

process.exitCode = await main();
