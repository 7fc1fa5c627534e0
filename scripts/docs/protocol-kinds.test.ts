import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GapSchema, STREAMS } from "../../agent/protocol/records.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
/** Code that runs on a device, without the protocol and without tests. */
const sources = globSync("agent/{core,node}/**/*.ts")
  .filter((file) => !/\.test\.|\.conformance\.|\/testing\//.test(file))
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** Kinds of the agent's records, as `stream/kind`. Gap records are in `alarm` for every stream. */
const produced = new Set([...sources.matchAll(/stream: "(\w+)",(?: seq,)? kind: "([a-z-]+)"/g)].map(([, stream = "", kind = ""]) => (kind === "gap" ? "gap" : `${stream}/${kind}`)));

/** Kinds for which the page has a body: a paragraph that begins with them directly above the table. */
const documented = new Set(
  [...page.matchAll(/^`([a-z]+|…)\/([a-z]+|…)`([^\n]*)(?:\n[^\n]*)*?\n\n<!-- fields body-/gm)].flatMap(([, stream = "", kind = "", words = ""]) => {
    if (stream === "…") return [kind];
    if (kind !== "…") return [`${stream}/${kind}`];
    return [...words.matchAll(/`([a-z-]+)`/g)].map(([, each = ""]) => `${stream}/${each}`);
  }),
);

test("the page names exactly the kinds of records that the agent creates", () => {
  expect(produced.size).toBeGreaterThan(STREAMS.length);
  expect([...documented].toSorted()).toEqual([...produced].toSorted());
});

test("the agent uses every reason of a gap record", () => {
  for (const reason of GapSchema.entries.reason.options) expect([reason, sources.includes(`"${reason}"`)]).toEqual([reason, true]);
});

test("the agent creates every event that the page names", () => {
  const named = [...page.matchAll(/event `([a-z-]+\.[a-z.-]+)`/g)].map(([, name = ""]) => name);
  for (const name of named) expect([name, sources.includes(`name: "${name}"`)]).toEqual([name, true]);
});
