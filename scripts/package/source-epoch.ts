import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Where neither SOURCE_DATE_EPOCH nor git says a time: 2026-01-01. */
const FALLBACK_EPOCH_SECONDS = 1_767_225_600;

/** The time of what is built, in seconds since 1970: SOURCE_DATE_EPOCH, else the last commit's. */
export async function sourceEpochSeconds(root: string): Promise<number> {
  const given = Number(process.env["SOURCE_DATE_EPOCH"] ?? Number.NaN);
  if (Number.isInteger(given) && given > 0) return given;
  try {
    const { stdout } = await promisify(execFile)("git", ["log", "-1", "--format=%ct"], { cwd: root });
    return Number(stdout.trim());
  } catch (thrown) {
    console.error(`The time of the last commit is not known, so files are dated 2026-01-01: ${String(thrown).split("\n")[0] ?? ""}`);
    return FALLBACK_EPOCH_SECONDS;
  }
}
