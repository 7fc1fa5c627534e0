import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GapSchema, STREAMS } from "../../agent/protocol/records.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
/** What runs on a device, without the protocol itself and without tests. */
const sources = globSync("agent/{core,node}/**/*.ts")
  .filter((file) => !/\.test\.|\.conformance\.|\/testing\//.test(file))
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** Kinds of the records the agent makes, as `stream/kind`. Gap records say so of any stream and travel in `alarm`. */
const produced = new Set([...sources.matchAll(/stream: "(\w+)",(?: seq,)? kind: "([a-z-]+)"/g)].map(([, stream = "", kind = ""]) => (kind === "gap" ? "gap" : `${stream}/${kind}`)));

/** Kinds the page has a body for: a paragraph that begins with them, directly above the table of the body. */
const documented = new Set(
  [...page.matchAll(/^`([a-z]+|…)\/([a-z]+|…)`([^\n]*)(?:\n[^\n]*)*?\n\n<!-- fields body-/gm)].flatMap(([, stream = "", kind = "", words = ""]) => {
    if (stream === "…") return [kind];
    if (kind !== "…") return [`${stream}/${kind}`];
    return [...words.matchAll(/`([a-z-]+)`/g)].map(([, each = ""]) => `${stream}/${each}`);
  }),
);

test("the page names the kinds of records that the agent makes, and no others", () => {
  expect(produced.size).toBeGreaterThan(STREAMS.length);
  expect([...documented].toSorted()).toEqual([...produced].toSorted());
});

test("every reason of a gap is one the agent gives", () => {
  for (const reason of GapSchema.entries.reason.options) expect([reason, sources.includes(`"${reason}"`)]).toEqual([reason, true]);
});

test("every event the page names by its name is one the agent makes", () => {
  const named = [...page.matchAll(/event `([a-z-]+\.[a-z.-]+)`/g)].map(([, name = ""]) => name);
  for (const name of named) expect([name, sources.includes(`name: "${name}"`)]).toEqual([name, true]);
});
