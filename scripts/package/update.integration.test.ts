import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { whyNoBoot } from "./testing/booted-root.ts";
import { InstalledDevice } from "./testing/installed-device.ts";
import { LiveLoad } from "./testing/live-load.ts";

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

  const show = (unit: string, property: string): string => device.root.read(`systemctl show ${unit} --property=${property} --value`);
  const version = (): string => (JSON.parse(device.root.read("vitrine status --json")) as { agentVersion: string }).agentVersion;

  test("an upgrade and a downgrade by dpkg under a live link lose nothing, do nothing twice, and leave each command one outcome", async () => {
    const load = new LiveLoad(device);
    onTestFinished(() => load.stop(), TEST_MS);
    for (const to of ["0.2.0", "0.1.0"]) {
      const { ended } = load.commands;
      // In one look: a fast machine leaves none open for the greater part of the time.
      await expect.poll(() => load.commands.ended > ended + 10 && load.commands.open > 0, { timeout: 60_000, interval: 5 }).toBe(true);
      await device.root.perform(`dpkg --force-unsafe-io --install ${device.deb(to)}`);
      await device.root.until(`vitrine status --json | grep '"agentVersion":"${to}"'`, 240_000);
    }
    const { violations, holes, acknowledged, commands, effectsMost, states } = await load.finish();
    expect({ violations, holes, effectsMost, open: states["open"] }).toEqual({ violations: [], holes: 0, effectsMost: 1 });
    expect(acknowledged).toBeGreaterThan(50);
    expect(commands).toBeGreaterThan(20);
  }, TEST_MS);

  test("a good release from the air runs under its own units and is confirmed, and the player's process goes on", async () => {
    const player = show("vitrine-player", "MainPID");
    expect(player).not.toBe("0");
    const id = await device.update("0.2.0");
    expect(await device.outcome(id)).toMatchObject({ state: "succeeded", result: { version: "0.2.0", from: "0.1.0" } });
    expect([version(), show("vitrine-agent", "FragmentPath"), show("vitrine-agent", "User"), show("vitrine-player", "MainPID")]).toEqual(["0.2.0", "/run/systemd/generator/vitrine-agent.service", "vitrine-agent", player]);
    expect(device.root.read("readlink /var/lib/vitrine-releases/current /var/lib/vitrine-releases/confirmed; stat -c '%U %a' /var/lib/vitrine-releases/0.2.0")).toBe("0.2.0\n0.2.0\nroot 755");
  }, TEST_MS);

  test("a release that does not start goes back over a power cut within its trial, and the cloud learns its last words and how it ended", async () => {
    const id = await device.update("0.3.0");
    await device.root.until("readlink /var/lib/vitrine-releases/current | grep -x 0.3.0", 240_000);
    await device.root.powerCut();
    const row = await device.outcome(id);
    expect(row).toMatchObject({ state: "failed", error: { code: "update.crashes" }, effect: { observed: { value: { running: "0.2.0", failed: "0.3.0", services: { "vitrine-agent.service": { exit: expect.stringContaining("exited 70") as string } } } } } });
    expect(JSON.stringify(row.effect)).toContain(LAST_WORDS);
    expect([version(), device.outcomes(id)]).toEqual(["0.2.0", 1]);
    // Its folder may still be there: the player started from it at the boot within the trial, and plays on.
    expect(device.root.read("ls /var/lib/vitrine-releases")).not.toMatch(/^(?:trial\.json|incoming)$/m);
  }, TEST_MS);

  test("where /var is mounted after systemd has read the units, the release's units count all the same", async () => {
    const releases = "/var/lib/vitrine-releases";
    device.root.read(`systemctl stop vitrine-updater.path vitrine-updater.socket vitrine-updater vitrine-agent && mv ${releases} /late && mkdir ${releases} && echo '/late ${releases} none bind 0 0' >> /etc/fstab`);
    await device.root.powerCut();
    await device.root.until("vitrine status --json", 240_000);
    expect([version(), show("vitrine-agent", "FragmentPath"), show("vitrine-units", "Result")]).toEqual(["0.2.0", "/run/systemd/generator/vitrine-agent.service", "success"]);
  }, TEST_MS);
});
