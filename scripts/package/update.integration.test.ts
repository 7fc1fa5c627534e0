import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { whyNoBoot } from "./testing/booted-root.ts";
import { InstalledDevice } from "./testing/installed-device.ts";
import { installUnderLoad } from "./testing/live-load.ts";

const why = whyNoBoot();
if (why !== undefined) reportLeftOut("upgrades and updates of the package under systemd", why);

const LAST_WORDS = "the last words of release 0.3.0";
/** On a busy machine everything takes a multiple of its time. */
const TEST_MS = 400_000;

/** The life of one device, on which each test goes on where the one before it ended. The whole of it is `npm run prove:updates`. */
describe.skipIf(why !== undefined)("the installed package under systemd", () => {
  let device: InstalledDevice;
  let started: InstalledDevice | undefined;

  beforeAll(async () => {
    await buildApart(resolve(import.meta.dirname, "../.."));
    device = started = await InstalledDevice.start({
      installed: "0.1.0",
      releases: { "0.1.0": {}, "0.2.0": {}, "0.3.0": { agent: `console.error("${LAST_WORDS}"); process.exit(70);` } },
    });
  }, TEST_MS);

  afterAll(async () => {
    await started?.close();
  }, 60_000);

  const show = (unit: string, property: string): Promise<string> => device.ground.read(`systemctl show ${unit} --property=${property} --value`);
  const version = async (): Promise<string> => (JSON.parse(await device.ground.read("vitrine status --json")) as { agentVersion: string }).agentVersion;

  test("an upgrade and a downgrade by dpkg under a live link lose nothing, do nothing twice, and leave each command one outcome", async () => {
    expect((await installUnderLoad(device, ["0.2.0", "0.1.0"])).violations).toEqual([]);
  }, TEST_MS);

  test("a good release from the air runs under its own units and is confirmed, and the player's process goes on", async () => {
    const player = await show("vitrine-player", "MainPID");
    expect(player).not.toBe("0");
    const id = await device.update("0.2.0");
    expect(await device.outcome(id)).toMatchObject({ state: "succeeded", result: { version: "0.2.0", from: "0.1.0" } });
    expect([await version(), await show("vitrine-agent", "FragmentPath"), await show("vitrine-agent", "User"), await show("vitrine-player", "MainPID")]).toEqual(["0.2.0", "/run/systemd/generator/vitrine-agent.service", "vitrine-agent", player]);
    expect(await device.ground.read("readlink /var/lib/vitrine-releases/current /var/lib/vitrine-releases/confirmed; stat -c '%U %a' /var/lib/vitrine-releases/0.2.0")).toBe("0.2.0\n0.2.0\nroot 755");
  }, TEST_MS);

  test("a release that does not start goes back over a power cut within its trial, and the cloud learns its last words and how it ended", async () => {
    const id = await device.update("0.3.0");
    await device.ground.until("readlink /var/lib/vitrine-releases/current | grep -x 0.3.0", 240_000);
    await device.ground.powerCut();
    const row = await device.outcome(id);
    expect(row).toMatchObject({ state: "failed", error: { code: "update.crashes" }, effect: { observed: { value: { running: "0.2.0", failed: "0.3.0", services: { "vitrine-agent.service": { exit: expect.stringContaining("exited 70") as string } } } } } });
    expect(JSON.stringify(row.effect)).toContain(LAST_WORDS);
    expect([await version(), device.outcomes(id)]).toEqual(["0.2.0", 1]);
    // Its folder may still be there: the player started from it at the boot within the trial, and plays on.
    expect(await device.ground.read("ls /var/lib/vitrine-releases")).not.toMatch(/^(?:trial\.json|incoming)$/m);
  }, TEST_MS);

  test("where /var is mounted after systemd has read the units, the release's units count all the same", async () => {
    const releases = "/var/lib/vitrine-releases";
    await device.ground.read(`systemctl stop vitrine-updater.path vitrine-updater.socket vitrine-updater vitrine-agent && mv ${releases} /late && mkdir ${releases} && echo '/late ${releases} none bind 0 0' >> /etc/fstab`);
    await device.ground.powerCut();
    await device.ground.until("vitrine status --json", 240_000);
    expect([await version(), await show("vitrine-agent", "FragmentPath"), await show("vitrine-units", "Result")]).toEqual(["0.2.0", "/run/systemd/generator/vitrine-agent.service", "success"]);
  }, TEST_MS);
});
