/**
 * `npm run pi:bench`: runs the hardware suites and the whole agent on an emulated Raspberry Pi, against the kernel's real
 * drivers. The last line is `N passed, N failed`.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { thisMachine } from "../setup/machine.ts";
import { runAgent } from "./agent/run-agent.ts";
import { openCard } from "./card/card.ts";
import { figuresIn, printFigures, type Figure } from "./figures.ts";
import { runGuest } from "./guest-suite.ts";
import { runImage } from "./image/run-image.ts";
import { runUpdates } from "./image/run-updates.ts";
import { INSTALL_STEPS } from "../prove/updates/update-cases.ts";
import { ensureEmulator } from "./machine.ts";
import type { Issue } from "../tool-result.ts";
import { readTap, type SuiteResult } from "./tap.ts";

/** Suites on the machine without systemd: `guest/NAME.ts`. */
const GUEST_SUITES = ["gpio", "edges", "cec", "machine", "setup"] as const;
const AGENT = "agent";
const FIGURES = "figures";
const IMAGE = "image";
/** The whole image on a machine with a screen, and power on to the first picture beside plain Chromium. */
const SCREEN = "image-screen";
/** The same image, and what an idle day writes to the card: an hour and a half. */
const IMAGE_WRITES = "image-writes";
/** An image with a read-only root. */
const READ_ONLY = "image-read-only";
/** Updates of the package on the same image, good and bad, and a network change that cuts it off: hours. */
const IMAGE_UPDATES = "image-updates";
const IMAGE_PARTS: readonly string[] = [IMAGE, READ_ONLY, SCREEN, IMAGE_WRITES, IMAGE_UPDATES];
const PARTS: readonly string[] = [...GUEST_SUITES, AGENT, FIGURES, ...IMAGE_PARTS];
/** Left out of the fast run. */
const SLOW_PARTS: readonly string[] = ["machine", "setup", AGENT, FIGURES, ...IMAGE_PARTS];
const ROOT = resolve(import.meta.dirname, "../..");
const WORK = join(ROOT, ".vitrine", "pi-bench");

const USAGE = `npm run pi:bench -- [--only ${PARTS.join(",")}] [--check TEXT] [--cuts N] [--fast] [--report FILE]

Runs the hardware suites, the whole agent and card images on an emulated Raspberry Pi (docs/development.md says what each part is). It needs root on
Debian 12, and 10 GB of free space for the images. gpio, edges and cec take minutes; each other part takes from ten minutes to hours.

  --only    runs these parts
  --check   of the part agent and the parts image…, runs only the checks with this text in their name, and those that they need
  --cuts    of the part image-updates: the power is cut at the first N of the updater's ten steps; all by default, 0 for none
  --fast    leaves out what takes many minutes, as npm test does
  --report  writes { passed, failures } to a file; a machine that cannot run the bench is then no failure`;

interface Options {
  readonly parts: readonly string[];
  readonly check: string;
  readonly cuts: number;
  readonly fast: boolean;
  readonly report: string | undefined;
}

/** Sum of all parts. */
interface Total {
  passed: number;
  /** One line each. */
  readonly failures: string[];
  readonly figures: Figure[];
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 2;
  if (options === "help") return 0;
  const total: Total = { passed: 0, failures: [], figures: [] };
  mkdirSync(join(WORK, "cards"), { recursive: true });
  const emulator = await ensureEmulator(thisMachine);
  if (!emulator.ok) cannot(options, emulator.error, total);
  if (emulator.ok && options.parts.some((name) => !IMAGE_PARTS.includes(name))) {
    const card = await openCard({ machine: thisMachine, cacheDir: join(WORK, "cards"), nodeVersion: installedVersion("node"), koffiVersion: installedVersion("koffi") });
    if (card.ok) await runParts(options, card.value, total);
    else cannot(options, card.error, total);
  }
  if (emulator.ok && options.parts.some((name) => IMAGE_PARTS.includes(name))) await runImageParts(options, total);
  for (const part of options.fast ? SLOW_PARTS.filter((name) => !options.parts.includes(name)) : []) reportLeftOut(`"${part}" on the emulated Raspberry Pi`, `it takes many minutes; by hand: npm run pi:bench -- --only ${part}`);
  if (options.report !== undefined) writeFileSync(options.report, JSON.stringify({ passed: total.passed, failures: total.failures }));
  printFigures(total.figures);
  console.log(`\n${total.passed} passed, ${total.failures.length} failed`);
  return total.failures.length === 0 ? 0 : 1;
}

function readOptions(): Options | "help" | undefined {
  const { values } = parseArgs({ options: { only: { type: "string" }, check: { type: "string" }, cuts: { type: "string" }, fast: { type: "boolean" }, report: { type: "string" }, help: { type: "boolean" } } });
  const fast = values.fast ?? false;
  const parts = values.only?.split(",") ?? PARTS.filter((name) => !fast || !SLOW_PARTS.includes(name));
  const unknown = parts.filter((name) => !PARTS.includes(name));
  if (unknown.length > 0) console.error(`There is no part ${unknown.join(", ")}.`);
  const cuts = Number(values.cuts ?? INSTALL_STEPS.length);
  const isNumber = Number.isInteger(cuts) && cuts >= 0;
  if (!isNumber) console.error(`--cuts takes a whole number, not ${values.cuts}.`);
  if (values.help === true) {
    console.log(USAGE);
    return "help";
  }
  if (unknown.length > 0 || !isNumber) {
    console.error(`Usage: ${USAGE}`);
    return undefined;
  }
  return { parts, check: values.check ?? "", cuts, fast, report: values.report };
}

async function runParts({ parts, check, fast }: Options, card: string, total: Total): Promise<void> {
  for (const suite of GUEST_SUITES.filter((name) => parts.includes(name))) {
    const consolePath = freshLog(suite);
    const output = await runGuest(suite, card, consolePath);
    total.figures.push(...figuresIn(output));
    add(total, suite, readTap(output), consolePath);
  }
  if (parts.includes(AGENT)) {
    const consolePath = freshLog(AGENT);
    console.log("agent:");
    await buildApart(ROOT);
    const { result, figures } = await runAgent({ card, consolePath, check, fast });
    total.figures.push(...figures);
    add(total, AGENT, result, consolePath);
  }
  if (parts.includes(FIGURES)) {
    const consolePath = freshLog(FIGURES);
    const output = await runGuest(FIGURES, card, consolePath);
    total.figures.push(...figuresIn(output));
    if (!output.includes("#FIGURES-END")) total.failures.push(`${FIGURES}: not measured to the end; the machine's console: ${consolePath}`);
  }
}

async function runImageParts({ parts, check, cuts, report }: Options, total: Total): Promise<void> {
  const wholeImage = parts.includes(SCREEN) || parts.includes(IMAGE_WRITES);
  for (const [name, kind, isWanted] of [[IMAGE, "pi", parts.includes(IMAGE)], [READ_ONLY, "read-only", parts.includes(READ_ONLY)], [SCREEN, "screen", wholeImage]] as const) {
    if (!isWanted) continue;
    const consolePath = freshLog(name);
    console.log(`${name}:`);
    const isWhole = kind === "screen";
    const ran = await runImage({ work: join(WORK, "image"), consolePath, check, kind, withPowerOn: isWhole && parts.includes(SCREEN), withWrites: isWhole && parts.includes(IMAGE_WRITES) });
    if (!ran.ok) return cannot({ report }, ran.error, total);
    total.figures.push(...ran.value.figures);
    add(total, name, ran.value.result, consolePath);
  }
  if (!parts.includes(IMAGE_UPDATES)) return;
  const consolePath = freshLog(IMAGE_UPDATES);
  console.log(`${IMAGE_UPDATES}:`);
  const updated = await runUpdates({ work: join(WORK, "image"), consolePath, check, cuts });
  if (updated.ok) add(total, IMAGE_UPDATES, updated.value, consolePath);
  else cannot({ report }, updated.error, total);
}

function cannot({ report }: Pick<Options, "report">, { message, hint, code }: Issue, total: Total): void {
  const why = `${message} ${hint ?? ""} (${code})`;
  if (report === undefined) total.failures.push(why);
  reportLeftOut("the emulated Raspberry Pi", `${why} By hand: npm run pi:bench`);
}

function add(total: Total, suite: string, { passed, failures, complete }: SuiteResult, consolePath: string): void {
  console.log(`${suite}: ${passed} passed, ${failures.length} failed${complete ? "" : ", and did not come to its end"}`);
  for (const { name, message } of failures) console.log(`  ✗ ${name}\n    ${message}`);
  if (failures.length > 0 || !complete) console.log(`  The machine's console: ${consolePath}`);
  total.passed += passed;
  total.failures.push(...failures.map(({ name, message }) => `${suite}: ${name}: ${message.split("\n")[0] ?? ""}`), ...(complete ? [] : [`${suite}: did not come to its end`]));
}

function freshLog(name: string): string {
  const path = join(WORK, `${name}.log`);
  rmSync(path, { force: true });
  return path;
}

function installedVersion(name: string): string {
  return (JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
}

process.exitCode = await main();
