import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BROWSER_POLICY, browserPolicyText } from "../../player-host/contract/browser-policy.ts";
import { browserPolicyCheck } from "./machine-checks.ts";

const signal = new AbortController().signal;
const reads = (files: Readonly<Record<string, string>>) => (path: string): Promise<string> =>
  files[path] === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(files[path]);

describe("the browser's managed policy", () => {
  test("matches the packaged file", () => {
    expect(readFileSync(join(import.meta.dirname, "../../scripts/systemd/browser-policy.json"), "utf8")).toBe(browserPolicyText());
  });

  test("never disables the developer tools, because the debugging pipe needs them", () => {
    expect(BROWSER_POLICY).not.toHaveProperty("DeveloperToolsAvailability");
  });

  test("passes the check when in place and names its path", async () => {
    const check = browserPolicyCheck(["/a", "/b"], reads({ "/b": browserPolicyText() }));
    expect(await check.run(signal)).toEqual({ status: "ok", message: "/b is in place" });
  });

  test.each([["an older version's", JSON.stringify({ PrintingEnabled: true })], ["no JSON", "{"]])("is a warning that says what to do: %s", async (_name, text) => {
    expect(await browserPolicyCheck(["/a"], reads({ "/a": text })).run(signal)).toMatchObject({ status: "warning", todo: expect.stringContaining("browser-policy.json") as string });
  });

  test("is reported as missing when there is none", async () => {
    expect(await browserPolicyCheck(["/a"], reads({})).run(signal)).toMatchObject({ status: "unsupported" });
  });
});
