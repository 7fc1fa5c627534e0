import { expect, test } from "vitest";
import { fail, ok } from "../ports/result.ts";
import { LinuxPlace } from "./linux-place.ts";

test("the country of the radio is set by a unit of its own, and a refusal is told", async () => {
  const calls: string[] = [];
  const place = new LinuxPlace((program, args) => Promise.resolve(ok((calls.push([program, ...args].join(" ")), ""))));
  expect(await place.setCountry("DE")).toEqual(ok(undefined));
  expect(calls).toEqual(["systemctl start --no-ask-password vitrine-country@DE.service"]);
  const refused = new LinuxPlace(() => Promise.resolve(fail("program.failed", "Access denied")));
  expect(await refused.setCountry("DE")).toMatchObject({ ok: false, error: { code: "place.not-set", message: expect.stringContaining("Access denied") as string } });
});
