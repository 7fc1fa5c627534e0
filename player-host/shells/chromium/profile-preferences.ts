import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";

/** `net.network_prediction_options`: nothing is looked up, connected to or fetched before a page asks for it (`NetworkPredictionOptions` of the policies). */
const NEVER_PREDICT = 2;

/**
 * Sets what has no command line switch, in the profile of a browser that does not run. Hints of a page (`preconnect`,
 * `dns-prefetch`, speculation rules) reach hosts that no content security policy is asked about, so they are off.
 */
export async function writePreferences(profileDir: string, log: Log): Promise<void> {
  const folder = join(profileDir, "Default");
  const path = join(folder, "Preferences");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = await readPreferences(path);
    const net = isJsonObject(kept["net"]) ? kept["net"] : {};
    if (net["network_prediction_options"] === NEVER_PREDICT) return;
    await writeFile(path, JSON.stringify({ ...kept, net: { ...net, network_prediction_options: NEVER_PREDICT } }), { mode: 0o600 });
  } catch (thrown) {
    // A poor disk must not keep the picture away; the page's hints are then followed.
    log.warn({ path, error: messageOf(thrown) }, "the browser's preferences could not be written");
  }
}

/** What a browser would not take either counts as none. */
async function readPreferences(path: string): Promise<JsonObject> {
  try {
    const json = parseJson(await readFile(path, "utf8"));
    return isJsonObject(json) ? json : {};
  } catch (thrown) {
    // The first start of this profile.
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw thrown;
  }
}
