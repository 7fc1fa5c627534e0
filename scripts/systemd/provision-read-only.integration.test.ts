import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { leftOnBootText } from "../../agent/node/identity/take-provisioning.ts";
import { removeUsedEntry } from "../../agent/node/identity/used-entries.ts";
import { EXPIRED, VALID } from "../../agent/node/transport/testing/test-certificates.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { whyNoOtherUsers } from "./testing/other-users.ts";
import { NAME, ProvisionBench, ProvisionPrograms, type Stepped } from "./testing/provision-bench.ts";

const cannot = whyNoOtherUsers() ?? (spawnSync("unshare", ["--mount", "true"]).status === 0 ? undefined : "this machine gives no mount namespace");
if (cannot !== undefined) reportLeftOut("a provisioning file on a boot partition that is mounted read-only", cannot);

const FILE = { claimToken: "shop-12", deviceName: "Window", network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "very secret" } } };

let programs: ProvisionPrograms;
beforeAll(() => {
  programs = new ProvisionPrograms();
});
afterAll(() => programs.remove());

let bench: ProvisionBench;
beforeEach(() => {
  bench = new ProvisionBench(programs);
});
afterEach(() => bench.remove());

/** A boot whose boot partition is mounted read-only, in a mount namespace of its own. */
const readOnlyBoot = (): Stepped => bench.step({ around: ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', bench.at("boot")] });
const left = (): string | undefined => leftOnBootText(bench.at("data"), bench.at("store"));
const key = (): string => readFileSync(bench.at("store", "shop", "key.pem"), "utf8");

test.skipIf(cannot !== undefined)("the file is taken once and not again at later boots, it is told, and it goes when the partition takes writes", () => {
  bench.put(JSON.stringify(FILE));
  expect(readOnlyBoot()).toMatchObject({ code: 1, said: expect.stringMatching(/vitrine\.json was taken but cannot be removed; anybody with the card can read the secrets in it/) as string });
  expect([JSON.parse(bench.taken() ?? "null"), bench.boot(), left()]).toEqual([FILE, [NAME], expect.stringContaining("the provisioning file was taken, but the boot partition takes no writes")]);
  // The agent used both: the device is claimed and in its network.
  for (const entry of ["claimToken", "network"] as const) removeUsedEntry(bench.at("data", "vitrine-provision.json"), entry);
  for (let boot = 0; boot < 2; boot += 1) {
    expect(readOnlyBoot().code).toBe(1);
    expect(JSON.parse(bench.taken() ?? "null")).toEqual({ deviceName: "Window" });
  }
  // Another file is another wish.
  bench.put('{"deviceName": "Door"}');
  expect([readOnlyBoot().code, JSON.parse(bench.taken() ?? "null")]).toEqual([1, { deviceName: "Door" }]);
  expect(bench.step()).toMatchObject({ code: 0 });
  expect([bench.boot(), left(), JSON.parse(bench.taken() ?? "null")]).toEqual([[], undefined, { deviceName: "Door" }]);
});

test.skipIf(cannot !== undefined)("a certificate is taken once: files that root put into the store since are not replaced by it", () => {
  const folder = bench.at("boot", "vitrine-certificates", "shop");
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of [["ca.pem", VALID.cert], ["certificate.pem", VALID.cert], ["key.pem", VALID.key]] as const) writeFileSync(join(folder, file), text);
  expect(readOnlyBoot()).toMatchObject({ code: 1, said: expect.stringMatching(/shop was taken but cannot be removed; anybody with the card can read the key in it/) as string });
  expect([key(), left()]).toEqual([VALID.key, expect.stringContaining("a certificate's key was taken")]);
  writeFileSync(bench.at("store", "shop", "key.pem"), EXPIRED.key);
  expect([readOnlyBoot().code, key()]).toEqual([1, EXPIRED.key]);
  expect([bench.step().code, key(), bench.boot(), left()]).toEqual([0, EXPIRED.key, [], undefined]);
});

test.skipIf(cannot !== undefined)("a file with a mistake is told in the journal and to the agent, where it cannot be told beside it", () => {
  bench.put('{"country": "Germany"}');
  const { code, said } = readOnlyBoot();
  expect([code, bench.boot()]).toEqual([1, [NAME]]);
  expect(said).toMatch(/line 1, column 2: country: must be/);
  expect(said).not.toMatch(/Read-only file system/);
  expect(JSON.parse(readFileSync(bench.at("data", "vitrine-provision.refused"), "utf8"))).toMatchObject({ code: "provisioning.malformed" });
});
