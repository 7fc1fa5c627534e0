import { openCompositorRoot } from "../compositor/compositor-root.ts";
import { thisMachine } from "../setup/machine.ts";
import { oneCheck, type Step } from "./step.ts";

/** Makes the Debian 13 that the suites of the real compositors run in, where that is possible. */
export const compositorStep: Step = {
  name: "compositor",
  title: "Compositors",
  async run({ leftOut }) {
    const root = await openCompositorRoot(thisMachine);
    if (root.ok) {
      console.log(`labwc, sway and cage of Debian 13 in ${root.value}`);
      return oneCheck("");
    }
    const why = `${root.error.message} ${root.error.hint ?? ""}`.trim();
    leftOut("the real compositors labwc, sway and cage", why);
    // Where it can be made, CI must have it.
    const must = process.env["CI"] === "true" && root.error.code !== "compositor.not-here";
    return must ? oneCheck(`Compositors: ${why}`) : { passed: 0, failed: 0, skipped: 0, failures: [] };
  },
};
