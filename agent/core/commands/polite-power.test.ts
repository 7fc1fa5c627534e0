import { expect, test } from "vitest";
import { fail, ok } from "../../../platform/ports/result.ts";
import { politePower } from "./polite-power.ts";

test("bye is sent for a reboot or shutdown that the machine accepts, and not for one it refuses", async () => {
  const said: string[] = [];
  const send = (bye: { readonly reason: string }): boolean => said.push(bye.reason) > 0;
  const willing = { bootId: async () => "boot-1", reboot: async () => ok(undefined), shutdown: async () => ok(undefined) };
  const power = politePower(willing, send);
  expect(await power.bootId()).toBe("boot-1");
  await power.reboot("update");
  await power.shutdown("night");
  expect(said).toEqual(["rebooting", "shutting-down"]);
  const refused = await politePower({ ...willing, reboot: async () => fail("host.refused", "no") }, send).reboot("update");
  expect([refused.ok, said.length]).toEqual([false, 2]);
});
