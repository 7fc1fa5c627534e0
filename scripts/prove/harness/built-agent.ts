import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildApart } from "../../build/build-apart.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/** A copy of the shipped agent, so that a new build does not change it during a long campaign. */
export interface BuiltAgent {
  /** Entry of the bundled agent. */
  readonly main: string;
  dispose(): void;
}

/** Builds `dist/` and copies the agent out of it. */
export async function builtAgent(): Promise<BuiltAgent> {
  await buildApart(ROOT);
  // Below the root, because the bundle loads its native module from node_modules.
  const parent = join(ROOT, ".vitrine", "prove");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "agent-"));
  cpSync(join(ROOT, "dist", "agent"), folder, { recursive: true });
  return { main: join(folder, "main.js"), dispose: () => rmSync(folder, { recursive: true, force: true }) };
}
