import { expect, test } from "vitest";
import { fail, ok } from "../ports/result.ts";
import { LinuxHostPower } from "./linux-host-power.ts";
import { fixtureFiles } from "./testing/fixture-files.ts";

const installed = { "etc/systemd/system/vitrine-reset@.service": "[Service]" };

function power(files = installed as Record<string, string>, refuse = false) {
  const said: string[] = [];
  const run = (program: string, args: readonly string[]) => {
    said.push([program, ...args].join(" "));
    return Promise.resolve(refuse ? fail("program.failed", "Access denied") : ok(""));
  };
  return { said, reset: new LinuxHostPower(fixtureFiles(files), run).forcedReset };
}

test("the forced reset is a unit that is started with its delay and stopped again", async () => {
  const { said, reset } = power();
  expect(reset.check()).toEqual(ok(undefined));
  expect(await reset.disarm()).toEqual(ok(undefined));
  expect(await reset.arm(180_000)).toEqual(ok(undefined));
  expect(await reset.disarm()).toEqual(ok(undefined));
  expect(said).toEqual(["systemctl start --no-ask-password vitrine-reset@180.service", "systemctl stop --no-ask-password vitrine-reset@180.service"]);
});

test("a machine without the unit, or without the right, says so and what to do", async () => {
  const without = power({});
  expect(await without.reset.arm(1_000)).toMatchObject({ ok: false, error: { code: "reset.no-unit", hint: expect.stringContaining("scripts/systemd") as string } });
  expect(without.said).toEqual([]);
  expect(await power(installed, true).reset.arm(1_000)).toMatchObject({ ok: false, error: { code: "reset.refused", message: expect.stringContaining("Access denied") as string } });
});

test("a start that systemd did not confirm in time may still come, so it is stopped as well", async () => {
  const said: string[] = [];
  const reset = new LinuxHostPower(fixtureFiles(installed), (_program, [verb = ""]) => {
    said.push(verb);
    return Promise.resolve(verb === "start" ? fail("program.timed-out", "systemctl was still running after 15000 ms") : ok(""));
  }).forcedReset;
  expect(await reset.arm(180_000)).toMatchObject({ ok: false, error: { code: "reset.refused" } });
  expect(await reset.disarm()).toEqual(ok(undefined));
  expect(said).toEqual(["start", "stop"]);
});
