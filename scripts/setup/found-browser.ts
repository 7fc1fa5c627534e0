import type { Machine } from "./machine.ts";

/** A browser that was found and has answered with its version. */
export interface FoundBrowser {
  readonly kind: "electron" | "chromium";
  readonly path: string;
  readonly version: string;
  /** Why this one: where it was found. */
  readonly evidence: string;
}

const VERSION_TIMEOUT_MS = 20_000;

/**
 * A file by the right name may still be a stub (Ubuntu's points at a snap): it must say its version. Electron says
 * `v45.4.1`, the others their name before it.
 */
export async function probe(machine: Machine, path: string, evidence: string): Promise<FoundBrowser | undefined> {
  if (!(await machine.isExecutable(path))) return undefined;
  const args = machine.isRoot ? ["--no-sandbox", "--version"] : ["--version"];
  const { code, stdout } = await machine.run(path, args, { timeoutMs: VERSION_TIMEOUT_MS });
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0];
  if (code !== 0 || version === undefined) return undefined;
  return { kind: /^v\d/.test(stdout.trim()) ? "electron" : "chromium", path, version, evidence };
}
