import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { UpdaterBench } from "./testing/updater-bench.ts";

// Every case starts real processes: the updater several times, dpkg-deb and tar.
vi.setConfig({ testTimeout: 120_000 });

const why = existsSync("/usr/bin/dpkg-deb") ? undefined : "this machine has no dpkg-deb";
if (why !== undefined) reportLeftOut("an updater that is killed at each step", why);

let bench: UpdaterBench;
beforeEach(() => {
  bench = new UpdaterBench();
});
afterEach(() => bench.remove());

const FILES = { "dist/agent/parts/a.js": "a", "dist/agent/parts/b.js": "b", "bin/extra": "#!/bin/sh\n" };

/** A new process after the power came back; the state is the old release or the new one, and the new one is whole. */
async function afterPowerCut() {
  await bench.start();
  const answer = await bench.updater.status();
  if (!answer.ok) throw new Error(answer.error.message);
  const { running } = answer.value;
  expect(["1.0.0", "1.1.0"]).toContain(running);
  const folder = running === "1.0.0" ? bench.packaged : join(bench.releases, "current");
  expect(JSON.parse(readFileSync(join(folder, "release.json"), "utf8"))).toMatchObject({ version: running });
  const files = running === "1.1.0" ? Object.keys(FILES) : [];
  expect(files.map((path) => readFileSync(join(folder, path), "utf8"))).toEqual(running === "1.1.0" ? Object.values(FILES) : []);
  // Nothing half is left: each folder with a version's name belongs to a link.
  const versions = readdirSync(bench.releases).filter((name) => /^\d/.test(name));
  expect(versions).toEqual(running === "1.1.0" ? ["1.1.0"] : []);
  expect(existsSync(join(bench.releases, "incoming"))).toBe(false);
  return answer.value;
}

/** The last step that the killed process logged. */
function lastStep(): string {
  return [...bench.output.matchAll(/"step":"([a-z-]+)"/g)].at(-1)?.[1] ?? "";
}

describe.skipIf(why !== undefined)("an updater that is killed", () => {
  // Before the switch nothing has changed, and the job is known to have been interrupted; from then on the release is on trial.
  const untouched = { running: "1.0.0", interrupted: { job: "job-1" } };
  const takenBack = { running: "1.0.0", lastFailed: { job: "job-1", code: "update.interrupted" } };
  const onTrial = { running: "1.1.0", trial: { job: "job-1" } };
  const restart = "restart --no-block vitrine-agent.service";
  test.each<[string, number, object, string, readonly string[]]>([
    ["installing", 1, untouched, "job-1", []],
    ["unpacked", 2, untouched, "job-1", []],
    ["adopted", 3, untouched, "job-1", []],
    ["back-prepared", 4, untouched, "job-1", []],
    ["trial-written", 5, takenBack, "job-2", [restart]],
    // The updater alone was killed: the services that still run the old release are restarted now.
    ["switched", 6, onTrial, "job-1", [restart]],
    ["restarted", 7, onTrial, "job-1", [restart, restart]],
  ])("while it installs, at the step %s, leaves the old or the new release, and the update can be done after all", async (step, at, state, job, restarts) => {
    const request = await bench.request("job-1", { version: "1.1.0", files: FILES });
    await bench.start({ dieAtStep: at });
    await bench.updater.install(request);
    expect(await bench.ended()).toBe("SIGKILL");
    expect(lastStep()).toBe(step);
    expect(await afterPowerCut()).toMatchObject(state);
    expect(bench.calls().filter((call) => call.startsWith("restart"))).toEqual(restarts);
    expect(await bench.updater.install({ ...request, job })).toMatchObject({ ok: true });
    expect(await bench.updater.confirm(job)).toMatchObject({ ok: true });
    expect(await bench.updater.status()).toMatchObject({ ok: true, value: { running: "1.1.0", confirmed: "1.1.0", lastConfirmed: { job, version: "1.1.0" } } });
  });

  test.each([["confirmed", 1], ["trial-ended", 2], ["pruned", 3]] as const)("while it confirms, at the step %s, has confirmed", async (step, at) => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0", files: FILES }));
    await bench.untilRestarted();
    await bench.stop();
    await bench.start({ dieAtStep: at });
    await bench.updater.confirm("job-1");
    expect(await bench.ended()).toBe("SIGKILL");
    expect(lastStep()).toBe(step);
    expect(await afterPowerCut()).toEqual({ running: "1.1.0", confirmed: "1.1.0", lastConfirmed: { job: "job-1", version: "1.1.0" } });
  });

  const back = { running: "1.0.0", confirmed: "1.0.0", lastFailed: { job: "job-1", code: "update.cloud-not-reached", message: "no welcome" } };
  test.each<[string, number, object]>([["evidence", 1, onTrial], ["switched-back", 2, back], ["restarted", 3, back], ["failed-written", 4, back], ["pruned", 5, back]])("while it goes back, at the step %s, is on trial or back, and ends back with its reason", async (step, at, state) => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0", files: FILES }));
    await bench.untilRestarted();
    await bench.stop();
    await bench.start({ dieAtStep: at });
    await bench.updater.back("job-1", "update.cloud-not-reached", "no welcome");
    expect(await bench.ended()).toBe("SIGKILL");
    expect(lastStep()).toBe(step);
    expect(await afterPowerCut()).toMatchObject(state);
    // Where it is still on trial, its time will be over; the first reason and its evidence stay.
    await bench.updater.back("job-1", "update.not-confirmed", "its time is over");
    expect(await bench.updater.status()).toMatchObject({ value: back });
    // The services run from the old release again.
    expect(bench.calls().at(-1)).toBe(restart);
  });
});
