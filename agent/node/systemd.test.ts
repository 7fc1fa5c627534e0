import { expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { Systemd } from "./systemd.ts";

function create(env: Record<string, string>, healthy: () => boolean = () => true) {
  const said: string[] = [];
  const time = new VirtualTime();
  const run = (program: string, args: readonly string[]): Promise<void> => {
    said.push([program, ...args].join(" "));
    return Promise.resolve();
  };
  return { said, time, systemd: new Systemd({ env, timers: time, log: silentLog, healthy, run }) };
}

test("does nothing when systemd did not start the agent", () => {
  const { said, systemd } = create({});
  systemd.ready();
  systemd.stopping();
  expect(said).toEqual([]);
});

test("reports readiness, feeds the watchdog at half its timeout, and stops feeding when stuck", async () => {
  let healthy = true;
  const { said, time, systemd } = create({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000", WATCHDOG_PID: String(process.pid) }, () => healthy);
  systemd.ready();
  expect(said).toEqual(["systemd-notify --ready", "systemd-notify WATCHDOG=1"]);
  await time.advance(30_000);
  expect(said.length).toBe(3);
  healthy = false;
  await time.advance(120_000);
  expect(said.length).toBe(3);
  systemd.stopping();
  expect(said.at(-1)).toBe("systemd-notify STOPPING=1");
  expect(time.pending()).toEqual([]);
});

test("ignores a watchdog meant for another process", () => {
  const { systemd } = create({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" });
  expect(systemd.watchdogMs).toBeUndefined();
});
