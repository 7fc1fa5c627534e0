import { beforeEach, describe, expect, it } from "vitest";
import { fail, ok, type Result } from "../../../../platform/ports/result.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import type { StageReport } from "../../../../player-host/contract/link-messages.ts";
import { FakePlayer } from "../testing/fake-player.ts";
import { resolveExecutor, runExecutor } from "../testing/run-executor.ts";
import type { Upload, Uploaded, Uploader } from "../uploader.ts";
import { clearCacheExecutor, identifyExecutor, pageMessageExecutor, reloadPlayerExecutor, restartPlayerExecutor } from "./player-executors.ts";
import { screenshotExecutor } from "./screenshot-executor.ts";
import { collectLogsExecutor, diagnosticsExecutor, telemetryBurstExecutor } from "./support-executors.ts";

const playing = (loads: number): StageReport => ({ kind: "playing", content: "menu", sinceMs: 0, loads });

class FakeUploader implements Uploader {
  readonly uploads: Upload[] = [];
  answer: Result<Uploaded> | undefined;
  upload(upload: Upload): Promise<Result<Uploaded>> {
    this.uploads.push(upload);
    return Promise.resolve(this.answer ?? ok({ name: "kept", sha256: "ab".repeat(32), bytes: upload.bytes.length }));
  }
}

let time: VirtualTime;
beforeEach(() => {
  time = new VirtualTime();
});

describe("reload-player and content.clear-cache", () => {
  it("succeed when the load counter rises after the command started", async () => {
    const player = new FakePlayer();
    player.answer = () => {
      time.after("test.page", 700, () => player.show(playing(3)));
      time.after("test.page", 1_200, () => player.show(playing(4)));
      return ok({});
    };
    const { execution } = await runExecutor(
      reloadPlayerExecutor(player, { clock: time, timers: time }),
      { ignoreCache: true },
      time,
    );
    expect(player.requests).toEqual([{ do: "reload", ignoreCache: true }]);
    expect(execution).toEqual({ state: "succeeded", result: { loadedInMs: 1_200 } });
    const cleared = await runExecutor(clearCacheExecutor(player, { clock: time, timers: time }), { storage: true }, time);
    expect(player.requests.at(-1)).toEqual({ do: "clear-cache", storage: true });
    expect(cleared.execution.state).toBe("failed");
  });

  it("succeed with a new host, and with content that loads after a failure", async () => {
    const player = new FakePlayer({ kind: "failed", content: "menu", error: "dns" });
    player.answer = () => {
      time.after("test.page", 100, () => player.appear("host-2", 101, playing(1)));
      return ok({});
    };
    expect((await runExecutor(reloadPlayerExecutor(player, { clock: time, timers: time }), {}, time)).execution.state).toBe(
      "succeeded",
    );
  });

  it("fail when a captive portal answers instead of the page, and say where it leads", async () => {
    const player = new FakePlayer();
    player.sayOfLoads("content menu is on; waiting for the content (content.elsewhere: it leads to http://portal.example)");
    const { execution } = await runExecutor(reloadPlayerExecutor(player, { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "player.not-reloaded", message: expect.stringContaining("leads to http://portal.example") as string } });
  });

  it("fail when the page never loads, and say what is shown instead", async () => {
    const player = new FakePlayer();
    player.answer = () => {
      time.after("test.page", 100, () => player.show({ kind: "failed", content: "menu", error: "http.502: bad gateway" }));
      return ok({});
    };
    const { execution } = await runExecutor(reloadPlayerExecutor(player, { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "player.not-reloaded" } });
    expect(JSON.stringify(execution)).toContain("bad gateway");
    expect(time.pending()).toEqual([]);
  });

  it.each([
    ["nobody is there", new FakePlayer("absent"), "player.absent"],
    ["there is no content", new FakePlayer({ kind: "screen", screen: "pairing" }), "player.no-content"],
  ])("fail at once when %s", async (_what, player, code) => {
    const { execution, tookMs } = await runExecutor(reloadPlayerExecutor(player, { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code } });
    expect(tookMs).toBe(0);
  });

  it("are resolved after a crash by the load counter, without another load", async () => {
    for (const make of [reloadPlayerExecutor, clearCacheExecutor]) {
      const player = new FakePlayer("absent");
      const executor = make(player, { clock: time, timers: time });
      time.after("test.host", 1_000, () => player.appear("host-1", 100, playing(4)));
      expect(await resolveExecutor(executor, {}, time, { instanceBefore: "host-1", loadsBefore: 3 })).toEqual({ state: "succeeded", result: {} });
      expect(await resolveExecutor(executor, {}, time, { instanceBefore: "host-1", loadsBefore: 4 })).toMatchObject({ state: "unknown" });
      expect(await resolveExecutor(executor, {}, time, {})).toEqual({ state: "not-started" });
      expect(player.requests).toEqual([]);
    }
    const { notes } = await runExecutor(reloadPlayerExecutor(new FakePlayer(), { clock: time, timers: time }), {}, time, 500);
    expect(notes).toEqual([{ instanceBefore: "host-1", loadsBefore: 3 }]);
  });

  it("end when they are aborted", async () => {
    const { execution, tookMs } = await runExecutor(
      reloadPlayerExecutor(new FakePlayer(), { clock: time, timers: time }),
      {},
      time,
      500,
    );
    expect(execution).toMatchObject({ state: "failed", error: { code: "command.aborted" } });
    expect(tookMs).toBe(500);
  });
});

describe("restart-player", () => {
  it("succeeds when another host shows the content, even if the old one never answered", async () => {
    const player = new FakePlayer();
    player.answer = () => {
      player.vanish();
      time.after("test.host", 2_000, () => player.appear("host-2", 222, { kind: "loading", content: "menu", sinceMs: 0 }));
      time.after("test.host", 3_000, () => player.show(playing(1)));
      return fail("player.absent", "the host went away");
    };
    const { execution, tookMs, notes } = await runExecutor(
      restartPlayerExecutor(player, { clock: time, timers: time }),
      {},
      time,
    );
    expect(execution).toEqual({ state: "succeeded", result: { pidBefore: 100, pidAfter: 222 } });
    expect(tookMs).toBe(3_000);
    expect(notes).toEqual([{ instanceBefore: "host-1", pidBefore: 100, wanted: "playing" }]);
  });

  it("fails when no other host comes, or one without the content", async () => {
    const same = await runExecutor(restartPlayerExecutor(new FakePlayer(), { clock: time, timers: time }), {}, time);
    expect(same.execution).toMatchObject({ state: "failed", error: { code: "player.not-restarted" } });
    const dark = new FakePlayer();
    dark.answer = () => {
      dark.appear("host-2", 222, { kind: "failed", content: "menu", error: "renderer.gone" });
      return ok({});
    };
    const { execution } = await runExecutor(restartPlayerExecutor(dark, { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "player.no-picture" } });
  });

  it("is resolved by a new host that is connected or joins within the limit", async () => {
    const player = new FakePlayer("absent");
    const executor = restartPlayerExecutor(player, { clock: time, timers: time });
    time.after("test.host", 5_000, () => player.appear("host-1", 100, playing(1)));
    expect(await resolveExecutor(executor, {}, time, { instanceBefore: "host-0", pidBefore: 99 })).toEqual({
      state: "succeeded",
      result: { pidBefore: 99, pidAfter: 100 },
    });
    expect(await resolveExecutor(executor, {}, time, { instanceBefore: "host-1" })).toMatchObject({ state: "unknown" });
    expect(await resolveExecutor(executor, {}, time, {})).toEqual({ state: "not-started" });
    expect(player.requests).toEqual([]);
  });

  it("is resolved on one of our own screens if that is what the host showed before", async () => {
    const player = new FakePlayer("absent");
    player.appear("host-2", 222, { kind: "screen", screen: "pairing" });
    const resolved = await resolveExecutor(restartPlayerExecutor(player, { clock: time, timers: time }), {}, time, { instanceBefore: "host-1", pidBefore: 100, wanted: "screen" });
    expect(resolved).toEqual({ state: "succeeded", result: { pidBefore: 100, pidAfter: 222 } });
  });
});

describe("screenshot", () => {
  const picture = { base64: "aGVsbG8/Pj4=", width: 640, height: 360, format: "jpeg", source: "renderer" };

  it("uploads the host's picture and reports its source", async () => {
    const player = new FakePlayer();
    player.answer = () => ok(picture);
    const uploader = new FakeUploader();
    const { execution } = await runExecutor(screenshotExecutor({ player }, uploader, { clock: time, timers: time }), { widthMax: 640 }, time);
    expect(player.requests).toEqual([{ do: "screenshot", format: "jpeg", quality: 80, widthMax: 640 }]);
    expect(execution).toEqual({
      state: "succeeded",
      result: { source: "renderer", contentType: "image/jpeg", width: 640, height: 360, bytes: 8, sha256: "ab".repeat(32), upload: "kept" },
    });
    expect(uploader.uploads).toEqual([
      {
        purpose: "screenshot",
        contentType: "image/jpeg",
        bytes: new TextEncoder().encode("hello?>>"),
        command: { id: "command-1", attempt: 1 },
      },
    ]);
  });

  it("takes the compositor's picture when the host is absent", async () => {
    const png = Uint8Array.from([
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 7, 128, 0, 0, 4, 56,
    ]);
    const machine = { capture: () => Promise.resolve(ok({ png, source: "compositor" })) };
    const { execution } = await runExecutor(
      screenshotExecutor({ player: new FakePlayer("absent"), machine }, new FakeUploader(), { clock: time, timers: time }),
      {},
      time,
    );
    expect(execution).toMatchObject({ state: "succeeded", result: { source: "compositor", width: 1920, height: 1080 } });
  });

  it("says that the output is off behind which the page drew its picture", async () => {
    const player = new FakePlayer();
    player.answer = () => ok({ ...picture, outputOff: "HDMI-A-1 is off" });
    const { execution } = await runExecutor(screenshotExecutor({ player }, new FakeUploader(), { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "succeeded", result: { source: "renderer", outputOff: "HDMI-A-1 is off" } });
  });

  it.each([
    ["without a player host", new FakePlayer("absent"), "no player host is connected"],
    ["with a host that has no picture", Object.assign(new FakePlayer(), { answer: () => fail("screenshot.no-frame", "no frame came") }), "no frame came"],
  ])("fails with the compositor's reason if the output is off, %s", async (_what, player, why) => {
    const machine = { capture: () => Promise.resolve(fail("compositor.output-off", "the output HDMI-A-1 is off")) };
    const { execution } = await runExecutor(screenshotExecutor({ player, machine }, new FakeUploader(), { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "compositor.output-off", message: `the output HDMI-A-1 is off (and the player: ${why})` } });
  });

  it("fails with the player's reason if the compositor fails for another", async () => {
    const machine = { capture: () => Promise.resolve(fail("compositor.gone", "it is gone")) };
    const { execution } = await runExecutor(screenshotExecutor({ player: new FakePlayer("absent"), machine }, new FakeUploader(), { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "player.absent" } });
  });

  it.each([
    ["no picture", {}],
    ["no base64", { ...picture, base64: "%%%" }],
    ["nothing in it", { ...picture, base64: "" }],
    ["a size of nothing", { ...picture, width: 0 }],
  ])("does not upload %s", async (_what, reply) => {
    const player = new FakePlayer();
    player.answer = () => ok(reply);
    const uploader = new FakeUploader();
    const { execution } = await runExecutor(screenshotExecutor({ player }, uploader, { clock: time, timers: time }), {}, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "screenshot.bad-picture" } });
    expect(uploader.uploads).toEqual([]);
  });

  it("fails with the upload's own code", async () => {
    const player = new FakePlayer();
    player.answer = () => ok(picture);
    const uploader = new FakeUploader();
    uploader.answer = fail("upload.timeout", "too slow");
    expect((await runExecutor(screenshotExecutor({ player }, uploader, { clock: time, timers: time }), {}, time)).execution).toMatchObject({
      state: "failed",
      error: { code: "upload.timeout" },
    });
  });
});

describe("other commands", () => {
  it("identify shows the device's name where no text is given", async () => {
    const player = new FakePlayer();
    const executor = identifyExecutor(player, { clock: time, timers: time }, () => "Lobby");
    expect((await runExecutor(executor, { durationMs: 2_000 }, time)).execution).toEqual({
      state: "succeeded",
      result: { shownMs: 2_000 },
    });
    await runExecutor(executor, { text: "Here" }, time);
    expect(player.requests).toEqual([
      { do: "identify", text: "Lobby", durationMs: 2_000 },
      { do: "identify", text: "Here", durationMs: 15_000 },
    ]);
  });

  it("logs.collect uploads within the limit asked for", async () => {
    const asked: number[] = [];
    const uploader = new FakeUploader();
    const logs = {
      collect: (bytesMax: number) => {
        asked.push(bytesMax);
        return Promise.resolve(ok({ bytes: new Uint8Array(5), contentType: "application/gzip" }));
      },
    };
    const { execution, steps } = await runExecutor(collectLogsExecutor(logs, uploader), { bytesMax: 2_048 }, time);
    expect(execution).toEqual({ state: "succeeded", result: { bytes: 5, sha256: "ab".repeat(32), upload: "kept" } });
    expect([asked, steps]).toEqual([[2_048], ["collecting", "uploading"]]);
  });

  it("telemetry.burst and diagnostics.run return what their services report", async () => {
    const bursts: number[][] = [];
    const burst = { start: (...all: [number, number]) => (bursts.push(all), { untilMs: 99.5 }) };
    expect((await runExecutor(telemetryBurstExecutor(burst), { minutes: 3 }, time)).execution).toEqual({
      state: "succeeded",
      result: { untilMs: 100 },
    });
    expect(bursts).toEqual([[180_000, 5_000]]);
    const check = { name: "disk", status: "ok", message: "x".repeat(2_000) } as const;
    const { execution } = await runExecutor(diagnosticsExecutor({ run: () => Promise.resolve([check]) }), {}, time);
    expect(execution).toEqual({ state: "succeeded", result: { checks: [{ ...check, message: "x".repeat(1_000) }] } });
  });
});

describe("page.message", () => {
  it("reaches the page that is on the screen", async () => {
    const player = new FakePlayer();
    const { execution } = await runExecutor(pageMessageExecutor(player, { clock: time, timers: time }), { message: { order: 42 } }, time);
    expect(execution).toMatchObject({ state: "succeeded" });
    expect(player.requests).toEqual([{ do: "page-message", message: { order: 42 } }]);
  });

  it("does not succeed before the host confirms it", async () => {
    const player = new FakePlayer();
    player.answer = () => fail("player.absent", "no player host is connected");
    const { execution } = await runExecutor(pageMessageExecutor(player, { clock: time, timers: time }), { message: 1 }, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "player.absent" } });
  });

  it.each(["player.timeout", "player.gone"] as const)("that was sent but not answered (%s) ends as outcome-unknown, like other commands with an effect", async (code) => {
    const player = new FakePlayer();
    player.answer = () => fail(code, "no answer");
    const unknown = { state: "failed", error: { code: "outcome-unknown", message: expect.stringContaining("no answer") as unknown } };
    expect((await runExecutor(pageMessageExecutor(player, { clock: time, timers: time }), { message: 1 }, time)).execution).toMatchObject(unknown);
    expect((await runExecutor(identifyExecutor(player, { clock: time, timers: time }, () => "Lobby"), {}, time)).execution).toMatchObject(unknown);
    expect((await runExecutor(reloadPlayerExecutor(player, { clock: time, timers: time }), {}, time)).execution).toMatchObject(unknown);
    expect((await runExecutor(clearCacheExecutor(player, { clock: time, timers: time }), {}, time)).execution).toMatchObject(unknown);
  });

  it.each([["absent" as const, "player.absent"], [{ kind: "screen", screen: "pairing" } as const, "player.no-page"]])("fails when there is no page to receive it: %j", async (stage, code) => {
    const player = new FakePlayer(stage);
    const { execution } = await runExecutor(pageMessageExecutor(player, { clock: time, timers: time }), { message: 1 }, time);
    expect(execution).toMatchObject({ state: "failed", error: { code } });
    expect(player.requests).toEqual([]);
  });
});
