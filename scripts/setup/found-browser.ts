import { isJsonObject, parseJson } from "../../platform/runtime/json.ts";
import type { Machine } from "./machine.ts";

/** A browser that was found and has reported its version. */
export interface FoundBrowser {
  readonly kind: "electron" | "chromium";
  readonly path: string;
  readonly version: string;
  /** Where it was found. */
  readonly evidence: string;
}

const VERSION_TIMEOUT_MS = 20_000;

/**
 * The browser at `path`, if it reports a version. A file of the right name may be a stub (Ubuntu's points at a snap).
 * Electron prints `v45.4.1`, the others their name before the version.
 */
export async function probe(machine: Machine, path: string, evidence: string): Promise<FoundBrowser | undefined> {
  if (!(await machine.isExecutable(path))) return undefined;
  const args = machine.isRoot ? ["--no-sandbox", "--version"] : ["--version"];
  const { code, stdout } = await machine.run(path, args, { timeoutMs: VERSION_TIMEOUT_MS });
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0];
  if (code !== 0 || version === undefined) return undefined;
  return { kind: /^v\d/.test(stdout.trim()) ? "electron" : "chromium", path, version, evidence };
}

/**
 * `probe` that caches the answer in `memory` until the file changes, because Chromium takes a second to report its version.
 * One that no longer works fails later, when it is started.
 */
export async function probeOnce(machine: Machine, path: string, evidence: string, memory: string): Promise<FoundBrowser | undefined> {
  const changedMs = await machine.changedMs(path);
  if (changedMs === undefined) return probe(machine, path, evidence);
  const kept = parseJson((await machine.readText(memory)) ?? "");
  const entries = isJsonObject(kept) ? kept : {};
  const entry = entries[path];
  if (entry !== undefined && isJsonObject(entry) && entry["changedMs"] === changedMs && typeof entry["version"] === "string") {
    return { kind: entry["kind"] === "electron" ? "electron" : "chromium", path, version: entry["version"], evidence };
  }
  const found = await probe(machine, path, evidence);
  if (found !== undefined) await machine.writeText(memory, JSON.stringify({ ...entries, [path]: { changedMs, kind: found.kind, version: found.version } }));
  return found;
}
