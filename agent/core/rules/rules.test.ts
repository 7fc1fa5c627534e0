import { afterEach, describe, expect, test } from "vitest";
import type { DesiredDocument } from "../../protocol/desired.ts";
import type { Rule } from "../../protocol/rules.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import { fail } from "../../../platform/ports/result.ts";
import { RuleBench } from "./testing/rule-bench.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A Monday at noon. */
const NOON_MS = Date.UTC(2026, 10, 30, 12);

const presence = (over: Partial<Rule> = {}): Rule => ({
  id: "presence", when: [{ kind: "line", line: "GPIO17" }], do: [{ kind: "display-power", power: "on" }],
  otherwise: [{ kind: "display-power", power: "standby" }], quietMs: 5 * MINUTE_MS, ...over,
});
const withRules = (table: readonly Rule[], over: DesiredDocument = {}): DesiredDocument => ({ rules: { table: [...table] }, ...over });
const openFrom = (...windows: readonly (readonly [on: string, off: string])[]): DesiredDocument => ({
  display: { power: "schedule" }, schedule: { timeZone: "Etc/UTC", weekly: windows.map(([on, off]) => ({ days: ["mon"], on, off })) },
});

let bench: RuleBench;
afterEach(() => bench.end());

async function start(document: DesiredDocument, options: Parameters<typeof RuleBench.start>[0] = {}): Promise<void> {
  bench = await RuleBench.start({ wallMs: NOON_MS, ...options });
  bench.world.updateLine("GPIO17", { external: 0 });
  await bench.want(document);
}

const key = (name: string) => bench.reported().desired?.keys[name];

describe("a presence sensor", () => {
  test("turns the display on and, after quiet, off, without a cloud; each firing is an event with what was observed", async () => {
    await start(withRules([presence()]));
    expect([key("rules"), bench.reported().rules]).toMatchObject([{ status: "applied", observed: ["presence"] }, { presence: { state: "active" } }]);
    await bench.time.advance(6 * MINUTE_MS);
    expect(bench.power).toBe("standby");
    bench.events();
    await bench.line("GPIO17", 1, 20_000);
    expect(bench.power).toBe("on");
    expect(bench.events()).toEqual([{
      name: "rule.fired",
      data: { rule: "presence", side: "do", input: { kind: "line", line: "GPIO17", level: 1 }, effects: [{ kind: "display-power", power: "on", effect: { attempted: true, acknowledged: true, observed: { kind: "ok", value: expect.stringMatching(/^(turning-)?on$/) as string } } }] },
    }]);
    await bench.line("GPIO17", 0, 4 * MINUTE_MS);
    await bench.line("GPIO17", 1, MINUTE_MS);
    await bench.line("GPIO17", 0, 4 * MINUTE_MS);
    expect([bench.power, bench.events()]).toEqual(["on", []]);
    await bench.time.advance(2 * MINUTE_MS);
    expect([bench.power, bench.events().map(({ data }) => [data["side"], data["input"]])]).toEqual(["standby", [["otherwise", { kind: "quiet", quietMs: 300_000 }]]]);
    expect(bench.reported().regulators?.["display.power"]).toMatchObject({ wanted: "standby", by: "rule", rule: "presence" });
    expect(bench.reported().screen?.verdict).toBe("dark-expected");
  });

  test("a display that somebody switches on meanwhile is corrected, because the rule still wants it dark", async () => {
    await start(withRules([presence({ quietMs: 0 })]));
    await bench.time.advance(MINUTE_MS);
    expect(bench.power).toBe("standby");
    bench.world.turnDisplay(true);
    await bench.time.advance(2 * MINUTE_MS);
    expect(bench.power).toBe("standby");
  });

  test("outside the hours of the schedule it lights nothing, and says that it was overruled", async () => {
    await start(withRules([presence()], openFrom(["08:00", "12:30"])));
    await bench.line("GPIO17", 1);
    expect(bench.power).toBe("on");
    await bench.line("GPIO17", 0, 40 * MINUTE_MS);
    bench.events();
    await bench.line("GPIO17", 1, MINUTE_MS);
    expect(bench.power).toBe("standby");
    expect(bench.events().find(({ name }) => name === "rule.suppressed")?.data).toMatchObject({ rule: "presence", reason: "overridden", by: "schedule" });
    expect(bench.reported().regulators?.["display.power"]).toMatchObject({ wanted: "standby", by: "schedule" });
  });
});

describe("what somebody switched by hand", () => {
  test("a command that switches the display off holds against the rule until the next edge of the schedule", async () => {
    await start(withRules([presence()], openFrom(["08:00", "12:20"], ["12:30", "20:00"])));
    await bench.line("GPIO17", 1);
    await bench.command("display.power", { on: false });
    expect(bench.power).toBe("standby");
    bench.events();
    await bench.line("GPIO17", 0, 6 * MINUTE_MS);
    await bench.line("GPIO17", 1, MINUTE_MS);
    expect(bench.power).toBe("standby");
    expect(bench.events().filter(({ name }) => name === "rule.suppressed").map(({ data }) => data["by"])).toEqual(["command", "command"]);
    expect(bench.reported().regulators?.["display.power"]).toMatchObject({ wanted: "standby", by: "command" });
    // The shop closes and opens again; the sensor still sees somebody.
    await bench.time.advance(25 * MINUTE_MS);
    expect([bench.power, bench.reported().regulators?.["display.power"]?.by]).toEqual(["on", "rule"]);
  });

  test("a command holds even if it wants what the rule wanted at that moment", async () => {
    await start(withRules([presence({ quietMs: 0 })], { display: { power: "on" } }));
    await bench.time.advance(MINUTE_MS);
    await bench.command("display.power", { on: false });
    await bench.line("GPIO17", 1, 10 * MINUTE_MS);
    expect(bench.power).toBe("standby");
  });

  test("overrides.end gives the display back to the rule", async () => {
    await start(withRules([presence()]));
    await bench.line("GPIO17", 1);
    await bench.command("display.power", { on: false });
    await bench.time.advance(HOUR_MS);
    expect(bench.power).toBe("standby");
    await bench.command("overrides.end", {});
    expect(bench.power).toBe("on");
  });

  test("standby on the TV's own remote holds for its time, and nothing relights the display", async () => {
    await start(withRules([presence()], { display: { power: "on" } }));
    await bench.line("GPIO17", 1, MINUTE_MS);
    bench.act("display.remote", { power: "standby" });
    await bench.line("GPIO17", 0, MINUTE_MS);
    await bench.line("GPIO17", 1, 50 * MINUTE_MS);
    expect([bench.power, bench.reported().regulators?.["display.power"]]).toMatchObject(["standby", { by: "remote", wanted: "standby" }]);
    expect([bench.reported().screen?.verdict, key("display.power")]).toMatchObject(["dark-expected", { status: "pending", error: { code: "desired.overridden" } }]);
    // An hour after the key, and at most a minute until the next look.
    await bench.time.advance(11 * MINUTE_MS);
    expect(bench.power).toBe("on");
  });

  test("with display.remoteHoldMs=0 the remote control is corrected like any drift", async () => {
    await start({ display: { power: "on" } }, { flags: [["--display-remote-hold-ms", "0"]] });
    bench.act("display.remote", { power: "standby" });
    await bench.time.advance(2 * MINUTE_MS);
    expect(bench.power).toBe("on");
  });

  test("a button that says that a person pressed it holds against the sensor, and a second one gives the display back", async () => {
    const off: Rule = { id: "off-button", when: [{ kind: "line", line: "GPIO22" }], do: [{ kind: "display-power", power: "standby", by: "person" }] };
    const auto: Rule = { id: "auto-button", when: [{ kind: "line", line: "GPIO23" }], do: [{ kind: "display-power", power: "document", by: "person" }] };
    await start(withRules([presence(), off, auto]));
    await bench.line("GPIO17", 1);
    bench.act("gpio.press", { line: "GPIO22" });
    await bench.time.advance(20_000);
    expect([bench.power, bench.reported().regulators?.["display.power"]]).toMatchObject(["standby", { by: "person", rule: "off-button" }]);
    await bench.line("GPIO17", 0, 10 * MINUTE_MS);
    await bench.line("GPIO17", 1, MINUTE_MS);
    expect(bench.power).toBe("standby");
    bench.act("gpio.press", { line: "GPIO23" });
    await bench.time.advance(20_000);
    expect(bench.power).toBe("on");
  });
});

describe("other inputs and effects", () => {
  test("a button switches the content, and back", async () => {
    const url = (name: string) => ({ kind: "url", url: `http://127.0.0.1/${name}` }) as const;
    const rule: Rule = { id: "promo", when: [{ kind: "line", line: "GPIO22" }], do: [{ kind: "content", content: "promo" }], otherwise: [{ kind: "content", content: "document" }], quietMs: MINUTE_MS };
    await start({ content: url("menu"), rules: { contents: { promo: url("promo") }, table: [rule] } });
    const wanted = (): string | undefined => { const state = bench.agent.parts.content.state(); return state.kind === "none" ? undefined : state.wanted.url; };
    expect(wanted()).toBe(url("menu").url);
    bench.act("gpio.press", { line: "GPIO22" });
    await bench.time.advance(30_000);
    expect([wanted(), bench.reported().regulators?.["content"]]).toMatchObject([url("promo").url, { by: "rule", rule: "promo" }]);
    await bench.time.advance(MINUTE_MS);
    expect(wanted()).toBe(url("menu").url);
  });

  test("content that a rule shows after quiet is replaced when a new document names another package for it", async () => {
    const url = (name: string) => ({ kind: "url", url: `http://127.0.0.1/${name}` }) as const;
    const rule: Rule = { id: "idle", when: [{ kind: "line", line: "GPIO22" }], do: [{ kind: "page-message", message: 1 }], otherwise: [{ kind: "content", content: "idle" }], quietMs: MINUTE_MS };
    const document = (idle: string): DesiredDocument => ({ content: url("menu"), rules: { contents: { idle: url(idle) }, table: [rule] } });
    const wanted = (): string | undefined => { const state = bench.agent.parts.content.state(); return state.kind === "none" ? undefined : state.wanted.url; };
    await start(document("first"));
    await bench.time.advance(2 * MINUTE_MS);
    expect(wanted()).toBe(url("first").url);
    await bench.want(document("second"));
    await bench.time.advance(2 * MINUTE_MS);
    expect(wanted()).toBe(url("second").url);
  });

  test("a key of the TV's remote sends a message to the page; holding it is one press", async () => {
    await start(withRules([{ id: "red", when: [{ kind: "cec-key", key: "red" }], do: [{ kind: "page-message", message: { key: "red" } }] }]));
    bench.act("cec.key", { key: "red", holdMs: 1_500 });
    await bench.time.advance(2_000);
    bench.act("cec.key", { key: "green" });
    await bench.time.advance(2_000);
    expect(bench.player.requests).toEqual([{ do: "page-message", message: { key: "red" } }]);
    expect(bench.events()).toMatchObject([{ name: "rule.fired", data: { rule: "red", input: { kind: "cec-key", key: "red" }, effects: [{ kind: "page-message", effect: { attempted: true, acknowledged: true, observed: { kind: "unsupported" } } }] } }]);
  });

  test("a message that no player takes is reported as not sent", async () => {
    await start(withRules([{ id: "red", when: [{ kind: "cec-key", key: "red" }], do: [{ kind: "page-message", message: 1 }] }]));
    bench.player.vanish();
    bench.act("cec.key", { key: "red" });
    await bench.time.advance(2_000);
    expect(bench.events()).toMatchObject([{ data: { effects: [{ effect: { attempted: false }, error: { code: "player.absent" } }] } }]);
  });

  test("a door contact drives a relay, read back; bouncing contacts are one firing", async () => {
    await start(withRules([{ id: "door", when: [{ kind: "line", line: "GPIO22", active: 0 }], do: [{ kind: "line", line: "GPIO27", level: 1 }], otherwise: [{ kind: "line", line: "GPIO27", level: 0 }] }]));
    bench.world.updateLine("GPIO22", { external: 1 });
    await bench.time.advance(1_000);
    bench.events();
    for (const level of [0, 1, 0, 1, 0] as const) await bench.line("GPIO22", level, 5);
    await bench.time.advance(1_000);
    expect(bench.world.levelOf("GPIO27")).toBe(1);
    expect(bench.events()).toMatchObject([{ data: { rule: "door", side: "do", effects: [{ kind: "line", line: "GPIO27", level: 1, effect: { attempted: true, acknowledged: true, observed: { kind: "ok", value: 1 } } }] } }]);
    await bench.line("GPIO22", 1, 1_000);
    expect(bench.world.levelOf("GPIO27")).toBe(0);
  });

  test("a time window is an input, and a step of the wall clock into it carries over what lasts, without a message or a pulse", async () => {
    const evening: Rule = {
      id: "evening", when: [{ kind: "time", timeZone: "Etc/UTC", weekly: [{ days: ["mon", "tue"], on: "13:00", off: "14:00" }] }],
      do: [{ kind: "line", line: "GPIO27", level: 1 }, { kind: "page-message", message: "evening" }], otherwise: [{ kind: "line", line: "GPIO27", level: 0 }],
    };
    await start(withRules([evening]));
    await bench.time.advance(HOUR_MS);
    expect([bench.world.levelOf("GPIO27"), bench.player.requests.length]).toEqual([1, 1]);
    await bench.time.advance(HOUR_MS);
    expect([bench.world.levelOf("GPIO27"), bench.player.requests.length]).toEqual([0, 1]);
    bench.events();
    bench.act("clock.step", { byMs: 23.5 * HOUR_MS });
    await bench.time.advance(MINUTE_MS);
    expect([bench.world.levelOf("GPIO27"), bench.player.requests.length, bench.events().map(({ data }) => data["resumed"])]).toEqual([1, 1, [true]]);
  });

  test("during limits a rule to its hours: outside them it wants nothing", async () => {
    await start(withRules([presence({ quietMs: 0, during: { timeZone: "Etc/UTC", weekly: [{ days: ["mon"], on: "09:00", off: "13:00" }] } })], { display: { power: "on" } }));
    await bench.time.advance(MINUTE_MS);
    expect(bench.power).toBe("standby");
    await bench.time.advance(HOUR_MS);
    expect([bench.power, bench.reported().rules, bench.reported().regulators?.["display.power"]?.by]).toEqual(["on", { presence: { state: "off" } }, "document"]);
  });
});

test("the report follows a rule whose quiet time ends, without another event", async () => {
  await start(withRules([presence()]));
  await bench.line("GPIO17", 1, MINUTE_MS);
  await bench.line("GPIO17", 0, 4 * MINUTE_MS);
  expect(bench.reported().rules).toEqual({ presence: { state: "active", inForce: "do" } });
  await bench.time.advance(2 * MINUTE_MS);
  expect(bench.reported().rules).toEqual({ presence: { state: "idle", inForce: "otherwise" } });
});

describe("limits and restarts", () => {
  test("the rate limit holds firings back, reports them, and catches up", async () => {
    await start(withRules([presence({ quietMs: 0, perHourMax: 3 })]));
    await bench.time.advance(MINUTE_MS);
    for (let times = 0; times < 5; times += 1) {
      await bench.line("GPIO17", 1, 20_000);
      await bench.line("GPIO17", 0, 20_000);
    }
    const events = bench.events();
    expect(events.filter(({ name }) => name === "rule.fired")).toHaveLength(3);
    expect(events.find(({ name }) => name === "rule.suppressed")?.data).toMatchObject({ reason: "rate-limit", perHourMax: 3 });
    await bench.line("GPIO17", 1, HOUR_MS);
    expect(bench.power).toBe("on");
  });

  test("after a restart in the quiet time the display stays on, and goes off after a whole quiet time", async () => {
    await start(withRules([presence()]));
    await bench.line("GPIO17", 1, MINUTE_MS);
    await bench.line("GPIO17", 0, 4 * MINUTE_MS);
    await bench.end();
    await bench.boot();
    bench.events();
    await bench.time.advance(4 * MINUTE_MS);
    expect([bench.power, bench.events()]).toEqual(["on", []]);
    await bench.time.advance(2 * MINUTE_MS);
    expect(bench.power).toBe("standby");
  });

  test("a restart while it is dark fires nothing, and still wants it dark", async () => {
    await start(withRules([presence({ quietMs: 0 })]));
    await bench.time.advance(MINUTE_MS);
    await bench.end();
    bench.events();
    bench.world.turnDisplay(true);
    await bench.boot();
    await bench.time.advance(2 * MINUTE_MS);
    expect([bench.power, bench.events()]).toEqual(["standby", []]);
  });

  test("a manual choice and a rule's content survive a restart", async () => {
    const promo: Rule = { id: "promo", when: [{ kind: "line", line: "GPIO22" }], do: [{ kind: "content", content: "promo" }, { kind: "page-message", message: "once" }] };
    await start({ rules: { contents: { promo: { kind: "url", url: "http://127.0.0.1/promo" } }, table: [presence(), promo] } });
    bench.act("gpio.press", { line: "GPIO22" });
    await bench.line("GPIO17", 1, MINUTE_MS);
    await bench.command("display.power", { on: false });
    await bench.end();
    await bench.boot();
    await bench.time.advance(10 * MINUTE_MS);
    expect([bench.power, bench.reported().regulators]).toMatchObject(["standby", { "display.power": { by: "command" }, content: { by: "rule", rule: "promo" } }]);
    expect(bench.player.requests).toHaveLength(1);
  });

  test("a line that is not there at the start is a finding and an alarm, and is tried until it is", async () => {
    let isBusy = true;
    await start(withRules([presence({ quietMs: 0 })]), {
      change: (adapter) => {
        const { gpio } = adapter;
        if (gpio === undefined) throw new Error("the simulated machine has lines");
        const watch: typeof gpio.watch = (...all) => (isBusy ? Promise.resolve(fail("gpio.busy", "held by somebody")) : gpio.watch(...all));
        return { ...adapter, gpio: { lines: () => gpio.lines(), read: (line) => gpio.read(line), write: (line, level) => gpio.write(line, level), pulse: (...all) => gpio.pulse(...all), watch } };
      },
    });
    await bench.time.advance(MINUTE_MS);
    expect([bench.reported().health?.["rules"]?.code, bench.reported().rules?.["presence"]?.state, key("rules")?.status]).toEqual(["rules.input-lost", "unknown", "applied"]);
    expect([...bench.agent.parts.alarms.active().keys()]).toContain("rules.input-lost");
    isBusy = false;
    await bench.time.advance(10 * MINUTE_MS);
    expect([bench.reported().health?.["rules"], bench.reported().rules?.["presence"]?.state, bench.power]).toEqual([undefined, "idle", "standby"]);
  });

  describe("a level that lasts and cannot be driven", () => {
    const door: Rule = { id: "door", when: [{ kind: "line", line: "GPIO22", active: 0 }], do: [{ kind: "line", line: "GPIO27", level: 1 }], otherwise: [{ kind: "line", line: "GPIO27", level: 0 }] };
    let isBusy = false;
    const change = (adapter: PlatformAdapter): PlatformAdapter => {
      const { gpio } = adapter;
      if (gpio === undefined) throw new Error("the simulated machine has lines");
      const write: typeof gpio.write = (...all) => (isBusy ? Promise.resolve(fail("gpio.busy", "held by somebody")) : gpio.write(...all));
      return { ...adapter, gpio: { lines: () => gpio.lines(), read: (line) => gpio.read(line), write, pulse: (...all) => gpio.pulse(...all), watch: (...all) => gpio.watch(...all) } };
    };
    const level = () => bench.world.levelOf("GPIO27");
    const open = async (table: readonly Rule[] = [door]): Promise<void> => {
      isBusy = false;
      await start(withRules(table), { change });
      await bench.line("GPIO22", 1, 1_000);
      bench.events();
    };

    test("at the start is an event, a finding and an alarm, and is tried until it is driven", async () => {
      await open();
      await bench.line("GPIO22", 0, 1_000);
      expect(level()).toBe(1);
      await bench.end();
      // The machine lets go of a line when its holder ends.
      bench.world.updateLine("GPIO27", { direction: "input", driven: 0 });
      isBusy = true;
      bench.events();
      await bench.boot();
      await bench.time.advance(MINUTE_MS);
      expect(bench.events()).toMatchObject([{ name: "rule.not-restored", data: { rule: "door", side: "do", input: { kind: "start" }, effects: [{ kind: "line", line: "GPIO27", level: 1, effect: { attempted: false }, error: { code: "gpio.busy" } }] } }]);
      expect(bench.reported().health?.["rules"]).toMatchObject({ code: "rules.output-lost", message: "GPIO27 of the rule door: held by somebody (gpio.busy)" });
      expect([...bench.agent.parts.alarms.active().keys()]).toContain("rules.output-lost");
      isBusy = false;
      await bench.time.advance(10 * MINUTE_MS);
      expect([level(), bench.reported().health?.["rules"], bench.events()]).toEqual([1, undefined, []]);
      expect([...bench.agent.parts.alarms.active().keys()]).not.toContain("rules.output-lost");
    });

    test("when the rule fires is in its event, and is tried until it is driven", async () => {
      await open();
      isBusy = true;
      await bench.line("GPIO22", 0, MINUTE_MS);
      expect(bench.events()).toMatchObject([{ name: "rule.fired", data: { effects: [{ error: { code: "gpio.busy" } }] } }]);
      isBusy = false;
      await bench.time.advance(10 * MINUTE_MS);
      expect([level(), bench.events()]).toEqual([1, []]);
    });

    test("is given up when the rule wants something else, and by a rule that is gone", async () => {
      await open();
      isBusy = true;
      await bench.line("GPIO22", 0, MINUTE_MS);
      isBusy = false;
      await bench.line("GPIO22", 1, 10 * MINUTE_MS);
      expect(level()).toBe(0);
      isBusy = true;
      await bench.line("GPIO22", 0, MINUTE_MS);
      await bench.want({});
      isBusy = false;
      await bench.time.advance(10 * MINUTE_MS);
      expect([level(), bench.time.pending().filter(({ name }) => name.startsWith("rules."))]).toEqual([0, []]);
    });

    test.each([["by its name", "GPIO27"], ["by its offset", 27]])("does not undo a command that drives the line %s", async (_how, line) => {
      await open();
      isBusy = true;
      await bench.line("GPIO22", 0, 1_000);
      isBusy = false;
      await bench.command("gpio.write", { line, level: 0 }, 10 * MINUTE_MS);
      expect([level(), bench.reported().health?.["rules"]]).toEqual([0, undefined]);
    });

    test("does not undo a rule that drives the line later", async () => {
      const bell: Rule = { id: "bell", when: [{ kind: "cec-key", key: "red" }], do: [{ kind: "line", line: "GPIO27", level: 0 }] };
      await open([door, bell]);
      isBusy = true;
      await bench.line("GPIO22", 0, 1_000);
      isBusy = false;
      bench.events();
      bench.act("cec.key", { key: "red" });
      await bench.time.advance(10 * MINUTE_MS);
      expect([level(), bench.events()]).toMatchObject([0, [{ name: "rule.fired", data: { rule: "bell", effects: [{ effect: { observed: { value: 0 } } }] } }]]);
    });
  });

  test("keys are not heard while the cable is out, and health says so", async () => {
    await start(withRules([{ id: "red", when: [{ kind: "cec-key", key: "red" }], do: [{ kind: "page-message", message: 1 }] }]));
    bench.act("hdmi.pull", {});
    await bench.time.advance(2 * MINUTE_MS);
    expect(bench.reported().health?.["rules"]?.message).toContain("cec.unplugged");
    bench.act("hdmi.plug", {});
    await bench.time.advance(2 * MINUTE_MS);
    expect(bench.reported().health?.["rules"]).toBeUndefined();
  });

  test("without rules nothing of them stays: no claim, no watched line, no timer", async () => {
    await start(withRules([presence({ quietMs: 0 })]));
    await bench.time.advance(MINUTE_MS);
    await bench.want({ display: { power: "on" } });
    await bench.time.advance(MINUTE_MS);
    expect([bench.power, bench.reported().rules, key("rules")]).toEqual(["on", {}, undefined]);
    expect(bench.time.pending().filter(({ name }) => name.startsWith("rules."))).toEqual([]);
    expect(await bench.agent.ports.platform.gpio?.write("GPIO17", 1)).toMatchObject({ ok: true });
  });
});

describe("a table that names what the device does not have is refused as a whole", () => {
  test.each<[string, Rule, string, string]>([
    ["a line", presence({ when: [{ kind: "line", line: "GPIO99" }] }), "rules.not-there", "rules.table[1].when[0].line"],
    ["an output line", presence({ do: [{ kind: "line", line: "PIN99", level: 1 }] }), "rules.not-there", "rules.table[1].do[0].line"],
    ["a display", presence({ otherwise: [{ kind: "display-power", power: "on", display: "kitchen" }] }), "rules.not-there", "rules.table[1].otherwise[0].display"],
    ["a key", presence({ when: [{ kind: "cec-key", key: "purple" }] }), "rules.not-there", "rules.table[1].when[0].key"],
    ["content", presence({ do: [{ kind: "content", content: "promo" }] }), "rules.not-there", "rules.table[1].do[0].content"],
    ["a time zone", presence({ during: { timeZone: "Mars/Olympus", weekly: [] } }), "schedule.unknown-time-zone", "rules.table[1].during"],
    ["an id twice", presence({ id: "good" }), "rules.conflict", "rules.table[1].id"],
    ["a line both ways", presence({ do: [{ kind: "line", line: "GPIO22", level: 1 }] }), "rules.conflict", "rules.table[1].do[0].line"],
    ["a line with two debounce times", presence({ when: [{ kind: "line", line: "GPIO22", debounceMs: 500 }] }), "rules.conflict", "rules.table[1].when[0].line"],
  ])("%s", async (_what, rule, code, path) => {
    const good: Rule = { id: "good", when: [{ kind: "line", line: "GPIO22" }], do: [{ kind: "page-message", message: 1 }] };
    await start(withRules([good, rule], { display: { brightness: 40 } }));
    expect(key("rules")).toMatchObject({ status: "refused", error: { code } });
    expect(key("rules")?.error?.message).toContain(path);
    expect([key("display.brightness")?.status, bench.reported().rules ?? {}]).toEqual(["applied", {}]);
  });

  test("without GPIO, or without a bus that can be listened to, it is unsupported", async () => {
    await start(withRules([presence()]), { change: ({ gpio: _gpio, ...adapter }) => adapter });
    expect(key("rules")).toMatchObject({ status: "unsupported", error: { code: "rules.unsupported" } });
    await bench.end();
    const red: Rule = { id: "red", when: [{ kind: "cec-key", key: "red" }], do: [{ kind: "page-message", message: 1 }] };
    await start(withRules([red]), { change: ({ cec, ...adapter }) => ({ ...adapter, ...(cec && { cec: { send: (...all) => cec.send(...all) } }) }) });
    expect(key("rules")).toMatchObject({ status: "unsupported", error: { code: "rules.unsupported" } });
  });
});
