import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { isNearer, lookupFrom, reachOf } from "./address-reach.ts";

test.each(["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0"])("%s is this machine", (address) => {
  expect(reachOf(address)).toBe("machine");
});

test("every address of this machine counts as this machine", () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  expect(own.map(({ address }) => reachOf(address))).toEqual(own.map(() => "machine"));
});

test.each(["10.1.2.3", "172.31.0.1", "192.168.255.1", "169.254.1.1", "100.64.0.1", "fd00::5", "fe80::1", "::ffff:10.1.2.3"])("%s is on the site", (address) => {
  expect(reachOf(address)).toBe("site");
});

test.each(["128.0.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:db8::1", "fec0::1", "::ffff:8.8.8.8"])("%s is on the internet", (address) => {
  expect(reachOf(address)).toBe("internet");
});

test("this machine is nearer than the site, and the site nearer than the internet", () => {
  expect([isNearer("machine", "site"), isNearer("site", "internet"), isNearer("machine", "internet")]).toEqual([true, true, true]);
  expect([isNearer("site", "site"), isNearer("internet", "machine")]).toEqual([false, false]);
});

test("a name is resolved before it is judged", async () => {
  const asked = (nearest: "machine" | "site"): Promise<string> => new Promise((resolve) => lookupFrom(nearest)("localhost", {}, (error, address) => resolve(error?.message ?? (typeof address === "string" ? address : ""))));
  expect(await asked("machine")).toMatch(/^(?:127\.0\.0\.1|::1)$/);
  expect(await asked("site")).toMatch(/^localhost \(.*\) is this machine itself$/);
});
