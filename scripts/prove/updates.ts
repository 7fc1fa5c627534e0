/**
 * `npm run prove:updates [-- --cuts N]`: the real package under a real systemd with a real browser, updated over the air to a good release and to
 * seven bad ones, the last of them by cutting the power at every step of the updater. Compares what the cloud was told with what runs.
 */
import { cpus } from "node:os";
import { resolve } from "node:path";
import { buildApart } from "../build/build-apart.ts";
import { container, whyNoBoot } from "../package/testing/booted-root.ts";
import { openPackageRoot } from "../package/testing/package-root.ts";
import { thisMachine } from "../setup/machine.ts";
import { campaignFolder } from "./harness/campaign-folder.ts";
import { campaignOptions } from "./harness/options.ts";
import { FramePage } from "./updates/frame-page.ts";
import { ScreenDevice } from "./updates/screen-device.ts";
import { BAD_RELEASES, BASE, INSTALL_STEPS, releasesFor, runBadUpdate, runFullDisk, runPowerCut, type CaseEnd } from "./updates/update-cases.ts";

const { numbers } = campaignOptions("prove:updates [--bad 0: no bad releases] [--cuts N steps at which the power is cut (0: none)]", { bad: [1, 0, 1], cuts: [INSTALL_STEPS.length, 0, INSTALL_STEPS.length] });
campaignFolder("vitrine-prove-updates-");
const startedMs = performance.now();
await buildApart(resolve(import.meta.dirname, "../.."));
const root = await openPackageRoot(thisMachine, "screen");
const why = root.ok ? whyNoBoot("screen") : root.error.message;
if (why !== undefined) {
  console.error(`prove:updates cannot run here: ${why}`);
  process.exit(1);
}
console.log(`prove:updates on ${cpus().length} × ${cpus()[0]?.model ?? "?"}: a booted Debian 13 with labwc and Chromium, in a container of systemd-nspawn`);
const bad = numbers.bad === 1 ? BAD_RELEASES : [];
const screen = await ScreenDevice.start({ ground: container("screen"), page: await FramePage.start(), installed: BASE, releases: releasesFor(bad) });
let violations = 0;
let runs = 0;
const tell = (name: string, { outcome, violations: found }: CaseEnd): void => {
  runs += 1;
  violations += found.length;
  console.log(`${Math.round((performance.now() - startedMs) / 1_000)} s, ${name}: ${outcome}`);
  for (const violation of found) console.log(`  VIOLATION ${violation}`);
};
try {
  for (const release of bad) tell(release.name, await runBadUpdate(screen, release));
  if (bad.length > 0) tell("disk full in the middle", await runFullDisk(screen));
  for (const step of INSTALL_STEPS.slice(0, numbers.cuts)) tell(`power cut at ${step}`, await runPowerCut(screen, step));
} finally {
  await screen.close();
}
console.log(`${runs} updates: ${violations} violations`);
process.exitCode = violations === 0 ? 0 : 1;
