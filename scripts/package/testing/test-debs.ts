import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { VERSION } from "../../../agent/node/version.ts";
import { buildDeb } from "../build-deb.ts";
import type { Arch } from "../parts.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
/** Of this machine. */
export const MACHINE_ARCH: Arch = process.arch === "arm64" ? "arm64" : "amd64";

/** What a release does before its own programs begin, as JavaScript. */
export interface Faults {
  readonly agent?: string;
  readonly player?: string;
}

/** The real package of this source tree, whose `dist/` is there already, under a version, and with faults. Not compressed. Returns its path. */
export async function buildTestDeb(out: string, version: string, { faults = {}, releaseKey, arch = MACHINE_ARCH }: { readonly faults?: Faults; readonly releaseKey?: string; readonly arch?: Arch } = {}): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "vitrine-faulty-"));
  try {
    const built = await buildDeb({
      root: treeWith(work, version, faults), arch, version, out, cache: join(ROOT, ".vitrine/package"), epochSeconds: 1_790_000_000, compression: "none",
      ...(releaseKey !== undefined && { releaseKey }),
    });
    if (!built.ok) throw new Error(built.error.message);
    return built.value.path;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The source tree, with programs of that version and with faults in its `dist/`. */
function treeWith(work: string, version: string, { agent, player }: Faults): string {
  if (version === VERSION && agent === undefined && player === undefined) return ROOT;
  for (const name of readdirSync(ROOT).filter((each) => each !== "dist")) symlinkSync(join(ROOT, name), join(work, name));
  cpSync(join(ROOT, "dist"), join(work, "dist"), { recursive: true });
  change(join(work, "dist/agent/main.js"), `VERSION="${VERSION}"`, () => `VERSION="${version}"`);
  for (const [file, fault] of [["dist/agent/main.js", agent], ["dist/player-host/chromium.js", player]] as const) {
    // After the line that names the interpreter.
    if (fault !== undefined) change(join(work, file), "\n", () => `\n${fault}\n`);
  }
  return work;
}

function change(file: string, from: string, to: () => string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
  writeFileSync(file, text.replace(from, to));
}

/** A package that satisfies a dependency and has a program that only waits. As labwc does, it leaves a process of its session behind when it is stopped. */
export function buildStandInDeb(out: string, name: string): string {
  const stage = join(out, `stand-in-${name}`);
  for (const each of ["DEBIAN", "usr/bin"]) mkdirSync(join(stage, each), { recursive: true });
  writeFileSync(join(stage, "DEBIAN/control"), `Package: ${name}\nVersion: 999\nArchitecture: all\nMaintainer: nobody <nobody@vitrine.invalid>\nDescription: stands in for ${name}\n`);
  writeFileSync(join(stage, "usr/bin", name), `#!/bin/sh\necho "the stand-in for ${name} waits"\nsleep infinity &\nexec sleep infinity\n`, { mode: 0o755 });
  const path = join(out, `${name}.deb`);
  const built = spawnSync("dpkg-deb", ["--root-owner-group", "-Znone", "--build", stage, path], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  return path;
}
