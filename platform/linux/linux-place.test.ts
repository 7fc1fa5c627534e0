import { expect, test } from "vitest";
import { fail, ok } from "../ports/result.ts";
import { LinuxPlace } from "./linux-place.ts";

test("time zone and country are set by the machine's own services, and a refusal is told", async () => {
  const calls: string[] = [];
  const place = new LinuxPlace((program, args) => Promise.resolve(ok((calls.push([program, ...args].join(" ")), ""))));
  expect([await place.setTimeZone("Europe/Berlin"), await place.setCountry("DE")]).toEqual([ok(undefined), ok(undefined)]);
  expect(calls).toEqual(["timedatectl --no-ask-password set-timezone Europe/Berlin", "systemctl start --no-ask-password vitrine-country@DE.service"]);
  const refused = new LinuxPlace(() => Promise.resolve(fail("program.failed", "Access denied")));
  expect(await refused.setCountry("DE")).toMatchObject({ ok: false, error: { code: "place.not-set", message: expect.stringContaining("Access denied") as string } });
});
