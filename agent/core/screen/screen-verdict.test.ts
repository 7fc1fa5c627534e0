import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { ScreenReportSchema } from "../../protocol/reported.ts";
import type { HostVerdict } from "../../../player-host/contract/link-messages.ts";
import type { DisplayPower } from "../../../platform/ports/display-properties.ts";
import { failed, seen, UNSUPPORTED, unknown } from "../../../platform/ports/reading.ts";
import type { Output } from "../../../platform/ports/outputs.ts";
import { decide } from "../state/decision.ts";
import { wantedIn } from "../state/keys/display-keys.ts";
import { screenExpectation } from "./screen-expectation.ts";
import { judgeScreen, PLAYER_SILENT_MS, type ScreenWitnesses } from "./screen-verdict.ts";

type Player = HostVerdict | "absent" | "silent";
type Cable = "lit" | "off" | "unplugged" | "unclear" | "no-outputs" | "no-port";
type Panel = "on" | "standby" | "turning-on" | "turning-off" | "deaf" | "unknown" | "unsupported" | "no-port";
type Expect = "on" | "off" | "none";

const output = (connected: Output["connected"], dpms: Output["dpms"]): Output => ({ name: "HDMI-A-1", connected, enabled: UNSUPPORTED, mode: UNSUPPORTED, dpms, edid: UNSUPPORTED });

const CABLES: Readonly<Record<Cable, Pick<ScreenWitnesses, "outputs">>> = {
  lit: { outputs: [output(seen(true, 0), seen("on", 0)), { ...output(seen(false, 0), seen("off", 0)), name: "HDMI-A-2" }] },
  off: { outputs: [output(seen(true, 0), seen("off", 0))] },
  unplugged: { outputs: [output(seen(false, 0), seen("off", 0))] },
  unclear: { outputs: [output(unknown("no kernel"), unknown("no kernel"))] },
  "no-outputs": { outputs: [] },
  "no-port": {},
};
const panelOf = (panel: Panel): Pick<ScreenWitnesses, "displays"> => {
  if (panel === "no-port") return {};
  const power =
    panel === "deaf" ? failed({ code: "display.no-answer", message: "no answer" }) : panel === "unknown" ? unknown("not asked") : panel === "unsupported" ? UNSUPPORTED : seen(panel, 0);
  return { displays: [{ name: "main", power, observedBy: "panel" }] };
};
const playerOf = (player: Player): ScreenWitnesses["player"] =>
  player === "absent"
    ? { kind: "absent", why: "no host connected" }
    : { kind: "present", silentMs: player === "silent" ? PLAYER_SILENT_MS + 1 : 100, picture: { verdict: player === "silent" ? "showing" : player, confidence: 0.9, evidence: [{ witness: "Frame Witness", says: "a frame came" }] } };

const judge = (expect: Expect, player: Player, cable: Cable, panel: Panel) => judgeScreen({ expectation: { expect, why: "the test says so" }, player: playerOf(player), ...CABLES[cable], ...panelOf(panel) });

const EXPECTS: readonly Expect[] = ["on", "off", "none"];
const PLAYERS: readonly Player[] = ["showing", "dark", "frozen", "error-page", "blank", "unknown", "absent", "silent"];
const CABLE_STATES = Object.keys(CABLES) as Cable[];
const PANELS: readonly Panel[] = ["on", "standby", "turning-on", "turning-off", "deaf", "unknown", "unsupported", "no-port"];
const ALL = EXPECTS.flatMap((expect) => PLAYERS.flatMap((player) => CABLE_STATES.flatMap((cable) => PANELS.map((panel) => ({ expect, player, cable, panel })))));

const panelDark = (panel: Panel): boolean => panel === "standby" || panel === "turning-on" || panel === "turning-off";
const cableDark = (cable: Cable): boolean => cable === "off" || cable === "unplugged";
const deaf = (panel: Panel): boolean => panel === "deaf" || panel === "unknown";

describe("the verdict", () => {
  test.each([
    // expectation, player, cable, panel → verdict, lit unexpectedly
    ["on", "showing", "lit", "on", "showing", false],
    ["on", "showing", "lit", "standby", "dark", false],
    ["on", "showing", "lit", "turning-on", "dark", false],
    ["on", "showing", "lit", "deaf", "showing", false],
    ["on", "showing", "lit", "no-port", "showing", false],
    ["on", "showing", "unplugged", "deaf", "dark", false],
    ["on", "showing", "unplugged", "no-port", "dark", false],
    ["on", "showing", "off", "no-port", "dark", false],
    ["on", "absent", "lit", "on", "unknown", false],
    ["on", "silent", "lit", "on", "unknown", false],
    ["on", "absent", "lit", "standby", "dark", false],
    ["on", "frozen", "lit", "on", "frozen", false],
    ["on", "blank", "lit", "on", "blank", false],
    ["on", "error-page", "unclear", "on", "error-page", false],
    ["off", "showing", "lit", "standby", "dark-expected", false],
    ["off", "showing", "off", "no-port", "dark-expected", false],
    ["off", "showing", "unplugged", "deaf", "dark-expected", false],
    ["off", "showing", "lit", "on", "showing", true],
    ["off", "showing", "lit", "no-port", "showing", true],
    ["off", "showing", "lit", "deaf", "unknown", false],
    ["off", "showing", "off", "on", "dark", true],
    ["off", "absent", "lit", "standby", "dark-expected", false],
    ["none", "showing", "lit", "on", "showing", false],
    ["none", "showing", "lit", "standby", "dark", false],
  ] as const)("should be %s, player %s, cable %s, panel %s: %s", (expect_, player, cable, panel, verdict, lit) => {
    const judged = judge(expect_, player, cable, panel);
    expect([judged.verdict, judged.litUnexpectedly]).toEqual([verdict, lit]);
  });

  test("over every combination: showing only if the player says so recently and no witness contradicts", () => {
    for (const { expect: expectation, player, cable, panel } of ALL) {
      if (judge(expectation, player, cable, panel).verdict !== "showing") continue;
      expect([player, panelDark(panel), cable === "off", cable === "unplugged" && panel !== "on"]).toEqual(["showing", false, false, false]);
    }
  });

  test("over every combination: dark-expected only if the screen should be off and the available witnesses agree", () => {
    for (const { expect: expectation, player, cable, panel } of ALL) {
      const { verdict } = judge(expectation, player, cable, panel);
      expect(verdict === "dark-expected").toBe(expectation === "off" && (panelDark(panel) || (cableDark(cable) && panel !== "on")));
    }
  });

  test("over every combination: with a panel in standby the verdict is always dark or dark-expected", () => {
    for (const { expect: expectation, player, cable } of ALL) {
      expect(["dark", "dark-expected"]).toContain(judge(expectation, player, cable, "standby").verdict);
    }
  });

  test("over every combination: lit unexpectedly exactly if a witness says lit when the screen should be off", () => {
    for (const { expect: expectation, player, cable, panel } of ALL) {
      const says = panel === "on" || (cable === "lit" && !panelDark(panel) && !deaf(panel));
      expect(judge(expectation, player, cable, panel).litUnexpectedly).toBe(expectation === "off" && says);
    }
  });

  test("over every combination: a deaf display never raises the confidence, and an absent player never gives showing", () => {
    for (const { expect: expectation, player, cable } of ALL) {
      const deafened = judge(expectation, player, cable, "deaf");
      const unsupported = judge(expectation, player, cable, "no-port");
      expect(deafened.verdict !== unsupported.verdict || deafened.confidence <= unsupported.confidence).toBe(true);
      expect(judge(expectation, "absent", cable, "on").verdict).not.toBe("showing");
    }
  });

  test("over every combination: the report is valid for the cloud and names every witness", () => {
    for (const { expect: expectation, player, cable, panel } of ALL) {
      const { verdict, confidence, evidence } = judge(expectation, player, cable, panel);
      expect(v.safeParse(ScreenReportSchema, { verdict, confidence, sinceMs: 0, evidence }).success).toBe(true);
      expect(evidence.map(({ witness }) => witness)).toEqual(expect.arrayContaining(["expectation", "player"]));
      expect(evidence.some(({ witness }) => witness === "display")).toBe(panel !== "no-port" && panel !== "unsupported");
    }
  });

  test("the evidence is bounded and well-formed, whatever the player names its witnesses", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ witness: fc.string({ maxLength: 200 }), says: fc.string({ maxLength: 2_000 }) }), { maxLength: 50 }), (evidence) => {
        const judged = judgeScreen({ expectation: { expect: "on", why: "x".repeat(5_000) }, player: { kind: "present", silentMs: 0, picture: { verdict: "showing", confidence: 1, evidence } } });
        expect(v.safeParse(ScreenReportSchema, { ...judged, sinceMs: 0 }).success).toBe(true);
        expect(judged.evidence.length).toBeLessThan(12);
      }),
    );
  });
});

describe("an output that the player host has found off", () => {
  const player: ScreenWitnesses["player"] = { kind: "present", silentMs: 0, picture: { verdict: "dark", confidence: 0.9, evidence: [], outputOff: "HDMI-A-1 is off" } };
  const judgeOff = (expect: Expect, cable: Cable, panel: Panel = "no-port") => judgeScreen({ expectation: { expect, why: "test" }, player, ...CABLES[cable], ...panelOf(panel) });

  test.each(CABLE_STATES)("makes the screen dark, and dark as expected where it should be off, whatever the kernel says: %s", (cable) => {
    expect(judgeOff("on", cable)).toMatchObject({ verdict: "dark", litUnexpectedly: false });
    expect(judgeOff("off", cable)).toMatchObject({ verdict: "dark-expected", litUnexpectedly: false });
  });

  test("is named as the cause", () => {
    expect(judgeOff("on", "lit").evidence).toContainEqual({ witness: "output", says: "output off: HDMI-A-1 is off, says the compositor" });
    expect(judgeOff("on", "no-port").evidence).toContainEqual({ witness: "output", says: "output off: HDMI-A-1 is off, says the compositor" });
  });

  test("is lit unexpectedly if the panel shows its own picture then", () => {
    expect(judgeOff("off", "no-port", "on")).toMatchObject({ verdict: "dark", litUnexpectedly: true });
  });

  test("counts no longer when the player has fallen silent", () => {
    expect(judgeScreen({ expectation: { expect: "off", why: "test" }, player: { ...player, silentMs: PLAYER_SILENT_MS + 1 } }).verdict).toBe("unknown");
  });
});

describe("the expectation", () => {
  const schedule = { timeZone: "Etc/UTC", weekly: [] };
  const says = () => ({ kind: "off" }) as const;
  test.each([
    ["nothing wanted", undefined, undefined, "on"],
    ["on", { display: { power: "on" } }, undefined, "on"],
    ["standby", { display: { power: "standby" } }, undefined, "off"],
    ["schedule", { display: { power: "schedule" }, schedule }, undefined, "off"],
    ["schedule, but none is set", { display: { power: "schedule" } }, undefined, "none"],
    ["a schedule that the display does not follow", { schedule }, undefined, "on"],
    ["a command over the document", { display: { power: "on" } }, "standby", "off"],
    ["a command over the schedule", { display: { power: "schedule" }, schedule }, "on", "on"],
  ] as const)("%s", (_name, document, override, expected) => {
    const base = document === undefined ? undefined : wantedIn(document, "display", "power", says);
    expect(screenExpectation(decide(base, undefined, override && { value: override, by: "command" })).expect).toBe(expected);
  });

  test("there is none while the clock was never set", () => {
    const clockless = wantedIn({ display: { power: "schedule" }, schedule }, "display", "power", () => ({ kind: "no-opinion", why: { code: "schedule.clock-unset", message: "no clock" } }));
    expect(screenExpectation(decide(clockless, undefined, undefined))).toEqual({ expect: "none", why: "no clock" });
  });
});

describe("several displays", () => {
  const picture: ScreenWitnesses["player"] = { kind: "present", silentMs: 0, picture: { verdict: "showing", confidence: 0.9, evidence: [] } };
  const judge = (expect: "on" | "off", ...powers: readonly DisplayPower[]) =>
    judgeScreen({ expectation: { expect, why: "test" }, player: picture, displays: powers.map((power, index) => ({ name: `d${index + 1}`, power: seen(power, 0), observedBy: "panel" })) });

  test("a dark one among lit ones makes the screen dark, and the evidence names it", () => {
    expect(judge("on", "on", "on").verdict).toBe("showing");
    const judged = judge("on", "on", "standby");
    expect(judged.verdict).toBe("dark");
    expect(judged.evidence.filter(({ witness }) => witness === "display").map(({ says }) => says)).toEqual(["d1 says it is on", "d2 says it is standby"]);
  });

  test("a lit one among dark ones is lit unexpectedly when all should be dark", () => {
    expect(judge("off", "standby", "standby")).toMatchObject({ verdict: "dark-expected", litUnexpectedly: false });
    expect(judge("off", "standby", "on")).toMatchObject({ litUnexpectedly: true });
  });
});
