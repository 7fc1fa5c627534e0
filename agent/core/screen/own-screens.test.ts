import { expect, test } from "vitest";
import type { HostVerdict } from "../../../player-host/contract/link-messages.ts";
import { judgeScreen, type OwnScreen } from "./screen-verdict.ts";

const judge = (ownScreen: OwnScreen | undefined, expected: "on" | "off", verdict: HostVerdict = "showing") =>
  judgeScreen({
    expectation: { expect: expected, why: "test" },
    player: { kind: "present", silentMs: 0, picture: { verdict, confidence: 0.9, evidence: [] }, ...(ownScreen && { ownScreen }) },
  });

test("a page of ours in the place of wanted content is not the customer's picture", () => {
  const judged = judge({ name: "offline", insteadOfContent: true }, "on");
  expect(judged.verdict).toBe("error-page");
  expect(judged.evidence).toContainEqual({ witness: "content", says: "our offline page is there in its place" });
});

test("a pairing page on a device that has no content to show is what belongs there", () => {
  expect(judge({ name: "pairing", insteadOfContent: false }, "on").verdict).toBe("showing");
});

test("worse news from the player stands", () => {
  expect(judge({ name: "offline", insteadOfContent: true }, "on", "frozen").verdict).toBe("frozen");
});

test("a black page where the display cannot be switched is dark on purpose, with less confidence", () => {
  const judged = judge({ name: "blank", insteadOfContent: true }, "off", "dark");
  expect(judged).toMatchObject({ verdict: "dark-expected", litUnexpectedly: false });
  expect(judged.confidence).toBeLessThan(0.9);
  expect(judge({ name: "blank", insteadOfContent: true }, "off", "frozen").verdict).toBe("frozen");
});
