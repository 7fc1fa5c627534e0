import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** `chromium-156`, from what the browser says of its own version. Throws when it says none. */
export async function browserName(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 20_000 });
  const version = /^(?:Google )?([A-Za-z]+)\D* (\d+)\./.exec(stdout);
  if (version === null) throw new Error(`${path} says "${stdout.trim().slice(0, 100)}" for its version`);
  return `${version[1]?.toLowerCase() ?? ""}-${version[2] ?? ""}`;
}
