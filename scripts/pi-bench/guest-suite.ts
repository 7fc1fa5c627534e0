import { mkdtempSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { build } from "esbuild";
import { runJob } from "./machine.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const GUEST = join(import.meta.dirname, "guest");
/** For a suite that hangs. The longest, `setup`, takes some ten minutes on a busy host. */
const SUITE_LIMIT_MS = 25 * 60_000;
/** Beside the suite itself. */
const FILES = [...["init", "job.sh", "radio.sh"].map((name) => join(GUEST, name)), join(ROOT, "scripts/systemd/dnsmasq-setup.conf")];
/** Suites on QEMU's virt machine: it has real GPIO edges, and no cable. */
const ON_VIRT: readonly string[] = ["edges", "setup"];

/** Runs one of the guest's programs without systemd, on a throw-away copy of the card, and returns what the machine printed. */
export async function runGuest(name: string, card: string, consolePath: string): Promise<string> {
  const jobDir = mkdtempSync(join(tmpdir(), "pi-job-"));
  try {
    await bundleGuest(name, join(jobDir, "suite.mjs"));
    for (const file of FILES) await cp(file, join(jobDir, basename(file)));
    const { console } = await runJob({ machine: ON_VIRT.includes(name) ? "virt" : "raspi3b", card, jobDir, consolePath }, SUITE_LIMIT_MS);
    return console;
  } finally {
    rmSync(jobDir, { recursive: true, force: true });
  }
}

/** Bundles `guest/NAME.ts` into one file for Node on the machine. */
export async function bundleGuest(name: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(GUEST, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    alias: { vitest: join(GUEST, "vitest.ts") },
    banner: { js: 'import { createRequire as vitrineCreateRequire } from "node:module";\nconst require = vitrineCreateRequire(import.meta.url);\nconst __dirname = import.meta.dirname;' },
    logLevel: "warning",
  });
}
