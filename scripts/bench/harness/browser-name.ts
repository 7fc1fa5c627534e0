import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Name and major version, as `chromium-156`, from the browser's `--version`. Throws when there is none. */
export async function browserName(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 20_000 });
  const version = /^(?:Google )?([A-Za-z]+)\D* (\d+)\./.exec(stdout);
  if (version === null) throw new Error(`${path} says "${stdout.trim().slice(0, 100)}" for its version`);
  return `${version[1]?.toLowerCase() ?? ""}-${version[2] ?? ""}`;
}
