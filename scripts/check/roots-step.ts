import { openCompositorRoot } from "../compositor/compositor-root.ts";
import { openPackageRoot } from "../package/testing/package-root.ts";
import { openNetworkRoot, RELEASES } from "../network/network-roots.ts";
import { thisMachine, type Machine } from "../setup/machine.ts";
import type { Result } from "../tool-result.ts";
import { oneCheck, type Step } from "./step.ts";

/** The step that makes the Debian in which suites of real programs run, where that is possible. */
function rootStep(name: string, title: string, what: string, open: (machine: Machine) => Promise<Result<string>>): Step {
  return {
    name,
    title,
    besideNext: true,
    async run({ leftOut }) {
      const root = await open(thisMachine);
      if (root.ok) {
        console.log(`${what} in ${root.value}`);
        return oneCheck("");
      }
      const why = `${root.error.message} ${root.error.hint ?? ""}`.trim();
      leftOut(what, why);
      // Where it can be made, CI must have it.
      const must = process.env["CI"] === "true" && root.error.code !== "root.not-here";
      return must ? oneCheck(`${title}: ${why}`) : { passed: 0, failed: 0, skipped: 0, failures: [] };
    },
  };
}

export const rootSteps: readonly Step[] = [
  rootStep("compositor", "Compositors", "the real compositors labwc, sway and cage", openCompositorRoot),
  rootStep("package", "Debian for the package", "the Debian package on a booted Debian 13", (machine) => openPackageRoot(machine)),
  rootStep("package", "Debian for the package, with NetworkManager", "the Debian package beside NetworkManager on a booted Debian 13", (machine) => openPackageRoot(machine, "network")),
  ...RELEASES.map((release) => rootStep("network", `NetworkManager of Debian ${release}`, `the real NetworkManager of Debian ${release}`, (machine) => openNetworkRoot(machine, release))),
];
