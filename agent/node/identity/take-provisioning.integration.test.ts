import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isLeftOnBoot, refusedProvisioning, TAKEN, takeProvisioning } from "./take-provisioning.ts";
import { removeUsedEntry } from "./used-entries.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-take-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const take = (content: object | string): ReturnType<typeof takeProvisioning> =>
  takeProvisioning(folder, "/boot/firmware/vitrine.json", Buffer.from(typeof content === "string" ? content : JSON.stringify(content)));
const taken = (): unknown => JSON.parse(readFileSync(join(folder, TAKEN.file), "utf8"));

const FIRST = { endpoints: ["wss://cloud.test/device"], claimToken: "shop-12", network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "very secret" } } };

test("a taken file is readable by its owner alone", () => {
  expect(take(FIRST)).toEqual({ ok: true, value: "taken" });
  expect(taken()).toEqual(FIRST);
  expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600, 0o600]);
});

test("the same file is not taken twice, because the agent may have used and removed its secrets", () => {
  take(FIRST);
  for (const entry of ["claimToken", "network"] as const) removeUsedEntry(join(folder, TAKEN.file), entry);
  expect([take(FIRST), isLeftOnBoot(folder)]).toEqual([{ ok: true, value: "known" }, true]);
  expect(taken()).toEqual({ endpoints: FIRST.endpoints });
  rmSync(join(folder, TAKEN.mark));
  expect(isLeftOnBoot(folder)).toBe(false);
  expect(take(FIRST)).toEqual({ ok: true, value: "taken" });
  expect(taken()).toEqual(FIRST);
});

test("a second file changes what it names, and keeps neither the network nor the token of the first", () => {
  take(FIRST);
  expect(take({ deviceName: "Window" })).toEqual({ ok: true, value: "taken" });
  expect(taken()).toEqual({ endpoints: FIRST.endpoints, deviceName: "Window" });
});

test("a file with a mistake changes nothing, and its error is kept until a good one is taken", () => {
  take(FIRST);
  const refused = take('{\n  "deviceName": "Window",\n}');
  expect(refused).toMatchObject({ ok: false, error: { code: "provisioning.malformed", message: "/boot/firmware/vitrine.json, line 2, column 25: there is a comma after the last entry" } });
  expect(refusedProvisioning(folder)).toEqual(refused.ok ? undefined : refused.error);
  expect(taken()).toEqual(FIRST);
  take({ deviceName: "Window" });
  expect(refusedProvisioning(folder)).toBeUndefined();
});

test("a folder that takes no writes is reported as that, and not as a mistake in the file", () => {
  mkdirSync(join(folder, `${TAKEN.file}.tmp`));
  writeFileSync(join(folder, `${TAKEN.file}.tmp`, "in-the-way"), "");
  expect(take(FIRST)).toMatchObject({ ok: false, error: { code: "provisioning.not-taken" } });
  expect(refusedProvisioning(folder)).toBeUndefined();
});

test("a file that is too large is refused", () => {
  expect(take("x".repeat(70_000))).toMatchObject({ ok: false, error: { code: "provisioning.unreadable" } });
});
