import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { makeDeb, signPayload, signRelease } from "./testing/test-release.ts";
import { RESTARTS_MAX } from "./updater.ts";
import { until, UpdaterBench } from "./testing/updater-bench.ts";

// Every case starts real processes: the updater several times, dpkg-deb and tar.
vi.setConfig({ testTimeout: 120_000 });

const why = existsSync("/usr/bin/dpkg-deb") ? undefined : "this machine has no dpkg-deb";
if (why !== undefined) reportLeftOut("the updater with real Debian packages", why);

let bench: UpdaterBench;
beforeEach(() => {
  bench = new UpdaterBench();
});
afterEach(() => bench.remove());

/** A browser whose program has this text, and what a manifest says of it. */
function tarOf(text: string) {
  const browser = join(bench.root, `browser-${text.length}.tar`);
  mkdirSync(join(bench.root, "unpacked"), { recursive: true });
  writeFileSync(join(bench.root, "unpacked/chromium"), text);
  execFileSync("tar", ["-cf", browser, "-C", join(bench.root, "unpacked"), "chromium"]);
  const data = readFileSync(browser);
  return { browser, browsers: { amd64: { url: "https://releases.example/b.tar", bytes: data.length, sha256: createHash("sha256").update(data).digest("hex"), version: "156.0.1" } } };
}

async function status() {
  const answer = await bench.updater.status();
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

describe.skipIf(why !== undefined)("updater", () => {
  test("a release is unpacked beside the old, runs on trial, and stays once it is confirmed", async () => {
    await bench.start();
    expect(await status()).toEqual({ running: "1.0.0", confirmed: "1.0.0" });
    const request = await bench.request("job-1", { version: "1.1.0", files: { "bin/extra": "#!/bin/sh\n" } });
    expect(await bench.updater.install(request)).toEqual({ ok: true, value: undefined });
    expect(await status()).toMatchObject({ running: "1.1.0", confirmed: "1.0.0", trial: { job: "job-1", version: "1.1.0", boots: 1 } });
    await bench.untilRestarted();
    // The player's files are the same: its picture goes on.
    expect(bench.calls()).toEqual(["daemon-reload ", "restart --no-block vitrine-agent.service"]);
    expect(readFileSync(join(bench.releases, "current/dist/agent/main.js"), "utf8")).toBe("// agent of 1.1.0\n");
    expect(await bench.updater.confirm("job-1")).toMatchObject({ ok: true });
    expect(await status()).toEqual({ running: "1.1.0", confirmed: "1.1.0", lastConfirmed: { job: "job-1", version: "1.1.0" } });
    // Asked again after a lost answer.
    expect(await bench.updater.confirm("job-1")).toMatchObject({ ok: true });
    expect(bench.link("confirmed")).toBe("1.1.0");
  });

  const kept = (): string[] => readdirSync(bench.releases).filter((name) => /^\d/.test(name));

  test("a release from which the player still runs is kept over later updates, also by the next updater, until the player was restarted", async () => {
    await bench.start();
    for (const version of ["1.1.0", "1.2.0", "1.3.0"]) {
      expect(await bench.updater.install(await bench.request(version, { version }))).toMatchObject({ ok: true });
      expect(await bench.updater.confirm(version)).toMatchObject({ ok: true });
      if (version === "1.1.0") bench.playerRunsFrom("1.1.0");
    }
    expect(kept()).toEqual(["1.1.0", "1.3.0"]);
    await bench.stop();
    await bench.start();
    expect(await status()).toMatchObject({ running: "1.3.0" });
    expect(kept()).toEqual(["1.1.0", "1.3.0"]);
    await bench.stop();
    bench.playerRunsFrom("1.3.0");
    await bench.start();
    expect(await status()).toMatchObject({ running: "1.3.0" });
    expect(kept()).toEqual(["1.3.0"]);
  });

  test("a player that kept failing before the release is no reason to give the release up", async () => {
    await bench.start();
    let restarts = 3;
    // By several each time: on a busy machine this process may have one turn while the release is unpacked.
    const failing = setInterval(() => bench.setUnit("vitrine-player.service", { state: "activating", restarts: (restarts += RESTARTS_MAX), code: "1", status: "208", result: "exit-code" }), 20);
    try {
      expect(await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }))).toMatchObject({ ok: true });
      await bench.untilRestarted();
      const then = restarts;
      await until(() => restarts > then + 40 * RESTARTS_MAX);
      expect(await status()).toMatchObject({ running: "1.1.0", trial: { job: "job-1" } });
      // The agent's own failures still count.
      bench.setUnit("vitrine-agent.service", { restarts: RESTARTS_MAX, code: "1", status: "70", result: "exit-code" });
      await until(async () => (await status()).trial === undefined);
      expect((await status()).lastFailed).toMatchObject({ code: "update.crashes", message: expect.stringContaining("vitrine-agent.service was restarted") as string });
    } finally {
      clearInterval(failing);
    }
  });

  test("only what the last failed release left is kept, however many fail", async () => {
    await bench.start();
    const reports = (): string[] => readdirSync(join(bench.releases, "failed"));
    for (const version of ["1.1.0", "1.2.0", "1.3.0"]) {
      expect(await bench.updater.install(await bench.request(version, { version }))).toMatchObject({ ok: true });
      expect(await bench.updater.back(version, "update.picture-worse", "the screen is blank")).toMatchObject({ ok: true });
      expect(reports()).toEqual([`${version}.json`]);
    }
    // One that is confirmed leaves it, because the job that failed may not have been reported yet.
    expect(await bench.updater.install(await bench.request("good", { version: "1.4.0" }))).toMatchObject({ ok: true });
    expect(await bench.updater.confirm("good")).toMatchObject({ ok: true });
    expect(reports()).toEqual(["1.3.0.json"]);
    expect((await status()).lastFailed).toMatchObject({ job: "1.3.0", code: "update.picture-worse", message: "the screen is blank" });
  });

  test.each([["is damaged", '{"job": 5'], ["is lost", undefined]])("when the record of a trial %s, the release goes back and nobody waits for it for ever", async (_how, text) => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }));
    await bench.untilRestarted();
    await bench.stop();
    rmSync(join(bench.releases, "trial.json"));
    if (text !== undefined) writeFileSync(join(bench.releases, "trial.json"), text);
    await bench.start();
    expect(await status()).toEqual({ running: "1.0.0", confirmed: "1.0.0" });
    expect(existsSync(join(bench.releases, "trial.json"))).toBe(false);
    expect(bench.calls().slice(2)).toEqual(["daemon-reload ", "restart --no-block vitrine-agent.service"]);
  });

  test("a release that changes the player's files restarts the player too", async () => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0", files: { "dist/player-host/chromium.js": "// another player host\n" } }));
    await bench.untilRestarted();
    expect(bench.calls()[1]).toBe("restart --no-block vitrine-agent.service vitrine-player.service");
  });

  test("a release with a browser brings it along, and the browser goes with its last release", async () => {
    await bench.start();
    const { browser, browsers } = tarOf("#!/bin/sh\n");
    const request = await bench.request("job-1", { version: "1.1.0" }, { browsers });
    expect(await bench.updater.install(request)).toMatchObject({ ok: false, error: { code: "update.bad-package" } });
    expect(await bench.updater.install({ ...request, browser })).toMatchObject({ ok: true });
    expect(existsSync(join(bench.releases, "current/browser/chromium"))).toBe(true);
    await bench.untilRestarted();
    expect(bench.calls()[1]).toContain("vitrine-player.service");
    await bench.updater.back("job-1", "update.picture-worse", "blank");
    expect(readdirSync(join(bench.releases, "browsers"))).toEqual([]);
  });

  test.each([
    ["the same browser", "#!/bin/sh\n"],
    ["another browser under the same version", "#!/bin/sh\nexit 1\n"],
  ])("while a release with %s is unpacked, and after it failed, the browser in use stays", async (_what, text) => {
    await bench.start();
    const old = tarOf("#!/bin/sh\n");
    await bench.updater.install({ ...(await bench.request("job-1", { version: "1.1.0" }, { browsers: old.browsers })), browser: old.browser });
    await bench.updater.confirm("job-1");
    const running = realpathSync(join(bench.releases, "current/browser/chromium"));
    const before = statSync(running).ino;
    const next = tarOf(text);
    const request = await bench.request("job-2", { version: "1.2.0" }, { browsers: next.browsers });
    await bench.stop();
    // Killed after its browser was unpacked: step 3, where there is something to unpack.
    await bench.start({ dieAtStep: 3 });
    await bench.updater.install({ ...request, browser: next.browser });
    expect(await bench.ended()).toBe("SIGKILL");
    expect([readFileSync(running, "utf8"), statSync(running).ino]).toEqual(["#!/bin/sh\n", before]);
    await bench.start();
    expect(await bench.updater.install({ ...request, browser: next.browser })).toMatchObject({ ok: true });
    expect(readFileSync(join(bench.releases, "current/browser/chromium"), "utf8")).toBe(text);
    await bench.updater.back("job-2", "update.picture-worse", "blank");
    expect([readFileSync(running, "utf8"), statSync(running).ino]).toEqual(["#!/bin/sh\n", before]);
    expect(readdirSync(join(bench.releases, "browsers"))).toHaveLength(1);
  });

  test("given up by the agent, it goes back, restarts what differs and keeps what the release left", async () => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }));
    await bench.untilRestarted();
    bench.setUnit("vitrine-agent.service", { restarts: 1, code: "1", status: "70", result: "exit-code" });
    expect(await bench.updater.back("job-1", "update.picture-worse", "the screen is blank")).toMatchObject({ ok: true });
    expect(await status()).toEqual({
      running: "1.0.0", confirmed: "1.0.0",
      lastFailed: {
        job: "job-1", version: "1.1.0", code: "update.picture-worse", message: "the screen is blank",
        evidence: {
          services: { "vitrine-agent.service": { state: "active", restarts: 1, exit: "exited 70, exit-code" }, "vitrine-player.service": { state: "active", restarts: 0, exit: "" } },
          log: ["2026-11-30T12:00:00+00:00 pi vitrine-agent[12]: Error: the last words of this release"],
        },
      },
    });
    expect(bench.calls().slice(2)).toEqual(["daemon-reload ", "restart --no-block vitrine-agent.service"]);
    expect(readdirSync(bench.releases).filter((name) => /^\d/.test(name))).toEqual([]);
    expect(await bench.updater.back("job-1", "x", "again")).toMatchObject({ ok: false, error: { code: "update.no-such-trial" } });
  });

  test("nobody confirms: it goes back when its time is over, by itself", async () => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }, {}, 1_000));
    await until(async () => (await status()).trial === undefined);
    expect(await status()).toMatchObject({ running: "1.0.0", lastFailed: { job: "job-1", code: "update.not-confirmed" } });
  });

  test.each([
    ["keeps ending", { restarts: 4, code: "1", status: "70", result: "exit-code" }, "restarted 4 times (exited 70, exit-code)"],
    ["does not run any more", { state: "failed", code: "1", status: "78", result: "exit-code" }, "does not run (exited 78, exit-code)"],
  ])("a service that %s under it makes it go back at once", async (_what, unit, words) => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }));
    await bench.untilRestarted();
    bench.setUnit("vitrine-player.service", unit);
    await until(async () => (await status()).trial === undefined);
    const { lastFailed } = await status();
    expect(lastFailed).toMatchObject({ code: "update.crashes" });
    expect(lastFailed?.message).toContain(words);
  });

  test("it survives two boots on trial and goes back at the third", async () => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }));
    for (const [boot, boots] of [["boot-2", 2], ["boot-3", 3]] as const) {
      await bench.stop();
      bench.boot(boot);
      await bench.start();
      await until(async () => (await bench.updater.status()).ok);
      expect(await status()).toMatchObject({ running: "1.1.0", trial: { boots } });
    }
    await bench.stop();
    bench.boot("boot-4");
    await bench.start();
    await until(async () => (await status()).trial === undefined);
    expect(await status()).toMatchObject({ running: "1.0.0", lastFailed: { code: "update.not-confirmed" } });
  });

  /** What `systemctl` does with this verb; `undefined`: what it did before. */
  function on(verb: string, text: string | undefined): void {
    const path = join(bench.root, `on-${verb}`);
    if (text === undefined) rmSync(path, { force: true });
    else writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const restarts = (): string[] => bench.calls().filter((call) => call.startsWith("restart"));

  test.each(["daemon-reload", "restart"])("a service manager that refuses a %s while it goes back is asked again, and until then the release has not failed", async (verb) => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }));
    await bench.untilRestarted();
    on(verb, "exit 1");
    expect(await bench.updater.back("job-1", "update.picture-worse", "blank")).toMatchObject({ ok: false });
    expect(await status()).toMatchObject({ running: "1.0.0", trial: { job: "job-1" } });
    const asked = bench.calls().length;
    await until(() => bench.calls().length > asked);
    expect((await status()).lastFailed).toBeUndefined();
    // The next process goes on too.
    await bench.stop();
    await bench.start();
    expect(await status()).toMatchObject({ trial: { job: "job-1" } });
    on(verb, undefined);
    const before = restarts().length;
    await until(async () => (await status()).trial === undefined);
    expect(restarts().slice(before)).toEqual(["restart --no-block vitrine-agent.service"]);
    expect((await status()).lastFailed).toMatchObject({ job: "job-1", code: "update.picture-worse" });
  });

  test("a service manager that refuses to restart for the trial is asked again", async () => {
    await bench.start();
    on("restart", "exit 1");
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }));
    await until(() => restarts().length > 1);
    expect(readFileSync(join(bench.releases, "trial.json"), "utf8")).not.toContain('"restarted":true');
    on("restart", undefined);
    await bench.untilRestarted();
  });

  test("a player that was stopped before stays so, and one that ran before comes back, also when the release goes back", async () => {
    const files = { "dist/player-host/chromium.js": "// another player host\n" };
    await bench.start();
    bench.setUnit("vitrine-player.service", { state: "inactive" });
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0", files }));
    await bench.untilRestarted();
    await bench.updater.back("job-1", "update.picture-worse", "blank");
    expect(restarts()).toEqual(["restart --no-block vitrine-agent.service", "restart --no-block vitrine-agent.service"]);
    bench.setUnit("vitrine-player.service", { state: "active" });
    await bench.updater.install(await bench.request("job-2", { version: "1.2.0", files }));
    await bench.untilRestarted();
    // At a boot that ends the trial it may not have been started yet.
    bench.setUnit("vitrine-player.service", { state: "inactive" });
    await bench.stop();
    await bench.start();
    await bench.updater.back("job-2", "update.picture-worse", "blank");
    expect(restarts().slice(2)).toEqual(["restart --no-block vitrine-agent.service vitrine-player.service", "restart --no-block vitrine-agent.service vitrine-player.service"]);
  });

  test("a switch that fails leaves no trial, and the next update is taken", async () => {
    await bench.start();
    // The link is made under this name first.
    mkdirSync(join(bench.releases, "current"));
    writeFileSync(join(bench.releases, "current/in-the-way"), "");
    expect(await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }))).toMatchObject({ ok: false, error: { code: "update.disk" } });
    expect((await status()).trial).toBeUndefined();
    rmSync(join(bench.releases, "current"), { recursive: true });
    expect(await bench.updater.install(await bench.request("job-2", { version: "1.1.0" }))).toMatchObject({ ok: true });
  });

  test("a confirmation that could not be finished is finished at the next look, not taken back when its time is over", async () => {
    await bench.start();
    await bench.updater.install(await bench.request("job-1", { version: "1.1.0" }, {}, 3_000));
    await bench.untilRestarted();
    // In the way of the trial's record.
    mkdirSync(join(bench.releases, "confirmed.json/in-the-way"), { recursive: true });
    expect(await bench.updater.confirm("job-1")).toMatchObject({ ok: false, error: { code: "update.disk" } });
    expect(bench.link("confirmed")).toBe("1.1.0");
    await until(() => bench.output.includes("starts again"));
    rmSync(join(bench.releases, "confirmed.json"), { recursive: true });
    await bench.ended();
    await bench.start();
    await until(async () => (await status()).trial === undefined);
    expect(await status()).toEqual({ running: "1.1.0", confirmed: "1.1.0", lastConfirmed: { job: "job-1", version: "1.1.0" } });
  });

  test("without a trial it ends when nobody asks", async () => {
    await bench.start({ idleMs: 100 });
    expect(await bench.ended()).toBe(0);
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ["signed by another key", "update.unknown-key", async () => ({ ...(await signPayload("{}")), key: "0".repeat(32) })],
    ["changed after signing", "update.bad-signature", async () => ({ ...(await signPayload('{"manifest":1}')), payload: '{"manifest":2}' })],
    ["not a manifest", "update.bad-manifest", () => signPayload('{"manifest":1,"version":"../../etc"}')],
    ["not JSON", "update.bad-manifest", () => signPayload("{")],
    ["for other processors", "update.wrong-machine", () => signPayload('{"manifest":1,"version":"1.1.0","packages":{}}')],
    ["the same version", "update.not-newer", async () => signRelease(makeDeb(bench.root, { version: "1.0.0" }), "1.0.0")],
    ["an older version", "update.not-newer", async () => signRelease(makeDeb(bench.root, { version: "0.9.0" }), "0.9.0")],
  ])("a manifest that is %s is refused with %s", async (_what, code, release) => {
    await bench.start();
    const refused = await bench.updater.check((await release()) as Awaited<ReturnType<typeof signPayload>>);
    expect(refused).toMatchObject({ ok: false, error: { code } });
  });

  test("an older version is installed when its manifest says so", async () => {
    await bench.start();
    expect(await bench.updater.install(await bench.request("job-1", { version: "0.9.0" }, { downgrade: true }))).toMatchObject({ ok: true });
    expect(await status()).toMatchObject({ running: "0.9.0" });
  });

  test.each<[string, string, (file: string) => void]>([
    ["is another file than signed", "update.bad-package", (file) => appendFileSync(file, "x")],
    ["is missing", "update.bad-package", (file) => rmSync(file)],
    ["is a link to a file of root's", "update.bad-package", (file) => { rmSync(file); symlinkSync("/etc/shadow", file); }],
    ["is a pipe", "update.bad-package", (file) => { rmSync(file); execFileSync("mkfifo", [file]); }],
  ])("a package that %s changes nothing", async (_what, code, damage) => {
    await bench.start();
    const request = await bench.request("job-1", { version: "1.1.0" });
    damage(request.package);
    expect(await bench.updater.install(request)).toMatchObject({ ok: false, error: { code } });
    expect(await status()).toEqual({ running: "1.0.0", confirmed: "1.0.0" });
    expect(readdirSync(bench.releases)).toEqual([]);
  });

  test.each([
    ["another version inside", { version: "1.1.0", says: "1.2.0" }, "update.bad-package"],
    ["other files for the package manager", { version: "1.1.0", systemFiles: {} }, "update.needs-package"],
    ["a file that is not as it says", { version: "1.1.0", damaged: "bin/launch" }, "update.bad-package"],
  ])("a package with %s is refused and removed", async (_what, release, code) => {
    await bench.start();
    expect(await bench.updater.install(await bench.request("job-1", release))).toMatchObject({ ok: false, error: { code } });
    expect(readdirSync(bench.releases)).toEqual([]);
  });

  test("while a release is on trial no other is installed, and the same request again is answered as done", async () => {
    await bench.start();
    const first = await bench.request("job-1", { version: "1.1.0" });
    await bench.updater.install(first);
    expect(await bench.updater.install(first)).toMatchObject({ ok: true });
    expect(await bench.updater.install(await bench.request("job-2", { version: "1.2.0" }))).toMatchObject({ ok: false, error: { code: "update.busy" } });
    expect(await bench.updater.confirm("job-2")).toMatchObject({ ok: false, error: { code: "update.no-such-trial" } });
  });
});
