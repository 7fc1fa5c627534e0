import type { Clock } from "../ports/clock.ts";
import type { Inventory } from "../ports/host.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../runtime/json.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { MachineFiles } from "./machine-files.ts";

/** The package starts programs such as dmidecode, which can hang on odd firmware; then the child is killed. */
const DEADLINE_MS = 20_000;
/** Placeholders that firmware reports when the vendor filled nothing in. */
const FILLERS =
  /^(|-|0+|none|unknown|n\/a|not (specified|available|applicable)|default string|to be filled by o\.e\.m\.?|system product name)$/i;

/**
 * What the machine is, read once. systeminformation supports a great many machines, and returns "" or 0 where it knows
 * nothing, so every answer becomes a `Reading` here. Device-tree facts are read directly: they are what is printed
 * on a board.
 */
export async function readLinuxInventory(files: MachineFiles, clock: Clock, run: CommandRunner): Promise<Inventory> {
  const answers = await askChild(run);
  const atMs = clock.monotonicMs();
  const direct = (path: string): Reading<string> | undefined => {
    const read = files.text(path);
    return read.ok && read.value !== "" ? seen(read.value, atMs) : undefined;
  };
  const text = (part: string, ...keys: readonly string[]): Reading<string> => textOf(partOf(answers, part), keys, atMs);
  const positive = (part: string, key: string): Reading<number> => {
    const found = partOf(answers, part);
    const value = found.ok ? found.value[key] : undefined;
    if (!found.ok) return failed(found.error);
    return typeof value === "number" && value > 0 ? seen(value, atMs) : unknown("the machine does not say");
  };
  return {
    model: direct("proc/device-tree/model") ?? text("system", "manufacturer", "model"),
    serial: direct("proc/device-tree/serial-number") ?? text("system", "serial"),
    os: text("os", "distro", "release"),
    kernel: direct("proc/sys/kernel/osrelease") ?? text("os", "kernel"),
    cpu: text("cpu", "manufacturer", "brand"),
    cpuCores: positive("cpu", "cores"),
    memoryBytes: positive("memory", "total"),
    architecture: text("os", "arch"),
  };
}

async function askChild(run: CommandRunner): Promise<Result<JsonObject>> {
  let path: string;
  try {
    ({ systemInformationPath: path } = await import("./system-information.ts"));
  } catch (thrown) {
    // A file of its own in the bundle, which may be missing: what the machine is called is no reason not to play.
    return fail("inventory.failed", `the inventory cannot be loaded: ${messageOf(thrown)}`);
  }
  const printed = await run(process.execPath, [path], DEADLINE_MS);
  if (!printed.ok) return fail("inventory.failed", `the inventory could not be read: ${printed.error.message}`);
  const answers = parseJson(printed.value);
  return isJsonObject(answers) ? ok(answers) : fail("inventory.failed", "the inventory is not in the form this software knows");
}

function partOf(answers: Result<JsonObject>, name: string): Result<JsonObject> {
  if (!answers.ok) return answers;
  const part = answers.value[name];
  if (!isJsonObject(part)) return fail("inventory.failed", `the inventory has no part ${name}`);
  return typeof part["failure"] === "string" ? fail("inventory.failed", `${name}: ${part["failure"].slice(0, 200)}`) : ok(part);
}

/** The named texts as one, without what firmware fills in for nothing and without saying the first twice. */
function textOf(part: Result<JsonObject>, keys: readonly string[], atMs: number): Reading<string> {
  if (!part.ok) return failed(part.error);
  const texts = keys
    .map((key) => part.value[key])
    .filter((value): value is string => typeof value === "string")
    .map((value) => value.trim())
    .filter((value) => !FILLERS.test(value));
  const [first, second] = texts;
  const joined = first !== undefined && second?.startsWith(first) === true ? second : texts.join(" ");
  return joined === "" ? unknown("the machine does not say") : seen(joined, atMs);
}
