import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { asUser, AGENT, whyNoOtherUsers } from "../../../scripts/systemd/testing/other-users.ts";

const why = whyNoOtherUsers();
if (why !== undefined) reportLeftOut("a provisioning file on a boot partition that only root may enter", why);

let place = "";
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "vitrine-closed-"));
  chmodSync(place, 0o755);
  mkdirSync(join(place, "boot"), { mode: 0o700 });
  writeFileSync(join(place, "taken.json"), '{"deviceName":"Shop window"}');
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test.skipIf(why !== undefined)("a boot partition that only root may enter does not keep the agent from the copy that was taken from it", () => {
  const program = `
    const { readProvisioning } = await import(${JSON.stringify(join(import.meta.dirname, "provisioning.ts"))});
    console.log(JSON.stringify(readProvisioning(${JSON.stringify([join(place, "boot/vitrine.json"), join(place, "taken.json")])})));
  `;
  const [command, ...args] = asUser({ uid: AGENT }, process.execPath, ["--input-type=module", "-e", program]);
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 25_000 });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, value: { deviceName: "Shop window" } });
});
