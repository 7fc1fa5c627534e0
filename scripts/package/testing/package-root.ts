import { join } from "node:path";
import { installPackages } from "../../setup/debian-packages.ts";
import { debianRoot, openDebianRoot, type DebianRoot } from "../../setup/debian-root.ts";
import type { Machine } from "../../setup/machine.ts";
import type { Result } from "../../tool-result.ts";

const SCRIPT = join(import.meta.dirname, "build-root.sh");
const ROOTS = {
  plain: { name: "package-root", title: "a Debian 13 to install the package in", script: SCRIPT, args: [] },
  /** With the compositor and the browser that the package depends on, and what takes pictures of their output. */
  screen: { name: "screen-root", title: "a Debian 13 with compositor and browser to install the package in", script: SCRIPT, args: ["labwc", "chromium", "fonts-dejavu-core", "grim", "wlr-randr"] },
  /** With the NetworkManager that the package recommends. */
  network: { name: "package-network-root", title: "a Debian 13 with NetworkManager to install the package in", script: SCRIPT, args: ["network-manager", "wpasupplicant"] },
} satisfies Readonly<Record<string, DebianRoot>>;
export type RootName = keyof typeof ROOTS;

/** What boots the root and what checks a package, and their Debian packages. */
const PROGRAMS = [["/usr/bin/systemd-nspawn", "systemd-container"], ["/usr/bin/lintian", "lintian"]] as const;

/** The folder with Debian 13 and what the package depends on, if it has been made. */
export function packageRoot(name: RootName = "plain"): string | undefined {
  return debianRoot(ROOTS[name]);
}

/** Makes the root the first time, installs what its suites need, and returns its folder. Errors: as `openDebianRoot`. */
export async function openPackageRoot(machine: Machine, name: RootName = "plain"): Promise<Result<string>> {
  const opened = await openDebianRoot(machine, ROOTS[name]);
  if (!opened.ok) return opened;
  for (const [path, debianPackage] of PROGRAMS) {
    if (await machine.isExecutable(path)) continue;
    const installed = await installPackages(machine, [debianPackage]);
    if (!installed.ok) return installed;
  }
  return opened;
}
