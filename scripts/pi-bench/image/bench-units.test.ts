import { expect, test } from "vitest";
import { withBenchUnits } from "./bench-units.ts";

const COMMAND_LINE = "console=tty0 root=LABEL=vitrine-root rw fsck.repair=yes net.ifnames=0 rootwait quiet loglevel=3 vt.global_cursor_default=0 logo.nologo";

/** Units and drop-ins on a command line, by name. */
function unitsOn(commandLine: string): Record<string, string> {
  return Object.fromEntries([...commandLine.matchAll(/systemd\.set_credential_binary=systemd\.(?:extra-unit|unit-dropin)\.([^:]+):(\S+)/g)].map(([, name = "", text = ""]) => [name, Buffer.from(text, "base64").toString()]));
}

test("the bench's units are on the kernel's command line, those with a cloud only where there is an agent", () => {
  const withAgent = unitsOn(withBenchUnits(COMMAND_LINE, "virt", { shell: 40_000, cloud: 40_001 }));
  expect(Object.keys(withAgent)).toEqual(["bench.service", "bench-cloud.socket", "bench-cloud.service", "vitrine-agent.service", "vitrine-player.service"]);
  expect(withAgent["bench-cloud.socket"]).toContain("ListenStream=127.0.0.1:40001\n");
  expect(Object.keys(unitsOn(withBenchUnits(COMMAND_LINE, "virt", { shell: 40_000 })))).toEqual(["bench.service"]);
});

test("the longest one fits, and one that does not is an error instead of half a unit", () => {
  expect(withBenchUnits(COMMAND_LINE, "raspi3b", { shell: 65_535, cloud: 65_535 })).toMatch(/^console=tty0 .* systemd\.wants=bench\.service /);
  expect(() => withBenchUnits(COMMAND_LINE + " x".repeat(600), "raspi3b", { shell: 65_535, cloud: 65_535 })).toThrow(/more than 2047/);
});
