import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DeviceMessageSchema } from "../../agent/protocol/device-messages.ts";
import { CloudMessageSchema } from "../../agent/protocol/cloud-messages.ts";
import { tables } from "./protocol-doc.ts";
import { stale } from "./protocol-schema.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");

describe("the published protocol", () => {
  test("is up to date with agent/protocol; else run: node scripts/docs/protocol-schema.ts", async () => {
    expect(await stale()).toEqual([]);
  });

  test("has a section and a table for every message, and uses every table", () => {
    const types = [...DeviceMessageSchema.options, ...CloudMessageSchema.options].map((option) => option.entries.t.literal);
    for (const type of types) expect([type, new RegExp(`^### .*\`${type}\``, "m").test(page)]).toEqual([type, true]);
    for (const name of tables().keys()) expect([name, page.includes(`<!-- fields ${name} -->`)]).toEqual([name, true]);
  });

  test("links only to existing sections", () => {
    const anchors = new Set(
      [...page.matchAll(/^#{1,4} (.+)$/gm)].map(([, heading = ""]) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, "")
          .replaceAll(" ", "-"),
      ),
    );
    for (const [, anchor = ""] of page.matchAll(/\]\(#([\w-]+)\)/g))
      expect([anchor, anchors.has(anchor)]).toEqual([anchor, true]);
  });
});
