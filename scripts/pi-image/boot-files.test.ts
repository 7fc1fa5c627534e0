import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseProvisioning } from "../../agent/node/identity/provisioning.ts";

test("the example on the boot partition is a provisioning file that a device would take", () => {
  const read = parseProvisioning("vitrine.json", readFileSync(join(import.meta.dirname, "boot/vitrine.json.example")), false);
  expect(read).toMatchObject({ ok: true, value: { deviceName: "Shop window, left", network: { wifi: { ssid: "Shop" } } } });
});
