import { describe, expect, test } from "vitest";
import { checkImports } from "./import-direction.ts";

const PACKAGES = { runtime: ["ws", "valibot", "systeminformation"], typesOnly: ["devtools-protocol"] };

function check(...files: readonly (readonly [path: string, text: string])[]): string[] {
  return checkImports(files.map(([path, text]) => ({ path, text })), PACKAGES).map(({ file, message }) => `${file} ${message}`);
}

describe("refused", () => {
  test.each([
    ["agent/core/a.ts", "../node/b.ts", "agent/core may not import agent/node/b.ts"],
    ["agent/core/a.ts", "../../platform/linux/b.ts", "agent/core may not import platform/linux/b.ts"],
    ["agent/core/a.ts", "../../platform/simulated/b.ts", "may not import"],
    ["agent/core/a.ts", "../../player-host/stage/b.ts", "may not import"],
    ["agent/core/deep/er/a.ts", "../../../../player-host/shells/b.ts", "may not import player-host/shells/b.ts"],
    ["agent/core/a.ts", "node:fs", "agent/core is pure"],
    ["agent/core/a.ts", "ws", "no package but valibot, not ws"],
    ["player-host/stage/a.ts", "../shells/chromium/b.ts", "player-host/stage may not import"],
    ["player-host/stage/a.ts", "../../agent/protocol/b.ts", "player-host/stage may not import"],
    ["player-host/stage/a.ts", "../host/b.ts", "player-host/stage may not import"],
    ["player-host/host/a.ts", "../node/b.ts", "player-host/host may not import"],
    ["player-host/host/a.ts", "../shells/chromium/b.ts", "player-host/host may not import"],
    ["player-host/host/a.ts", "../../platform/node/b.ts", "player-host/host may not import"],
    ["player-host/host/a.ts", "node:fs", "player-host/host is pure"],
    ["player-host/node/a.ts", "../shells/chromium/b.ts", "knows no shell"],
    ["player-host/contract/a.ts", "../stage/b.ts", "a wire"],
    ["agent/protocol/a.ts", "../core/b.ts", "a wire"],
    ["platform/ports/a.ts", "../linux/b.ts", "platform/ports may not import"],
    ["platform/runtime/a.ts", "node:timers", "platform/runtime is pure"],
    ["platform/runtime/a.ts", "../../agent/protocol/b.ts", "platform/runtime may not import"],
    ["agent/node/a.ts", "../../player-host/stage/b.ts", "of player-host the agent imports only the contract"],
    ["agent/node/a.ts", "../../platform/linux/b.ts", "only its composition root names an adapter"],
    ["agent/node/compose.ts", "../../platform/simulated/b.ts", "chosen by platform/detect.ts"],
    ["player-host/shells/chromium/a.ts", "../../../agent/node/b.ts", "may not import agent/node/b.ts"],
    ["player-host/shells/chromium/main.ts", "../../../agent/core/b.ts", "only the contract of the agent"],
    ["player-host/shells/electron/a.ts", "../chromium/b.ts", "a shell knows no other shell"],
    ["player-host/shells/electron/main.ts", "../chromium/b.ts", "knows no other shell"],
    ["player-host/shells/cdp/a.ts", "../chromium/b.ts", "knows none of them"],
    ["player-host/shells/chromium/a.ts", "../../node/b.ts", "takes what player-host/node implements as an argument"],
    ["player-host/screens/a.dom.ts", "../stage/b.ts", "code in a page"],
    ["agent/core/a.ts", "../../platform/node/b.ts", "agent/core may not import"],
    ["player-host/stage/a.ts", "../../platform/node/b.ts", "player-host/stage may not import"],
    ["platform/node/a.ts", "../../agent/node/b.ts", "serves agent and player host alike"],
    ["platform/linux/a.ts", "../raspberry-pi/b.ts", "platform/linux may not import"],
    ["platform/tizen/a.ts", "../webos/b.ts", "platform/tizen may not import"],
    ["platform/detect.ts", "./raspberry-pi/b.ts", "with import() only"],
    ["agent/node/a.ts", "../../scripts/dev-cloud/b.ts", "nothing shipped imports scripts/"],
    ["agent/node/a.ts", "./testing/b.ts", "does not import test code"],
    ["agent/node/a.ts", "./b.conformance.ts", "does not import test code"],
    ["agent/node/a.ts", "playwright-core", "not a run-time dependency"],
    ["agent/node/a.ts", "devtools-protocol", "not a run-time dependency"],
    ["agent/node/a.ts", "electron", "only player-host/shells/electron imports electron"],
    ["scripts/a.ts", "electron", "only player-host/shells/electron imports electron"],
    ["player-host/shells/chromium/a.test.ts", "electron", "only player-host/shells/electron imports electron"],
    ["agent/new/a.ts", "./b.ts", "is in no zone"],
  ])("%s importing %s", (path, specifier, message) => {
    expect(check([path, `import { x } from "${specifier}";`])).toEqual([expect.stringContaining(message)]);
  });

  test("a forbidden type import, which is a dependency too", () => {
    expect(check(["agent/core/a.ts", 'import type { X } from "../node/b.ts";'])).toHaveLength(1);
  });

  test("a forbidden dynamic import, and one with a computed path", () => {
    expect(check(["agent/core/a.ts", 'await import("../node/b.ts");'])).toHaveLength(1);
    expect(check(["agent/node/a.ts", "await import(name);"])).toEqual([expect.stringContaining("write the path out")]);
  });

  test("a client of the development cloud's HTTP API in shipped code", () => {
    const message = "nothing shipped calls the development cloud's HTTP API: its client is scripts/dev-cloud/cli/";
    const text = 'const answer = await fetch(base + "/api/v1/devices");';
    for (const path of ["agent/node/cli/a.ts", "agent/core/a.ts", "player-host/shells/chromium/a.ts", "platform/linux/a.ts"]) expect(check([path, text])).toEqual([`${path} ${message}`]);
    expect(check(["agent/node/cli/a.ts", "// GET /api/v1/devices"], ["scripts/dev-cloud/cli/a.ts", text], ["agent/node/a.integration.test.ts", text])).toEqual([]);
  });

  test("a second file that imports systeminformation", () => {
    const text = 'import si from "systeminformation";';
    expect(check(["platform/linux/a.ts", text], ["platform/linux/b.ts", text])).toEqual(["platform/linux/b.ts only one file imports systeminformation"]);
  });
});

describe("allowed", () => {
  test.each([
    ["agent/core/cloud/a.ts", "../outbox/b.ts"],
    ["agent/core/a.ts", "../protocol/b.ts"],
    ["agent/core/a.ts", "../../player-host/contract/b.ts"],
    ["agent/core/a.ts", "../../platform/runtime/b.ts"],
    ["agent/core/a.ts", "valibot"],
    ["agent/protocol/a.ts", "../../platform/runtime/json.ts"],
    ["player-host/stage/a.ts", "../../platform/ports/b.ts"],
    ["player-host/host/a.ts", "../stage/b.ts"],
    ["player-host/node/a.ts", "../host/b.ts"],
    ["agent/node/a.ts", "../core/b.ts"],
    ["agent/node/a.ts", "ws"],
    ["agent/node/a.ts", "node:fs"],
    ["agent/node/compose.ts", "../../platform/linux/b.ts"],
    ["player-host/shells/chromium/a.ts", "../../stage/b.ts"],
    ["player-host/shells/electron/a.ts", "electron"],
    ["player-host/shells/electron/a.ts", "../cdp/b.ts"],
    ["player-host/shells/chromium/main.ts", "../../node/b.ts"],
    ["platform/raspberry-pi/a.ts", "../linux/b.ts"],
    ["platform/simulated/a.ts", "../displays/cec/b.ts"],
    ["scripts/dev-cloud/a.ts", "../../agent/protocol/b.ts"],
    ["agent/core/a.test.ts", "../../platform/simulated/b.ts"],
    ["agent/core/a.test.ts", "../../scripts/check/left-out.ts"],
    ["agent/core/testing/a.ts", "vitest"],
    ["platform/ports/a.conformance.ts", "vitest"],
  ])("%s importing %s", (path, specifier) => {
    expect(check([path, `import { x } from "${specifier}";`])).toEqual([]);
  });

  test("types from a types-only package", () => {
    expect(check(["player-host/shells/chromium/a.ts", 'import type { P } from "devtools-protocol";'])).toEqual([]);
  });

  test("an adapter imported by platform/detect.ts with import()", () => {
    expect(check(["platform/detect.ts", 'await import("./raspberry-pi/b.ts");'])).toEqual([]);
  });
});
