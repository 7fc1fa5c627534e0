import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { reportLeftOut } from "../../check/left-out.ts";
import { whyNoBoot } from "./booted-root.ts";

const why = whyNoBoot();
if (why !== undefined) reportLeftOut("the end of a container with its test", why);

describe.skipIf(why !== undefined)("a container", () => {
  test("does not outlive a process that ends without closing it", async () => {
    const program = `const { BootedRoot } = await import(${JSON.stringify(join(import.meta.dirname, "booted-root.ts"))}); console.log((await BootedRoot.boot()).path("/")); process.exit(0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(stdout).toMatch(/^\/proc\/\d+\/root\/\n$/);
    // The kernel takes a moment for all of its processes.
    await expect.poll(() => existsSync(stdout.trim()), { timeout: 30_000 }).toBe(false);
  }, 200_000);
});
