import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { LittleSystemd } from "./testing/little-systemd.ts";
import type { Behaviour } from "./testing/stand-in.ts";
import { makeDeb, signRelease, writeTree } from "./testing/test-release.ts";
import { built } from "./testing/built.ts";
import { until, UpdaterBench } from "./testing/updater-bench.ts";

// Every case starts real processes: the updater several times, dpkg-deb and tar.
vi.setConfig({ testTimeout: 120_000 });

const why = existsSync("/usr/bin/dpkg-deb") ? undefined : "this machine has no dpkg-deb";
if (why !== undefined) reportLeftOut("whole updates with real processes", why);
const whyNoDisk = process.getuid?.() === 0 && spawnSync("unshare", ["--mount", "true"]).status === 0 ? why : "only root can mount a small disk";
if (whyNoDisk !== undefined) reportLeftOut("an update on a disk that becomes full", whyNoDisk);

const GOOD: Behaviour = { agent: "runs", picture: "showing", cloud: true, judgeHurry: 5 };
/** What the stand-in takes of the screen when it gives its release up. */
const PICTURE = "a picture of 1.1.0";
const TIMEOUT_MS = 90_000;

let bench: UpdaterBench;
let systemd: LittleSystemd;
let mounted = false;
beforeEach(async () => {
  bench = new UpdaterBench();
  systemd = new LittleSystemd(bench);
  mkdirSync(join(bench.root, "world"));
  writeTree(bench.packaged, { version: "1.0.0", files: await filesOf(GOOD) });
});
afterEach(async () => {
  await systemd.off();
  await bench.stop();
  if (mounted) execFileSync("umount", [bench.releases]);
  mounted = false;
  await bench.remove();
});

/** A release whose services are stand-ins that behave like this. */
async function filesOf(behaviour: Behaviour, more: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const program = await built("agent/updater/testing/stand-in.ts");
  return {
    "behaviour.json": JSON.stringify(behaviour),
    // Each release has another player host, so that the player is restarted too.
    "dist/player-host/chromium.js": JSON.stringify(behaviour),
    "bin/launch": `#!/bin/sh\nexec ${process.execPath} ${program} "$1" "$2" ${join(bench.root, "world")} ${bench.socket}\n`,
    ...more,
  };
}

const world = (name: string): string => join(bench.root, "world", name);

/** Asks the running agent for the update to 1.1.0. */
async function update(behaviour: Behaviour, more: Readonly<Record<string, string>> = {}): Promise<void> {
  await bench.start();
  systemd.boot();
  await until(() => existsSync(world("screen")) && existsSync(world("agent-version")));
  const deb = makeDeb(bench.root, { version: "1.1.0", files: await filesOf(behaviour, more) });
  copyFileSync(deb, world("vitrine.deb"));
  const release = await signRelease(deb, "1.1.0");
  writeFileSync(world("request.tmp"), JSON.stringify({ release, holdSeconds: 15, trialMinutes: 1 }));
  copyFileSync(world("request.tmp"), world("request.json"));
}

async function outcome(): Promise<Record<string, unknown>> {
  await until(() => existsSync(world("outcome.json")));
  return JSON.parse(readFileSync(world("outcome.json"), "utf8")) as Record<string, unknown>;
}

/** The services run from the old release again, nothing of the new one is left, and there was one outcome. */
async function expectOldRelease(): Promise<void> {
  await until(() => readFileSync(world("agent-version"), "utf8") === "1.0.0" && readFileSync(world("screen"), "utf8") === "showing");
  expect(await bench.updater.status()).toMatchObject({ ok: true, value: { running: "1.0.0", confirmed: "1.0.0" } });
  expect([existsSync(join(bench.releases, "1.1.0")), existsSync(join(bench.releases, "trial.json")), existsSync(world("second-outcome.json"))]).toEqual([false, false, false]);
}

describe.skipIf(why !== undefined)("an update", () => {
  test("that is good ends on the new release, confirmed by it", async () => {
    await update(GOOD);
    expect(await outcome()).toMatchObject({ state: "succeeded", by: "1.1.0", result: { version: "1.1.0", from: "1.0.0" } });
    expect(await bench.updater.status()).toMatchObject({ ok: true, value: { running: "1.1.0", confirmed: "1.1.0" } });
  }, TIMEOUT_MS);

  test.each<[string, Behaviour, string, string, string?]>([
    ["that does not start", { ...GOOD, agent: "exits" }, "update.crashes", "vitrine-agent.service was restarted"],
    ["that starts and crashes", { ...GOOD, agent: "crashes" }, "update.crashes", "vitrine-agent.service was restarted"],
    ["without a picture", { ...GOOD, picture: "unknown" }, "update.picture-worse", 'is "unknown" with it', PICTURE],
    ["with a wrong picture", { ...GOOD, picture: "error-page" }, "update.picture-worse", 'is "error-page" with it', PICTURE],
    ["that never reaches the cloud", { ...GOOD, cloud: false }, "update.cloud-not-reached", "the cloud was not reached", PICTURE],
  ])("%s goes back by itself, and the old release tells what the new one left", async (_how, behaviour, code, words, picture) => {
    await update(behaviour);
    const end = await outcome();
    expect(end).toMatchObject({ state: "failed", error: { code }, effect: { observed: { value: { running: "1.0.0", failed: "1.1.0", services: { "vitrine-agent.service": {} }, log: ["2026-11-30T12:00:00+00:00 pi vitrine-agent[12]: Error: the last words of this release"] } } } });
    expect((end["error"] as { message: string }).message).toContain(words);
    expect((end["effect"] as { observed: { value: { picture?: string } } }).observed.value.picture).toBe(picture);
    await expectOldRelease();
  }, TIMEOUT_MS);

  test.skipIf(whyNoDisk !== undefined)("on a disk that becomes full in the middle changes nothing", async () => {
    mkdirSync(bench.releases);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", bench.releases]);
    mounted = true;
    // Small as a package, and larger than the disk when it is unpacked.
    await update(GOOD, { "dist/agent/large.js": " ".repeat(8 * 1024 * 1024) });
    expect(await outcome()).toMatchObject({ state: "failed", by: "1.0.0", error: { code: "update.disk-full" } });
    await expectOldRelease();
  }, TIMEOUT_MS);

  test("that loses its power at each start goes back after its boots, with one outcome", async () => {
    await update({ ...GOOD, cloud: false, judgeHurry: 1 });
    await until(() => existsSync(join(bench.releases, "trial.json")) && readFileSync(world("agent-version"), "utf8") === "1.1.0");
    for (const boot of ["boot-2", "boot-3", "boot-4"]) {
      await systemd.off();
      await bench.stop();
      bench.boot(boot);
      systemd.boot();
      // As vitrine-updater.path does while there is a trial.
      await bench.start();
      await until(async () => (await bench.updater.status()).ok);
    }
    expect(await outcome()).toMatchObject({ state: "failed", error: { code: "update.not-confirmed" } });
    await expectOldRelease();
  }, TIMEOUT_MS);
});
