import { delimiter, join } from "node:path";
import { archiveBrowsers } from "../setup/archive-browsers.ts";
import { canInstall, installPackages } from "../setup/debian-packages.ts";
import { findElectron } from "../setup/electron-binary.ts";
import { findChromium } from "../setup/find-browser.ts";
import { thisMachine } from "../setup/machine.ts";
import { oneCheck, type Step, type StepContext } from "./step.ts";

/** In the source tree, ignored by git. */
const CACHE = ".vitrine/browsers";
const XVFB = "/usr/bin/Xvfb";

/**
 * Finds or installs what later tests need: a Chromium (VITRINE_BROWSER), that and other versions from the package
 * archives (VITRINE_BROWSERS, for the shell suite), an X server for windowed suites, and Electron if its binary is
 * present (VITRINE_ELECTRON_BINARY).
 */
export const browserStep: Step = {
  name: "browser",
  title: "Browser",
  async run(context) {
    const { root, env, leftOut } = context;
    const electron = await findElectron(root, thisMachine, process.env["VITRINE_ELECTRON"] === "download" ? "must" : "no");
    if (electron.ok) {
      console.log(`Electron ${electron.value.version} at ${electron.value.path}`);
      env.set("VITRINE_ELECTRON_BINARY", electron.value.path);
    } else leftOut("Electron", `${electron.error.message} ${electron.error.hint ?? ""}`.trim());
    await provideDisplay(context);
    const chromium = await findChromium({ root, install: true, machine: thisMachine });
    if (!chromium.ok) {
      const why = `${chromium.error.message} ${chromium.error.hint ?? ""}`.trim();
      leftOut("everything that needs a browser", why);
      // On a developer's machine this is only reported; in CI it is a failure.
      return process.env["CI"] === "true" ? oneCheck(`Browser: ${why}`) : { passed: 0, failed: 0, skipped: 0, failures: [] };
    }
    const { path, version, evidence } = chromium.value;
    console.log(`Chromium ${version} at ${path} (${evidence})`);
    env.set("VITRINE_BROWSER", path);
    return oneCheck(await provideOthers(context, path, version));
  },
};

/** Resolves with the failure, if any: in CI as root, a second version that the archives offer must be usable. */
async function provideOthers({ root, env, leftOut }: StepContext, path: string, version: string): Promise<string> {
  // The browsers to test were given explicitly.
  if ((process.env["VITRINE_BROWSERS"] ?? "") !== "") return "";
  const { browsers, missing } = await archiveBrowsers(thisMachine, join(root, CACHE), version);
  for (const other of browsers) console.log(`Chromium ${other.version} at ${other.path} (${other.evidence})`);
  env.set("VITRINE_BROWSERS", [path, ...browsers.map((other) => other.path)].join(delimiter));
  for (const other of missing) leftOut(`the shell suite on Chromium ${other.version}`, other.why);
  if (browsers.length > 0) return "";
  if (missing.length === 0) leftOut("the shell suite on a second version of Chromium", "the package archives of this machine offer none");
  const must = process.env["CI"] === "true" && thisMachine.isRoot && missing.length > 0;
  return must ? `Browser: no second version of Chromium: ${missing.map((other) => `${other.version}: ${other.why}`).join("; ")}` : "";
}

async function provideDisplay({ leftOut }: StepContext): Promise<void> {
  if (await thisMachine.isExecutable(XVFB)) return;
  if (await canInstall(thisMachine)) {
    console.log("Installing Xvfb, an X server for the windowed suites (once) …");
    if ((await installPackages(thisMachine, ["xvfb"])).ok) return;
    leftOut("the windowed suites", "Xvfb could not be installed; apt-get's message is above");
  } else leftOut("the windowed suites", "Xvfb is missing; as root on Debian it would be installed");
}
