import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readTree } from "./read-tree.ts";
import { checkStyle } from "./style.ts";

const CLOCK = "platform/linux/system-clock.ts";

test("the whole tree follows the style rules", async () => {
  const files = await readTree(resolve(import.meta.dirname, "../.."));
  expect(files.flatMap(checkStyle)).toEqual([]);
});

describe("the check finds", () => {
  test.each([
    ["agent/core/outBox.ts", "", "kebab-case"],
    ["agent/core/out_box.ts", "", "kebab-case"],
    ["agent/core/a.ts", "\n".repeat(451), "451 lines are more than 450"],
    ["scripts/a.ts", "// TO" + "DO: later", "finish it"],
    ["scripts/a.test.ts", "describe." + 'only("x", f);', "vitest's -t"],
    ["agent/node/a.ts", "try { f(); } catch (error) {\n}", "name the reason"],
    ["scripts/a.ts", "f().catch(() => {" + "});", "name the reason"],
    ["agent/node/a.ts", "setInterval(f, 1);", "Timers.after"],
    ["agent/node/a.ts", "const t = setTimeout(f, 1);", "Timers.after"],
    ["agent/node/a.ts", "const t = Date.now();", "Clock.wallMs"],
    ["agent/node/a.ts", "const t = new Date();", "Clock.wallMs"],
    ["agent/node/a.ts", "const t = performance.now();", "Clock.monotonicMs"],
    ["agent/node/a.ts", "say(`$" + "{Date.now()} ms`);", "Clock.wallMs"],
    ["platform/simulated/a.ts", "const t = Math.random();", "Random.next"],
  ])("in %s: %j", (path, text, message) => {
    expect(checkStyle({ path, text })).toEqual([expect.stringContaining(message)]);
  });
});

describe("the check accepts", () => {
  test.each([
    [CLOCK, "const t = Date.now() + performance.now(); setTimeout(f, 1);"],
    ["agent/core/a.test.ts", "const t = Date.now();"],
    ["scripts/bench/a.ts", "setInterval(f, 1); performance.now();"],
    ["player-host/screens/a.dom.ts", "setInterval(f, 1);"],
    ["agent/node/a.ts", "socket.setTimeout(5); // not Date.now()"],
    ["agent/node/a.ts", "new Date(clock.wallMs());"],
    ["player-host/shells/chromium/a.ts", "const IN_THE_PAGE = `() => {\n  return performance.now();\n}`;"],
    ["agent/node/a.ts", 'say("not Date.now()");'],
    ["agent/node/a.ts", "try { f(); } catch {\n  // Gone already.\n}"],
    ["agent/node/a-b2.integration.test.ts", ""],
    ["platform/runtime/universal-globals.d.ts", ""],
  ])("%s: %j", (path, text) => {
    expect(checkStyle({ path, text })).toEqual([]);
  });
});
