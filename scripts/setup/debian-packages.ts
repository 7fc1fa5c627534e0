import { fail, ok, type Result } from "../tool-result.ts";
import type { Machine } from "./machine.ts";

const APT_GET = "/usr/bin/apt-get";
const LISTS = "/var/lib/apt/lists";
const INSTALL_TIMEOUT_MS = 300_000;
const UPDATE_TIMEOUT_MS = 120_000;
/** Older lists may name outdated versions and files that are gone from the archive. */
const LISTS_AGE_MAX_MS = 24 * 3_600_000;
const ENV = { DEBIAN_FRONTEND: "noninteractive" };
/** Fails soon without a network, but waits for another running apt. */
const PATIENCE = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15", "-o", "DPkg::Lock::Timeout=60"];

/** Whether packages can be installed here: as root on Debian or a derivative. */
export async function canInstall(machine: Machine): Promise<boolean> {
  return machine.platform === "linux" && machine.isRoot && (await machine.isExecutable(APT_GET));
}

/**
 * Installs packages. Refreshes package lists older than a day first, and newer ones when the installation fails with them,
 * then tries again. Error: `setup.packages`.
 */
export function installPackages(machine: Machine, packages: readonly string[]): Promise<Result<void>> {
  return withFreshLists(machine, () => apt(machine, "install", packages), packages.join(", "));
}

/** Installs what a `Depends` field names, without recommended packages. `what`: for the error `setup.packages`. */
export function satisfy(machine: Machine, depends: string, what = "shared libraries"): Promise<Result<void>> {
  return withFreshLists(machine, () => apt(machine, "satisfy", [depends]), what);
}

/** Ends when every installation so far has: apt does not wait for another apt that fetches lists. */
let before: Promise<unknown> = Promise.resolve();

function withFreshLists(machine: Machine, install: () => Promise<boolean>, what: string): Promise<Result<void>> {
  const result = before.then(() => installWithFreshLists(machine, install, what));
  before = result.catch(() => undefined);
  return result;
}

async function installWithFreshLists(machine: Machine, install: () => Promise<boolean>, what: string): Promise<Result<void>> {
  const refreshed = await refreshPackageLists(machine);
  if (await install()) return ok(undefined);
  const again = refreshed === "fresh" && (await update(machine)) && (await install());
  return again ? ok(undefined) : fail("setup.packages", `${what} could not be installed; apt-get's message is above.`, "Check the network, or install it by hand.");
}

/**
 * Refreshes package lists that are missing or older than a day. `fresh`: nothing to do; `kept`: the refresh failed, which
 * was reported in one line.
 */
export async function refreshPackageLists(machine: Machine): Promise<"fresh" | "refreshed" | "kept"> {
  const ageMs = await listsAgeMs(machine);
  if (ageMs !== undefined && ageMs <= LISTS_AGE_MAX_MS) return "fresh";
  machine.say(ageMs === undefined ? "No package lists found: fetching them …" : `The package lists are ${days(ageMs)} old: refreshing them …`);
  if (await update(machine)) return "refreshed";
  machine.say("Not all package lists could be refreshed (no network?): continuing with the existing ones.");
  return "kept";
}

/** Age of the last refresh. List files keep the server's times, but apt touches its folder `partial` at each refresh. */
async function listsAgeMs(machine: Machine): Promise<number | undefined> {
  const names = await machine.list(LISTS);
  if (!names.some((name) => /_Packages(\.|$)/.test(name))) return undefined;
  const touched = await Promise.all([LISTS, `${LISTS}/partial`].map((path) => machine.changedMs(path)));
  return machine.nowMs() - Math.max(...touched.map((atMs) => atMs ?? 0));
}

/** By default `apt-get update` succeeds even when it could fetch nothing. */
async function update(machine: Machine): Promise<boolean> {
  const args = ["update", "-q", "-o", "APT::Update::Error-Mode=any", ...PATIENCE];
  return (await machine.run(APT_GET, args, { timeoutMs: UPDATE_TIMEOUT_MS, show: true, env: ENV })).code === 0;
}

async function apt(machine: Machine, verb: "install" | "satisfy", what: readonly string[]): Promise<boolean> {
  const args = [verb, "-y", "-q", ...PATIENCE, ...(verb === "satisfy" ? ["--no-install-recommends"] : []), ...what];
  return (await machine.run(APT_GET, args, { timeoutMs: INSTALL_TIMEOUT_MS, show: true, env: ENV })).code === 0;
}

function days(ageMs: number): string {
  const count = Math.floor(ageMs / LISTS_AGE_MAX_MS);
  return `${count} day${count === 1 ? "" : "s"}`;
}
