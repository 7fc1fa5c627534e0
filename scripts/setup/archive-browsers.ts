import { join } from "node:path";
import { fail, ok, type Result } from "../tool-result.ts";
import { canInstall, refreshPackageLists, satisfy } from "./debian-packages.ts";
import { probe, type FoundBrowser } from "./found-browser.ts";
import type { Machine } from "./machine.ts";

/** Debian's packages of the browser. */
const PACKAGES = ["chromium", "chromium-common"];
const BINARY = "usr/lib/chromium/chromium";
const ASK_TIMEOUT_MS = 30_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;
const UNPACK_TIMEOUT_MS = 120_000;
/** The newest and the oldest. Each costs a whole run of the shell suite. */
const VERSIONS_MAX = 2;

export interface ArchiveBrowsers {
  readonly browsers: readonly FoundBrowser[];
  /** Versions that are offered but could not be downloaded or unpacked, and why. */
  readonly missing: readonly { readonly version: string; readonly why: string }[];
}

/**
 * Versions of Chromium in this machine's package archives other than the installed one, downloaded once and unpacked into
 * `folder`, without touching the system. None when there is no apt.
 */
export async function archiveBrowsers(machine: Machine, folder: string, installed: string): Promise<ArchiveBrowsers> {
  if (machine.platform !== "linux" || !(await machine.isExecutable("/usr/bin/apt-cache"))) return { browsers: [], missing: [] };
  if (await canInstall(machine)) await refreshPackageLists(machine);
  const others = (await offered(machine)).filter((version) => upstream(version) !== installed);
  const wanted = [...new Set([others.at(0), others.at(-1)])].filter((version) => version !== undefined).slice(0, VERSIONS_MAX);
  const browsers: FoundBrowser[] = [];
  const missing: { version: string; why: string }[] = [];
  for (const version of wanted) {
    const found = await unpacked(machine, join(folder, `chromium-${upstream(version)}`), version);
    if (found.ok) browsers.push(found.value);
    else missing.push({ version: upstream(version), why: found.error.message });
  }
  return { browsers, missing };
}

/** Package versions from `apt-cache madison`, newest first. */
async function offered(machine: Machine): Promise<readonly string[]> {
  const { stdout } = await machine.run("/usr/bin/apt-cache", ["madison", "chromium"], { timeoutMs: ASK_TIMEOUT_MS });
  const rows = stdout.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  // Source packages are listed too, so keep only `Packages` rows.
  return [...new Set(rows.filter(([name, , place]) => name === "chromium" && place?.endsWith("Packages") === true).map(([, version = ""]) => version))];
}

async function unpacked(machine: Machine, folder: string, version: string): Promise<Result<FoundBrowser>> {
  const evidence = `version ${upstream(version)} of the package archive, unpacked`;
  const path = join(folder, BINARY);
  const kept = await probe(machine, path, evidence);
  if (kept !== undefined) return ok(kept);
  machine.say(`Fetching Chromium ${upstream(version)} from the package archive, only for the tests (once) …`);
  await machine.emptyFolder(folder);
  const names = PACKAGES.map((name) => `${name}=${version}`);
  const fetched = await machine.run("/usr/bin/apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", ...names], { timeoutMs: DOWNLOAD_TIMEOUT_MS, show: true, progress: "fetching Chromium", cwd: folder });
  const files = (await machine.list(folder)).filter((name) => name.endsWith(".deb")).map((name) => join(folder, name));
  if (fetched.code !== 0 || files.length < PACKAGES.length) return fail("browser.archive", "it could not be downloaded; apt-get's message is above");
  for (const file of files) {
    const { code } = await machine.run("/usr/bin/dpkg-deb", ["-x", file, folder], { timeoutMs: UNPACK_TIMEOUT_MS });
    if (code !== 0) return fail("browser.archive", `${file} could not be unpacked`);
  }
  const atOnce = await probe(machine, path, evidence);
  if (atOnce !== undefined) return ok(atOnce);
  if (!(await canInstall(machine))) return fail("browser.archive", "it does not start; the shared libraries it needs can be installed by root");
  const satisfied = await satisfy(machine, await dependsOf(machine, files));
  const found = satisfied.ok ? await probe(machine, path, evidence) : undefined;
  return found === undefined ? fail("browser.archive", "it does not start, with its shared libraries installed") : ok(found);
}

/** Dependencies of the packages, other than one another. */
async function dependsOf(machine: Machine, files: readonly string[]): Promise<string> {
  const each = await Promise.all(files.map((file) => machine.run("/usr/bin/dpkg-deb", ["-f", file, "Depends"], { timeoutMs: ASK_TIMEOUT_MS })));
  const all = each.flatMap(({ stdout }) => stdout.split(",")).map((one) => one.trim());
  return all.filter((one) => one !== "" && !PACKAGES.includes(/^[^ (:]+/.exec(one)?.[0] ?? "")).join(", ");
}

/** `156.0.8078.108-1~deb12u1` to `156.0.8078.108`, as the browser reports it. */
function upstream(version: string): string {
  return version.replace(/^\d+:/, "").replace(/-[^-]*$/, "");
}
