/** `npm run bench`: see docs/bench.md. Exit codes: 0 measured (reached or not), 1 a figure failed, 2 wrong options, 130 stopped. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "../../platform/ports/result.ts";
import { buildApart } from "../build/build-apart.ts";
import { FIGURES } from "./all-figures.ts";
import { budgetsDoc } from "./budgets-doc.ts";
import type { Figure } from "./figure.ts";
import { Bench } from "./harness/bench.ts";
import { machineFacts } from "./harness/machine-facts.ts";
import { formatTable } from "./harness/table.ts";
import { formatNumber, judge, reachedText, type Line } from "./harness/verdict.ts";
import { figureOf, help, isWanted, parseOptions, type BenchOptions } from "./options.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Time limits of a whole and a quick run. */
const WHOLE_MS = 900_000;
const QUICK_MS = 180_000;
const EXIT = { failed: 1, usage: 2, stopped: 130 } as const;

const parsed = parseOptions(process.argv.slice(2), FIGURES.map(({ name }) => name));
if (!parsed.ok) {
  console.error(`${parsed.error.message}\n${parsed.error.hint ?? ""}`);
  process.exitCode = EXIT.usage;
} else if (parsed.value === undefined) console.log(help(FIGURES.map(({ name, title }) => [name, title])));
else if (process.platform !== "linux") {
  console.error("The bench reads the kernel's own counters in /proc and runs on Linux only.");
  process.exitCode = EXIT.failed;
} else process.exitCode = await run(parsed.value);
// The channel to the bootstrap would keep this process alive.
if (process.connected) process.disconnect();

async function run(options: BenchOptions): Promise<number> {
  const stop = new AbortController();
  const interrupt = { seen: false };
  const onSignal = (): void => {
    interrupt.seen = true;
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // The bootstrap was killed.
  process.once("disconnect", onSignal);
  const limit = setTimeout(() => stop.abort(), options.quick ? QUICK_MS : WHOLE_MS);
  const say = (line: string): void => console.error(line);
  const bench = new Bench({ root: ROOT, quick: options.quick, signal: stop.signal, say });
  try {
    const wanted = FIGURES.filter(({ name }) => options.only.length === 0 || options.only.some((each) => figureOf(each) === name));
    if (wanted.some(({ needsBuild }) => needsBuild)) await buildApart(ROOT, stop.signal);
    const { lines, failed } = await measureAll(bench, wanted, options);
    if (interrupt.seen) return EXIT.stopped;
    if (!options.json) console.log(tableOf(lines));
    if (options.write && failed === 0) {
      writeFileSync(join(ROOT, "docs/budgets.md"), budgetsDoc(lines, machineFacts(ROOT), new Date().toISOString().slice(0, 10)));
      say("wrote docs/budgets.md");
    }
    return failed === 0 ? 0 : EXIT.failed;
  } finally {
    clearTimeout(limit);
    process.off("disconnect", onSignal);
    await bench.close();
  }
}

/** Measures each figure; one that fails costs only its own lines. */
async function measureAll(bench: Bench, figures: readonly Figure[], { json, only }: BenchOptions): Promise<{ readonly lines: readonly Line[]; readonly failed: number }> {
  const lines: Line[] = [];
  let failed = 0;
  for (const figure of figures) {
    if (bench.signal.aborted) failed += 1;
    if (bench.signal.aborted) break;
    const startMs = performance.now();
    bench.say(`${figure.name}: ${figure.title}`);
    try {
      const measured = (await untilStopped(figure.run(bench), bench.signal)).map(judge).filter(({ name }) => isWanted(name, only));
      lines.push(...measured);
      if (json) for (const line of measured) console.log(JSON.stringify(line));
      bench.say(`${figure.name}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    } catch (thrown) {
      failed += 1;
      bench.say(`${figure.name}: not measured: ${messageOf(thrown)}`);
    }
    await bench.endFigure();
  }
  return { lines, failed };
}

/** Rejects at once when stopped, because a figure may be waiting for a silent program. */
function untilStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((settle, reject) => {
    const stop = (): void => reject(new Error("the bench was stopped, or took too long"));
    signal.addEventListener("abort", stop, { once: true });
    work.then(settle, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function tableOf(lines: readonly Line[]): string {
  const rows = lines.map((line) => [
    line.name,
    formatNumber(line.value),
    line.unit,
    line.floor === null ? "" : `${line.floor.name}: ${formatNumber(line.floor.value)} ${line.floor.unit}`,
    line.ratio === null ? "" : formatNumber(line.ratio),
    line.target ?? "",
    reachedText(line),
  ]);
  return formatTable([["figure", "value", "unit", "floor or peer, same run", "ratio", "target", ""], ...rows], new Set([1, 4]));
}
