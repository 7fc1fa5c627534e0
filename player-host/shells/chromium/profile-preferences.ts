import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { KIOSK_LOCAL_STATE, KIOSK_PREFERENCES } from "./kiosk-preferences.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Writes the kiosk's restrictions into the profile. Most managed policies only set a preference, and the profile is ours, so this
 * needs neither root nor a file in a system folder. Call it only while no browser uses the profile. Never rejects: if a file
 * cannot be written, that is logged and the file stays as it is.
 */
export async function lockPreferences(profileDir: string, log: Log): Promise<void> {
  await change(join(profileDir, "Default", "Preferences"), KIOSK_PREFERENCES, log);
  await change(join(profileDir, "Local State"), KIOSK_LOCAL_STATE, log);
}

async function change(path: string, wanted: Json, log: Log): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const before = parse(await readFile(path, "utf8").catch(() => ""));
    await writeFile(temporary, JSON.stringify(merged(before, wanted)), { mode: 0o600 });
    await rename(temporary, path);
  } catch (thrown) {
    log.warn({ path, error: messageOf(thrown) }, "the browser's preferences could not be written: its own windows may cover the picture");
    await rm(temporary, { force: true }).catch((left: unknown) => log.debug({ error: messageOf(left) }, "a temporary file stays"));
  }
}

/** A file truncated by a power cut counts as empty, as the browser itself then starts with its defaults. */
function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {};
    throw thrown;
  }
}

/** Deep merge: `wanted` wins, everything else is kept. */
function merged(before: Json, wanted: Json): Json {
  const changed = Object.entries(wanted).map(([name, value]) => {
    const old = before[name];
    return [name, isObject(value) ? merged(isObject(old) ? old : {}, value) : value] as const;
  });
  return { ...before, ...Object.fromEntries(changed) };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
