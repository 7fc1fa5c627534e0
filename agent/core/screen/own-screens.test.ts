import { expect, test } from "vitest";
import type { HostVerdict } from "../../../player-host/contract/link-messages.ts";
import { judgeScreen, type OwnScreen, type ScreenWitnesses } from "./screen-verdict.ts";

const judge = (ownScreen: OwnScreen | undefined, expected: "on" | "off", verdict: HostVerdict = "showing") =>
  judgeScreen({
    expectation: { expect: expected, why: "test" },
    player: { kind: "present", silentMs: 0, picture: { verdict, confidence: 0.9, evidence: [] }, ...(ownScreen && { ownScreen }) },
  });

test("one of our own pages instead of wanted content is an error page", () => {
  const judged = judge({ name: "offline", insteadOfContent: true }, "on");
  expect(judged.verdict).toBe("error-page");
  expect(judged.evidence).toContainEqual({ witness: "content", says: "our offline page is shown instead" });
});

test("a pairing page on a device without content is an error page too", () => {
  const judged = judge({ name: "pairing", insteadOfContent: false }, "on");
  expect(judged.verdict).toBe("error-page");
  expect(judged.evidence).toContainEqual({ witness: "content", says: "our pairing page is on; no content is assigned" });
});

test("a display on another input does not show our picture", () => {
  const display = { name: "main", power: { kind: "ok", value: "on", atMs: 0 }, observedBy: "panel", input: { kind: "ok", value: "hdmi-2", atMs: 0 }, ownInput: "hdmi-1" } as const;
  const player: ScreenWitnesses["player"] = { kind: "present", silentMs: 0, picture: { verdict: "showing", confidence: 0.9, evidence: [] } };
  const expectation = { expect: "on", why: "test" } as const;
  expect(judgeScreen({ expectation, player, displays: [display] }).verdict).toBe("unknown");
  expect(judgeScreen({ expectation, player, displays: [{ ...display, input: { kind: "ok", value: "hdmi-1", atMs: 0 } }] }).verdict).toBe("showing");
});

test("a worse verdict of the player stands", () => {
  expect(judge({ name: "offline", insteadOfContent: true }, "on", "frozen").verdict).toBe("frozen");
});

test("a black page on a display that cannot be switched off is dark-expected, with less confidence", () => {
  const judged = judge({ name: "blank", insteadOfContent: true }, "off", "dark");
  expect(judged).toMatchObject({ verdict: "dark-expected", litUnexpectedly: false });
  expect(judged.confidence).toBeLessThan(0.9);
  expect(judge({ name: "blank", insteadOfContent: true }, "off", "frozen").verdict).toBe("frozen");
});

test("a good picture of other content is showing, and the evidence names the missing content", () => {
  const judged = judgeScreen({
    expectation: { expect: "on", why: "test" },
    player: { kind: "present", silentMs: 0, picture: { verdict: "showing", confidence: 0.9, evidence: [] }, missing: "b is wanted but is not on screen: http.404: b answered 404; a stays on" },
  });
  expect(judged.verdict).toBe("showing");
  expect(judged.evidence).toContainEqual({ witness: "content", says: "b is wanted but is not on screen: http.404: b answered 404; a stays on" });
});
