import { describe, expect, test } from "vitest";
import type { HostVerdict } from "../../../player-host/contract/link-messages.ts";
import type { DisplayPower, DisplayStatus } from "../../../platform/ports/display-properties.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { Output } from "../../../platform/ports/outputs.ts";
import { failed, seen, UNSUPPORTED } from "../../../platform/ports/reading.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { PlayerLink, PlayerStatus } from "../player/player-port.ts";
import { SharedReading } from "../state/shared-reading.ts";
import { FakeAlarms, FakeReporter } from "../state/testing/fakes.ts";
import type { ScreenExpectation } from "./screen-expectation.ts";
import { PLAYER_SILENT_MS } from "./screen-verdict.ts";
import { ALARM_AFTER_MS, LIT_ALARM_AFTER_MS, LOOK_MS, MISSING_ALARM_AFTER_MS, PASSING_MS, ScreenWatch, type WatchedDisplay, START_GRACE_MS, type NotShown } from "./screen-watch.ts";

const hung = failed({ code: "display.timeout", message: "hung" });
const hungStatus: DisplayStatus = { power: hung, input: hung, brightness: hung, volume: hung, mute: hung, orientation: hung, mode: hung };

function setUp(others: readonly WatchedDisplay[] = []) {
  const time = new VirtualTime();
  const world = { power: "on" as DisplayPower, displayDelayMs: 0, hung: false, connected: true, looks: 0, contentWanted: false, notReady: undefined as NotShown | undefined };
  let expectation: ScreenExpectation = { expect: "on", why: "test" };
  let status: PlayerStatus = { kind: "absent", how: "lost", sinceMs: 0, why: "not started" };
  const listeners = new Set<(status: PlayerStatus) => void>();
  const outputListeners = new Set<() => void>();
  const player = {
    status: () => status,
    onStatus: (listener: (status: PlayerStatus) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as PlayerLink;
  let looping = false;
  let missing: string | undefined;
  const fails = (error: string | undefined): void => {
    missing = error;
  };
  const loop = (on: boolean): void => {
    looping = on;
  };
  const says = (verdict: HostVerdict | undefined, text = "ok"): void => {
    status =
      verdict === undefined
        ? { kind: "absent", how: "lost", sinceMs: 0, why: "gone" }
        : {
            kind: "present",
            instance: "a",
            pid: 1,
            shell: "chromium",
            stage: missing === undefined ? { kind: "playing", content: "menu", sinceMs: 0, loads: 1, ...(looping && { looping }) } : { kind: "failed", content: "menu", error: missing },
            picture: { verdict, confidence: 1, evidence: [{ witness: "frame", says: text }] },
            heardMs: time.monotonicMs(),
          };
    for (const listener of listeners) listener(status);
  };
  const displayStatus = new SharedReading<DisplayStatus>({ clock: time, timers: time, log: silentLog }, { name: "display", deadlineMs: 30_000, whenHung: () => hungStatus, read: async () => {
    world.looks += 1;
    if (world.hung) await new Promise(() => {});
    if (world.displayDelayMs > 0) await new Promise<void>((resolve) => void time.after("display", world.displayDelayMs, resolve));
    return { power: seen(world.power, time.monotonicMs()), input: UNSUPPORTED, brightness: UNSUPPORTED, volume: UNSUPPORTED, mute: UNSUPPORTED, orientation: UNSUPPORTED, mode: UNSUPPORTED };
  } });
  const list = (): Promise<readonly Output[]> =>
    Promise.resolve([{ name: "HDMI-A-1", connected: seen(world.connected, 0), enabled: UNSUPPORTED, mode: UNSUPPORTED, dpms: seen("on", 0), edid: UNSUPPORTED }]);
  const reporter = new FakeReporter();
  const alarms = new FakeAlarms();
  const watch = new ScreenWatch({
    player,
    outputs: {
      list,
      onChange: (changed) => {
        outputListeners.add(changed);
        return () => outputListeners.delete(changed);
      },
    },
    displays: [{ name: "main", status: displayStatus, capabilities: { powerObservedBy: "panel" } }, ...others],
    expectation: () => expectation,
    contentWanted: () => world.contentWanted,
    notReady: () => world.notReady,
    reporter,
    alarms,
    clock: time,
    timers: time,
    log: silentLog,
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  const verdict = () => reporter.document.screen?.verdict;
  // A live player sends messages from time to time.
  const live = async (forMs: number, what: HostVerdict): Promise<void> => {
    for (let passed = 0; passed < forMs; passed += 5_000) {
      says(what, `frame ${passed}`);
      await time.advance(Math.min(5_000, forMs - passed));
    }
  };
  return {
    live, loop, fails, time, world, says, watch, reporter, alarms, stop, running, verdict, displayStatus, outputListeners, listeners,
    expect: (next: ScreenExpectation["expect"]) => {
      expectation = { expect: next, why: "test" };
      watch.poke();
    },
    plug: (connected: boolean) => {
      world.connected = connected;
      for (const listener of outputListeners) listener();
    },
  };
}

describe("the screen watch", () => {
  test("without a player the verdict is unknown at once, and raises an alarm after the start's grace period", async () => {
    const { time, verdict, alarms } = setUp();
    await time.advance(1);
    expect(verdict()).toBe("unknown");
    await time.advance(START_GRACE_MS - 1_000);
    expect(alarms.log).toEqual([]);
    await time.advance(1_000);
    expect(alarms.log).toEqual(["+screen.unknown"]);
  });

  test("a display that says once that it is off while it has a signal is reported and raises no alarm; a second reading does", async () => {
    const { time, live, world, alarms, verdict, displayStatus } = setUp();
    await live(START_GRACE_MS + 10_000, "showing");
    world.power = "standby";
    displayStatus.invalidate();
    await time.advance(1_000);
    expect(verdict()).toBe("dark");
    world.power = "on";
    await live(60_000, "showing");
    expect([verdict(), alarms.log]).toEqual(["showing", []]);
    world.power = "standby";
    displayStatus.invalidate();
    await live(ALARM_AFTER_MS + 1_000, "showing");
    expect(alarms.log).toEqual(["+screen.dark"]);
  });

  test("a single reading that a display is off raises no alarm, however long it does not answer again", async () => {
    const { time, live, world, alarms, displayStatus } = setUp();
    await live(START_GRACE_MS + 10_000, "showing");
    world.power = "standby";
    displayStatus.invalidate();
    await time.advance(1_000);
    world.displayDelayMs = 25_000;
    await live(20_000, "showing");
    expect(alarms.log).toEqual([]);
  });

  test("the player's picture is reported at once, even while the display hangs", async () => {
    const { time, says, verdict, world } = setUp();
    await time.advance(20_000);
    world.hung = true;
    await time.advance(LOOK_MS + 1_000);
    says("showing");
    await time.advance(0);
    expect(verdict()).toBe("showing");
    says("frozen");
    await time.advance(0);
    expect(verdict()).toBe("frozen");
  });

  test("a change in the player's wording alone causes no new report", async () => {
    const { live, reporter, time, says } = setUp();
    says("showing");
    await time.advance(5_000);
    const before = reporter.history.length;
    await live(600_000, "showing");
    expect(reporter.history.length).toBe(before);
  });

  test("a bad picture raises an alarm after ten seconds, a good one clears it, and another fault replaces it at once", async () => {
    const { time, live, alarms, says } = setUp();
    await live(60_000, "showing");
    says("blank");
    await time.advance(ALARM_AFTER_MS - 1);
    expect(alarms.log).toEqual([]);
    await time.advance(1);
    expect(alarms.log).toEqual(["+screen.blank"]);
    says("frozen");
    await time.advance(0);
    says("showing");
    await time.advance(0);
    expect(alarms.log).toEqual(["+screen.blank", "-screen.blank", "+screen.frozen", "-screen.frozen"]);
  });

  test("a hang raises the alarm for frozen as soon as it is seen, and the alarm stays until the picture is back", async () => {
    const { time, live, alarms, says, world } = setUp();
    world.contentWanted = true;
    await live(60_000, "showing");
    says("unknown");
    await time.advance(3_000);
    says("frozen");
    await time.advance(0);
    expect(alarms.log).toEqual(["+screen.frozen"]);
    says("error-page");
    await time.advance(8_000);
    says("unknown");
    await time.advance(9_000);
    says("frozen");
    await time.advance(2_000);
    says("unknown");
    await time.advance(1_000);
    expect(alarms.log).toEqual(["+screen.frozen"]);
    says("showing");
    await time.advance(0);
    expect(alarms.log).toEqual(["+screen.frozen", "-screen.frozen"]);
  });

  test("a long unknown replaces the fault that was known before", async () => {
    const { time, live, alarms, says } = setUp();
    await live(60_000, "showing");
    says("frozen");
    await time.advance(1);
    says("unknown");
    await time.advance(PASSING_MS);
    expect(alarms.log).toEqual(["+screen.frozen", "-screen.frozen", "+screen.unknown"]);
  });

  test.each<HostVerdict>(["blank", "dark"])("%s by the capture alone, while the page is loaded and frames arrive, is only a warning", async (verdict) => {
    const { live, alarms } = setUp();
    await live(60_000, "showing");
    await live(30_000, verdict);
    expect(alarms.raised.get(`screen.${verdict}`)).toMatchObject({ severity: "warning" });
  });

  test("frozen is critical", async () => {
    const { live, alarms } = setUp();
    await live(60_000, "showing");
    await live(1_000, "frozen");
    expect(alarms.raised.get("screen.frozen")).toMatchObject({ severity: "critical" });
  });

  test("a page that keeps reloading itself raises an alarm and causes no extra reports", async () => {
    const { live, loop, alarms, reporter } = setUp();
    await live(60_000, "showing");
    const before = reporter.history.length;
    loop(true);
    await live(60_000, "showing");
    expect([alarms.log, reporter.history.length]).toEqual([["+player.reload-loop"], before]);
    loop(false);
    await live(5_000, "showing");
    expect(alarms.log).toEqual(["+player.reload-loop", "-player.reload-loop"]);
  });

  test("older content instead of the wanted one is a good picture, and a warning after a minute", async () => {
    const { live, fails, alarms, verdict } = setUp();
    await live(60_000, "showing");
    fails("http.404: menu.example answered 404.");
    await live(MISSING_ALARM_AFTER_MS - 5_000, "showing");
    expect(alarms.log).toEqual([]);
    await live(10_000, "showing");
    expect([alarms.log, verdict()]).toEqual([["+content.not-shown"], "showing"]);
    fails(undefined);
    await live(5_000, "showing");
    expect(alarms.log).toEqual(["+content.not-shown", "-content.not-shown"]);
  });

  test("content that could not be prepared raises the same warning as content that could not be shown", async () => {
    const { time, live, alarms, reporter, world } = setUp();
    await live(60_000, "showing");
    world.notReady = { content: "Menu", error: "content.bad-manifest: menu.js is named in the manifest and is not in the package" };
    await time.advance(LOOK_MS);
    const told = reporter.document.screen;
    expect(told).toMatchObject({ verdict: "showing", confidence: 0.5 });
    expect(told?.evidence).toContainEqual({ witness: "content", says: "Menu is wanted but is not on screen: content.bad-manifest: menu.js is named in the manifest and is not in the package" });
    await live(MISSING_ALARM_AFTER_MS, "showing");
    expect(alarms.log).toEqual(["+content.not-shown"]);
    world.notReady = undefined;
    await live(LOOK_MS, "showing");
    expect(alarms.log).toEqual(["+content.not-shown", "-content.not-shown"]);
  });

  test("a pulled cable makes the screen dark at once", async () => {
    const { time, live, plug, verdict, world } = setUp();
    await live(20_000, "showing");
    world.hung = true;
    await time.advance(61_000);
    plug(false);
    await time.advance(1);
    expect(verdict()).toBe("dark");
  });

  test("a display found in standby makes the screen dark at the next query", async () => {
    const { live, verdict, world, reporter, time } = setUp();
    await live(20_000, "showing");
    world.power = "standby";
    await live(LOOK_MS + 1_000, "showing");
    expect(verdict()).toBe("dark");
    expect(reporter.document.screen?.sinceMs).toBeGreaterThan(time.wallMs() - LOOK_MS - 2_000);
  });

  test("one of several displays in standby makes the screen dark, unless that is wanted", async () => {
    const other = { wish: "on" as "on" | "off" };
    const time = new VirtualTime();
    const standby: DisplayStatus = { ...hungStatus, power: seen("standby", 0) };
    const status = new SharedReading<DisplayStatus>({ clock: time, timers: time, log: silentLog }, { name: "other", deadlineMs: 30_000, whenHung: () => hungStatus, read: () => Promise.resolve(standby) });
    const { live, verdict } = setUp([{ name: "menu", status, capabilities: { powerObservedBy: "panel" }, expectation: () => ({ expect: other.wish, why: "test" }) }]);
    await live(20_000, "showing");
    expect(verdict()).toBe("dark");
    other.wish = "off";
    await live(LOOK_MS + 1_000, "showing");
    expect(verdict()).toBe("showing");
  });

  test("a silent player is no longer believed", async () => {
    const { time, live, verdict } = setUp();
    await live(20_000, "showing");
    await time.advance(PLAYER_SILENT_MS + LOOK_MS);
    expect(verdict()).toBe("unknown");
  });

  test("an expected dark screen raises no alarm; an unexpectedly lit one does, after a time for the display", async () => {
    const { live, expect: should, world, verdict, alarms } = setUp();
    await live(60_000, "showing");
    should("off");
    await live(LIT_ALARM_AFTER_MS - 5_000, "showing");
    expect([verdict(), alarms.log]).toEqual(["showing", []]);
    await live(10_000, "showing");
    expect(alarms.log).toEqual(["+screen.lit-unexpectedly"]);
    world.power = "standby";
    await live(LOOK_MS + 1_000, "showing");
    expect([verdict(), alarms.log]).toEqual(["dark-expected", ["+screen.lit-unexpectedly", "-screen.lit-unexpectedly"]]);
    await live(600_000, "showing");
    expect(alarms.raised.size).toBe(0);
  });

  test("a status invalidated by a command is soon queried again", async () => {
    const { live, world, displayStatus, verdict, time } = setUp();
    await live(20_000, "showing");
    world.power = "standby";
    displayStatus.invalidate();
    await time.advance(500);
    expect(verdict()).toBe("dark");
  });

  test("sinceMs follows a correction of the wall clock", async () => {
    const { live, time, reporter, watch } = setUp();
    await live(60_000, "showing");
    const before = reporter.document.screen?.sinceMs ?? 0;
    time.stepWall(3_600_000);
    watch.poke();
    await time.advance(1);
    expect(Math.abs((reporter.document.screen?.sinceMs ?? 0) - before - 3_600_000)).toBeLessThan(10);
  });

  test("stopping leaves no timer and no listener", async () => {
    const { time, world, stop, running, outputListeners, listeners, displayStatus } = setUp();
    world.hung = true;
    await time.advance(1_000);
    displayStatus.invalidate();
    await time.advance(300);
    stop.abort();
    await running;
    await time.advance(30_000);
    expect([time.pending(), outputListeners.size, listeners.size]).toEqual([[], 0, 0]);
  });
});
