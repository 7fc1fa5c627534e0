import { findChromium, findElectron } from "../setup/find-browser.ts";
import { thisMachine } from "../setup/machine.ts";
import { oneCheck, type Step } from "./step.ts";

/**
 * Finds or installs what the tests after it drive: a Chromium (passed on as VITRINE_BROWSER) and, where
 * its binary is there, Electron (VITRINE_ELECTRON_BINARY).
 */
export const browserStep: Step = {
  name: "browser",
  title: "Browser",
  async run({ root, env, leftOut }) {
    const options = { root, install: true, machine: thisMachine };
    const electron = await findElectron(options);
    if (electron.ok) {
      console.log(`Electron ${electron.value.version} at ${electron.value.path}`);
      env.set("VITRINE_ELECTRON_BINARY", electron.value.path);
    } else leftOut("Electron", `${electron.error.message} ${electron.error.hint ?? ""}`.trim());
    const chromium = await findChromium(options);
    if (!chromium.ok) {
      const why = `${chromium.error.message} ${chromium.error.hint ?? ""}`.trim();
      leftOut("everything that needs a browser", why);
      // On a developer's machine that is a thing to know; a check of a change must not pass without it.
      return process.env["CI"] === "true" ? oneCheck(`Browser: ${why}`) : { passed: 0, failed: 0, skipped: 0, failures: [] };
    }
    const { path, version, evidence } = chromium.value;
    console.log(`Chromium ${version} at ${path} (${evidence})`);
    env.set("VITRINE_BROWSER", path);
    return oneCheck("");
  },
};
