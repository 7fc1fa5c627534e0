import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail } from "../../../platform/ports/result.ts";
import { FACTORY_SOFTWARE } from "../../../platform/simulated/world-state.ts";
import { SimulatedUpdater } from "../../node/simulated-updater.ts";
import { START_MS } from "../commands/testing/test-device.ts";
import { RELEASE, signedRelease, UpdateRig } from "./testing/update-rig.ts";

const MINUTE_MS = 60_000;

async function updated(prepare: (rig: UpdateRig) => void = () => {}, forMs = 15 * MINUTE_MS): Promise<UpdateRig> {
  const rig = new UpdateRig();
  prepare(rig);
  await rig.update();
  await rig.pass(forMs);
  return rig;
}

test("a good release is confirmed after picture and link were good for the hold time, and the command succeeds", async () => {
  const rig = await updated();
  expect(rig.outcome).toMatchObject({ state: "succeeded", result: { version: "1.1.0", from: "1.0.0" }, effect: { observed: { kind: "ok", value: { running: "1.1.0" } } } });
  expect(rig.software).toMatchObject({ running: "1.1.0", confirmed: "1.1.0" });
  expect(rig.software.trial).toBe(false);
  expect(rig.outcome?.durationMs).toBeGreaterThan(MINUTE_MS);
});

test("a release that shows a worse picture is given up, with the picture as evidence", async () => {
  const rig = await updated((world) => (world.trialVerdict = "blank"));
  expect(rig.outcome).toMatchObject({
    state: "failed",
    error: { code: "update.picture-worse" },
    effect: { observed: { kind: "ok", value: { running: "1.0.0", failed: "1.1.0", picture: "picture-1", log: ["the simulated release 1.1.0 ended"] } } },
  });
  expect(rig.outcome?.error?.message).toContain('the screen was "showing" before the release and is "blank" with it');
  expect(rig.software).toMatchObject({ running: "1.0.0", confirmed: "1.0.0" });
  expect(rig.uploads).toBe(1);
});

test("a picture that was bad before does not hold a release up, as long as it is bad in the same way", async () => {
  const same = await updated((rig) => { rig.verdictBefore = "error-page"; rig.trialVerdict = "error-page"; });
  expect(same.outcome?.state).toBe("succeeded");
  const other = await updated((rig) => { rig.verdictBefore = "error-page"; rig.trialVerdict = "frozen"; });
  expect(other.outcome?.error?.code).toBe("update.picture-worse");
});

test("a release that has lost the player is given up, also in the night, when the display is off", async () => {
  for (const verdict of ["dark-expected", "unknown"] as const) {
    const lost = await updated((rig) => Object.assign(rig, { verdictBefore: verdict, trialVerdict: verdict, trialHasPlayer: false }), 20 * MINUTE_MS);
    expect(lost.outcome).toMatchObject({ state: "failed", error: { code: "update.picture-worse", message: expect.stringContaining("the player was connected before the release and is not with it") as string } });
    expect(lost.software).toMatchObject({ running: "1.0.0", confirmed: "1.0.0" });
  }
  const never = await updated((rig) => Object.assign(rig, { verdictBefore: "unknown", trialVerdict: "unknown", hadPlayer: false, trialHasPlayer: false }), 20 * MINUTE_MS);
  expect(never.outcome?.state).toBe("succeeded");
});

test("an update that begins before the player has started waits for its picture, so that a release without a player is given up", async () => {
  const lost = await updated((rig) => Object.assign(rig, { playerFromMs: 2 * MINUTE_MS, trialVerdict: "unknown", trialHasPlayer: false }), 20 * MINUTE_MS);
  expect(lost.outcome).toMatchObject({ state: "failed", error: { code: "update.picture-worse" } });
  expect(lost.software).toMatchObject({ running: "1.0.0", confirmed: "1.0.0" });
  const canceled = new UpdateRig();
  canceled.playerFromMs = 2 * MINUTE_MS;
  await canceled.update();
  await canceled.pass(MINUTE_MS);
  canceled.cancel();
  await canceled.pass(MINUTE_MS);
  expect([canceled.outcome?.state, canceled.software.running]).toEqual(["canceled", "1.0.0"]);
});

test("a release that does not reach the cloud is given up, and the outcome comes once the old one is online", async () => {
  const rig = await updated((world) => world.world.update({ software: { ...FACTORY_SOFTWARE, mood: "cut-off" } }));
  expect(rig.outcome).toMatchObject({ state: "failed", error: { code: "update.cloud-not-reached" } });
  expect(rig.software.running).toBe("1.0.0");
});

test("a link that comes and goes during the hold time starts it anew", async () => {
  const rig = new UpdateRig();
  await rig.update({ holdSeconds: 60, trialMinutes: 5 });
  for (let minute = 0; minute < 4; minute += 1) {
    await rig.pass(40_000);
    rig.online = false;
    await rig.pass(5_000);
    rig.online = true;
    expect(rig.outcome).toBeUndefined();
  }
  await rig.pass(5 * MINUTE_MS);
  expect(rig.outcome?.state).toBe("succeeded");
});

test("a release that keeps ending is taken back by the updater, and the old one reports it", async () => {
  const rig = await updated((world) => world.world.update({ software: { ...FACTORY_SOFTWARE, mood: "crashes" } }));
  expect(rig.outcome).toMatchObject({ state: "failed", error: { code: "update.crashes" } });
  expect(rig.software.running).toBe("1.0.0");
});

test("a trial that is too short for its hold time, so that no release could pass, is refused before anything is downloaded", async () => {
  const rig = new UpdateRig();
  await rig.update({ holdSeconds: 60, trialMinutes: 1 });
  await rig.pass(1_000);
  expect(rig.outcome).toMatchObject({ state: "rejected", error: { code: "update.trial-too-short" } });
  expect(rig.downloads).toBe(0);
});

test("it begins within its window, and not after it", async () => {
  const rig = new UpdateRig();
  await rig.update({ notBeforeMs: START_MS + 2 * 3_600_000, notAfterMs: START_MS + 3 * 3_600_000 });
  await rig.pass(119 * MINUTE_MS);
  expect([rig.downloads, rig.outcome]).toEqual([0, undefined]);
  await rig.pass(10 * MINUTE_MS);
  expect(rig.outcome?.state).toBe("succeeded");
  const late = new UpdateRig();
  await late.update({ notAfterMs: START_MS - 1 });
  await late.pass(1_000);
  expect(late.outcome).toMatchObject({ state: "failed", error: { code: "update.window-over" } });
});

test("a release is not switched to when its trial might not end before the command times out", async () => {
  const rig = new UpdateRig();
  const beginsAfterMs = 29.5 * 60 * MINUTE_MS;
  await rig.update({ notBeforeMs: START_MS + beginsAfterMs });
  await rig.device.time.advance(beginsAfterMs + 10 * MINUTE_MS);
  expect(rig.outcome).toMatchObject({ state: "failed", error: { code: "update.too-late", message: expect.stringContaining("29.5 h") as string } });
  expect([rig.downloads, rig.software]).toEqual([1, { running: "1.0.0", confirmed: "1.0.0", trial: false }]);
  const inTime = new UpdateRig();
  await inTime.update({ notBeforeMs: START_MS + 29 * 60 * MINUTE_MS });
  await inTime.device.time.advance(29 * 60 * MINUTE_MS + MINUTE_MS);
  await inTime.pass(15 * MINUTE_MS);
  expect(inTime.outcome?.state).toBe("succeeded");
});

test("with a window it waits until the time is known", async () => {
  const rig = new UpdateRig();
  rig.device.serverKnown = false;
  await rig.update({ notBeforeMs: START_MS });
  await rig.pass(10 * MINUTE_MS);
  expect(rig.downloads).toBe(0);
  rig.device.serverKnown = true;
  await rig.pass(10 * MINUTE_MS);
  expect(rig.outcome?.state).toBe("succeeded");
});

test("a download that breaks off is continued; one with another hash ends the command and nothing is installed", async () => {
  const resumed = await updated((rig) => rig.downloadErrors.push(fail("content.unreachable", "broke off"), fail("content.unreachable", "broke off")));
  expect([resumed.downloads, resumed.outcome?.state]).toEqual([3, "succeeded"]);
  expect(resumed.device.sentOf("command-progress").map(({ step }) => step)).toContain("cannot download, and tries again: broke off");
  const wrong = await updated((rig) => rig.downloadErrors.push(fail("content.hash-mismatch", "other bytes")));
  expect(wrong.outcome).toMatchObject({ state: "failed", error: { code: "content.hash-mismatch" } });
  expect(wrong.software.running).toBe("1.0.0");
});

test.each([
  ["whose manifest was changed after it was signed", async () => ({ ...RELEASE, payload: RELEASE.payload.replace("1.1.0", "1.2.0") }), "update.bad-signature"],
  ["of another vendor's key", async () => ({ ...RELEASE, key: "0".repeat(32) }), "update.unknown-key"],
  ["that is the running one", () => signedRelease({ version: "1.0.0" }), "update.not-newer"],
  ["that is older", () => signedRelease({ version: "0.9.0" }), "update.not-newer"],
  ["for another machine", () => signedRelease({ packages: {} }), "update.wrong-machine"],
])("the simulated machine refuses a release %s before anything is downloaded", async (_what, release, code) => {
  const rig = new UpdateRig();
  await rig.update({ release: await release() });
  await rig.pass(5_000);
  expect(rig.outcome).toMatchObject({ state: "rejected", error: { code } });
  expect(rig.downloads).toBe(0);
});

test("an older release is taken when its manifest says downgrade", async () => {
  const rig = new UpdateRig();
  await rig.update({ release: await signedRelease({ version: "0.9.0", downgrade: true }) });
  await rig.pass(15 * MINUTE_MS);
  expect([rig.outcome?.state, rig.software.running, rig.software.confirmed]).toEqual(["succeeded", "0.9.0", "0.9.0"]);
});

test("a package of another version, installed since, makes the releases that came over the air void", async () => {
  const rig = await updated();
  expect(rig.software.running).toBe("1.1.0");
  const updater = new SimulatedUpdater({ world: rig.world, timers: rig.device.time, log: silentLog, crypto: nodeCrypto, version: "1.0.5", keys: () => Promise.resolve([]), keysAre: "", onRestart: () => {} });
  expect(await updater.status()).toEqual({ ok: true, value: { running: "1.0.5", confirmed: "1.0.5" } });
  updater.close();
});

describe("a cancel", () => {
  test.each([
    ["while it waits for its window", { notBeforeMs: START_MS + 3_600_000 }, () => {}],
    ["while it waits to download again", {}, (rig: UpdateRig) => void rig.downloadErrors.push(...Array.from({ length: 9 }, () => fail("content.unreachable", "no network")))],
  ])("%s ends it, and nothing is installed", async (_when, params, prepare) => {
    const rig = new UpdateRig();
    prepare(rig);
    await rig.update(params);
    await rig.pass(5_000);
    rig.cancel();
    await rig.pass(30 * MINUTE_MS);
    expect(rig.outcome).toMatchObject({ state: "canceled", error: { code: "command.canceled" } });
    expect([rig.software.running, rig.device.outcomes.length]).toEqual(["1.0.0", 1]);
  });

  test.each([0, 1, 2, 5, 40, 70])("%i s after the switch began comes too late: the outcome is that of the release", async (seconds) => {
    const rig = new UpdateRig();
    await rig.update();
    while (!rig.software.trial) await rig.pass(500);
    await rig.pass(seconds * 1_000);
    rig.cancel();
    await rig.pass(15 * MINUTE_MS);
    expect([rig.outcome?.state, rig.software.running, rig.device.outcomes.length]).toEqual(["succeeded", "1.1.0", 1]);
  });

  test("of an update that waits for its turn ends that one alone", async () => {
    const rig = new UpdateRig();
    await rig.update({ notBeforeMs: START_MS + 3_600_000 });
    rig.device.deliver(rig.device.signedCommand({ id: "u2", name: "software.update", params: { release: RELEASE } }));
    await rig.pass(5_000);
    rig.cancel("u2");
    await rig.pass(5_000);
    expect([rig.device.outcomeOf("u2")?.state, rig.outcome]).toEqual(["canceled", undefined]);
  });
});

describe.each([
  ["good", "showing", "1.1.0", "succeeded"],
  ["crashes", "showing", "1.0.0", "failed"],
  ["cut-off", "showing", "1.0.0", "failed"],
  ["good", "frozen", "1.0.0", "failed"],
] as const)("with a release that is %s and shows %s", (mood, verdict, running, state) => {
  const prepare = (rig: UpdateRig): void => {
    rig.world.update({ software: { ...FACTORY_SOFTWARE, mood } });
    rig.trialVerdict = verdict;
  };

  test("an agent that is killed after any write of the journal has the same one outcome, and the release that belongs to it", async () => {
    const { writes } = (await updated(prepare)).device;
    expect(writes).toBeGreaterThan(3);
    const wrong: string[] = [];
    for (let at = 1; at <= writes; at += 1) {
      const rig = await updated((made) => {
        prepare(made);
        made.device.crashPlan = [at];
      }, 30 * MINUTE_MS);
      // The agent may have ended between the note and the request: then nobody knows, and nothing was installed.
      const isUnknown = rig.outcome?.error?.code === "outcome-unknown" && rig.software.running === "1.0.0";
      if (rig.device.outcomes.length !== 1 || !(isUnknown || (rig.outcome?.state === state && rig.software.running === running)) || rig.software.trial) {
        wrong.push(`killed after write ${at}: ${JSON.stringify(rig.outcome)}, ${JSON.stringify(rig.software)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("a power cut at any second of it ends in one outcome, on a release that was confirmed", async () => {
    const wrong: string[] = [];
    for (let second = 0; second <= 30; second += 2) {
      const rig = new UpdateRig();
      prepare(rig);
      await rig.update({ holdSeconds: 10, trialMinutes: 2 });
      await rig.pass(second * 500);
      rig.powerCut();
      await rig.pass(20 * MINUTE_MS);
      const { running, confirmed, trial } = rig.software;
      const fits = rig.outcome?.state === "succeeded" ? running === "1.1.0" : running === "1.0.0";
      if (rig.device.outcomes.length !== 1 || trial || running !== confirmed || !fits) wrong.push(`after ${second / 2} s: ${JSON.stringify(rig.outcome)}, ${JSON.stringify(rig.software)}`);
    }
    expect(wrong).toEqual([]);
  });
});
