import { describe, expect, it } from "vitest";
import { ok, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { HostRequest, StageReport } from "../../../player-host/contract/link-messages.ts";
import { UNTOLD_STAGE } from "../player/player-port.ts";
import type { ExecutorTable } from "./executor.ts";
import { clearCacheExecutor, identifyExecutor, pageMessageExecutor, reloadPlayerExecutor, restartPlayerExecutor } from "./executors/player-executors.ts";
import { screenshotExecutor } from "./executors/screenshot-executor.ts";
import { FakePlayer } from "./testing/fake-player.ts";
import { TestDevice, type TestProcess } from "./testing/test-device.ts";

const PARAMS = {
  "page.message": { message: { order: 42 } },
  identify: { text: "here" },
  screenshot: {},
  "reload-player": {},
  "content.clear-cache": {},
  "restart-player": {},
} as const satisfies { readonly [name: string]: JsonObject };
type PlayerCommand = keyof typeof PARAMS;
const COMMANDS = Object.keys(PARAMS) as PlayerCommand[];

const playing = (loads: number): StageReport => ({ kind: "playing", content: "menu", sinceMs: 0, loads });

/** A device whose agent has just started and whose player host has not joined yet. */
class Site {
  player = new FakePlayer("absent");
  /** Ends the process when the host is asked for something. */
  killsWhenAsked = false;
  readonly device = new TestDevice((process) => this.#executors(process));

  get time() {
    return this.device.time;
  }

  /** The host joins, and says a moment later what is on. */
  joins(afterMs: number, stage: StageReport = playing(1)): void {
    const { player } = this;
    this.time.after("test.host-joins", afterMs, () => player.appear("host-1", 100, UNTOLD_STAGE));
    this.time.after("test.host-tells", afterMs + 60, () => player.show(stage));
  }

  send(name: PlayerCommand, id = name as string, ttlMs?: number): void {
    this.device.deliver(this.device.signedCommand({ id, name, params: PARAMS[name], ...(ttlMs === undefined ? {} : { ttlMs }) }));
  }

  #executors(process: TestProcess): ExecutorTable {
    const { clock, timers } = process;
    const time = { clock, timers };
    const player = (this.player = new FakePlayer("absent"));
    player.answer = (request) => this.#answer(player, request);
    const uploader = { upload: () => Promise.resolve(ok({ name: "kept", sha256: "ab".repeat(32), bytes: 3 })) };
    return {
      "page.message": pageMessageExecutor(player, time),
      identify: identifyExecutor(player, time, () => "Lobby"),
      screenshot: screenshotExecutor({ player }, uploader, time),
      "reload-player": reloadPlayerExecutor(player, time),
      "content.clear-cache": clearCacheExecutor(player, time),
      "restart-player": restartPlayerExecutor(player, time),
    };
  }

  #answer(player: FakePlayer, request: HostRequest): Result<JsonObject> {
    if (this.killsWhenAsked) {
      this.killsWhenAsked = false;
      this.device.kill();
    }
    if (request.do === "restart") {
      player.vanish();
      this.time.after("test.host-returns", 800, () => player.appear("host-2", 200, playing(1)));
    } else if (request.do !== "screenshot") this.time.after("test.page-loads", 300, () => player.show(playing(2)));
    return request.do === "screenshot" ? ok({ base64: "aGVs", width: 4, height: 3, format: "jpeg", source: "renderer" }) : ok({});
  }
}

async function startedSite(): Promise<Site> {
  const site = new Site();
  await site.device.start();
  return site;
}

describe.each(COMMANDS)("%s, sent right after the welcome", (name) => {
  it.each([400, 900, 30_000])("succeeds when the host joins %i ms later", async (afterMs) => {
    const site = await startedSite();
    site.joins(afterMs);
    site.send(name);
    await site.time.advance(afterMs - 1);
    expect(site.player.requests).toEqual([]);
    await site.time.advance(5_000);
    expect(site.device.outcomeOf(name)).toMatchObject({ state: "succeeded" });
    expect(site.player.requests).toHaveLength(1);
  });

  it("fails with player.absent once no host is expected any longer", async () => {
    const site = await startedSite();
    site.send(name, name, name === "page.message" || name === "identify" ? 120_000 : undefined);
    await site.time.advance(59_000);
    expect(site.device.outcomeOf(name)).toBeUndefined();
    await site.time.advance(2_000);
    expect(site.device.outcomeOf(name)).toMatchObject({ state: "failed", error: { code: "player.absent" } });
    // The host has been away for long, so the next command waits only briefly.
    site.send(name, "next");
    await site.time.advance(10_100);
    expect(site.device.outcomeOf("next")).toMatchObject({ state: "failed", error: { code: "player.absent" } });
  });

  it("expires while waiting and does not run when the host joins later", async () => {
    const site = await startedSite();
    site.joins(5_000);
    site.send(name, name, 3_000);
    await site.time.advance(3_100);
    expect(site.device.outcomeOf(name)).toMatchObject({ state: "expired" });
    await site.time.advance(10_000);
    expect(site.player.requests).toEqual([]);
  });

  it("can be canceled while waiting", async () => {
    const site = await startedSite();
    site.joins(5_000);
    site.send(name);
    await site.time.advance(1_000);
    site.device.process?.service.cancel(site.device.signedCancel(name));
    await site.time.advance(10_000);
    expect(site.device.outcomeOf(name)).toMatchObject({ state: "canceled" });
    expect(site.player.requests).toEqual([]);
  });

  it("runs once when the agent is killed while it waits", async () => {
    const site = await startedSite();
    site.send(name);
    await site.time.advance(1_000);
    site.device.kill();
    await site.time.advance(1_000);
    await site.device.start();
    site.joins(900);
    await site.time.advance(10_000);
    expect(site.device.outcomeOf(name)).toMatchObject({ state: "succeeded" });
    expect(site.player.requests).toHaveLength(1);
  });
});

it("a screenshot that runs again after a kill waits for the host to reconnect", async () => {
  const site = await startedSite();
  site.joins(10);
  await site.time.advance(100);
  site.killsWhenAsked = true;
  site.send("screenshot");
  await site.time.advance(1_000);
  expect(site.device.process).toBeUndefined();
  await site.device.start();
  site.joins(20_000);
  await site.time.advance(25_000);
  expect(site.device.outcomeOf("screenshot")).toMatchObject({ state: "succeeded" });
});

it("a page message waits for a loading page, but not forever", async () => {
  const site = await startedSite();
  site.joins(100, { kind: "loading", content: "menu", sinceMs: 0 });
  site.send("page.message", "first");
  await site.time.advance(6_000);
  expect(site.player.requests).toEqual([]);
  site.player.show(playing(1));
  await site.time.advance(0);
  expect(site.device.outcomeOf("first")).toMatchObject({ state: "succeeded" });
});
