import { describe, expect, test } from "vitest";
import { fail, ok } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import type { CommandRunner } from "./command-runner.ts";
import { BUILT_AT_MS, LinuxClockControl } from "./linux-clock-control.ts";
import { LinuxHostPower } from "./linux-host-power.ts";
import { LinuxNetwork } from "./linux-network.ts";
import { fixtureFiles, type Fixture } from "./testing/fixture-files.ts";

const missing: CommandRunner = (program) => Promise.resolve(fail("program.missing", `there is no program ${program}`));

/** Answers from a table of command lines; all other programs are missing. */
function answers(table: Readonly<Record<string, string | (() => string)>>): { readonly run: CommandRunner; readonly ran: string[] } {
  const ran: string[] = [];
  const run: CommandRunner = (program, args, timeoutMs) => {
    const line = [program, ...args].join(" ");
    ran.push(line);
    const answer = table[line];
    return answer === undefined ? missing(program, args, timeoutMs) : Promise.resolve(ok(typeof answer === "string" ? answer : answer()));
  };
  return { run, ran };
}

describe("clock", () => {
  const open = (fixture: Fixture, run: CommandRunner, wallMs = BUILT_AT_MS + 1) => {
    const time = new VirtualTime({ wallMs });
    return { time, clock: new LinuxClockControl(fixtureFiles(fixture), run, time) };
  };
  const TIMEDATECTL = "timedatectl show --property=NTPSynchronized --value";

  test("is unset before the build time of this software, whatever a service reports", async () => {
    const { run } = answers({ [TIMEDATECTL]: "yes\n" });
    expect(await open({}, run, BUILT_AT_MS - 1).clock.quality()).toBe("unset");
  });

  test.each<[string, Fixture, Readonly<Record<string, string>>, string]>([
    ["timesyncd's file", { "run/systemd/timesync/synchronized": "" }, {}, "synced"],
    ["timedatectl yes", {}, { [TIMEDATECTL]: "yes\n" }, "synced"],
    ["timedatectl no", {}, { [TIMEDATECTL]: "no\n" }, "local"],
    ["chrony alone, in step", {}, { "chronyc -c tracking": "C0A80101,192.0.2.1,3,1.1,0.0,0.0,0.0,1,0,0,0,0,64.0,Normal\n" }, "synced"],
    ["chrony alone, not in step", {}, { "chronyc -c tracking": "00000000,,0,0.0,0.0,0.0,0.0,0,0,0,0,0,0.0,Not synchronised\n" }, "local"],
    ["no service at all", {}, {}, "local"],
  ])("%s", async (_what, fixture, table, quality) => {
    expect(await open(fixture, answers(table).run).clock.quality()).toBe(quality);
  });

  test("starts no program where timesyncd runs and has not synchronised it", async () => {
    const { run, ran } = answers({ [TIMEDATECTL]: "yes" });
    expect(await open({ "run/systemd/timesync/anything": "" }, run).clock.quality()).toBe("local");
    expect(ran).toEqual([]);
  });

  test("starts no programs for ten minutes once it is synchronised", async () => {
    const { run, ran } = answers({ [TIMEDATECTL]: "yes" });
    const { time, clock } = open({}, run);
    for (let i = 0; i < 10; i++) await clock.quality();
    expect(ran).toHaveLength(1);
    await time.advance(600_000);
    await clock.quality();
    expect(ran).toHaveLength(2);
  });

  test("starts one program a minute while nothing synchronises it, and none once timesyncd has", async () => {
    const { run, ran } = answers({ [TIMEDATECTL]: "no" });
    const fixture: Fixture = {};
    const { time, clock } = open(fixture, run);
    for (let second = 0; second < 120; second += 10) {
      expect(await Promise.all([clock.quality(), clock.quality()])).toEqual(["local", "local"]);
      await time.advance(10_000);
    }
    expect(ran).toHaveLength(2);
    fixture["run/systemd/timesync/synchronized"] = "";
    expect(await clock.quality()).toBe("synced");
    expect(ran).toHaveLength(2);
  });

  test.each<[string, Fixture, unknown]>([
    [
      "the link",
      { "etc/localtime": "-> /usr/share/zoneinfo/Europe/Madrid", "etc/timezone": "Etc/UTC\n" },
      { kind: "ok", value: "Europe/Madrid" },
    ],
    ["a relative link", { "etc/localtime": "-> ../usr/share/zoneinfo/America/Sao_Paulo" }, { kind: "ok", value: "America/Sao_Paulo" }],
    ["the text file", { "etc/localtime": "TZif2", "etc/timezone": "Asia/Tokyo\n" }, { kind: "ok", value: "Asia/Tokyo" }],
    ["a zone nobody knows", { "etc/timezone": "Mars/Olympus\n" }, { kind: "unknown" }],
    ["nothing", {}, { kind: "unknown" }],
  ])("the zone from %s", async (_what, fixture, reading) => {
    expect(await open(fixture, missing).clock.timeZone()).toMatchObject(reading as object);
  });
});

describe("host power (without a real reboot)", () => {
  const files = fixtureFiles({ "proc/sys/kernel/random/boot_id": "2f1e6c1c-8a4b-4a57-9f5e-0f6a3c0b7d21\n" });

  test("reboots and shuts down through systemd", async () => {
    const { run, ran } = answers({ "systemctl reboot": "", "systemctl poweroff": "" });
    const power = new LinuxHostPower(files, run);
    expect(await power.bootId()).toBe("2f1e6c1c-8a4b-4a57-9f5e-0f6a3c0b7d21");
    expect(await power.reboot("test")).toEqual({ ok: true, value: undefined });
    expect(await power.shutdown("test")).toEqual({ ok: true, value: undefined });
    expect(ran).toEqual(["systemctl reboot", "systemctl poweroff"]);
  });

  test("reports the reason for a refusal and the remedy", async () => {
    const refused = await new LinuxHostPower(files, missing).reboot("test");
    expect(refused).toMatchObject({
      ok: false,
      error: {
        code: "host.refused",
        message: expect.stringContaining("no program systemctl") as string,
        hint: expect.stringContaining("polkit") as string,
      },
    });
  });

  test("throws without a boot id, because no reboot could be proved", async () => {
    await expect(new LinuxHostPower(fixtureFiles({}), missing).bootId()).rejects.toThrow("boot id");
  });
});

describe("network", () => {
  const ROUTES = [
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT",
    "wlan0 00000000 0103A8C0 0003 0 0 600 00000000 0 0 0",
    "eth0 00000000 FE02000A 0003 0 0 100 00000000 0 0 0",
    "eth0 0002000A 00000000 0001 0 0 100 00FFFFFF 0 0 0",
  ]
    .map((line) => `${line.replaceAll(" ", "\t")}\n`)
    .join("");
  const base: Fixture = {
    "sys/class/net/lo/type": "772",
    "sys/class/net/eth0/type": "1",
    "sys/class/net/eth0/operstate": "up",
    "sys/class/net/eth0/address": "dc:a6:32:00:00:01",
    "sys/class/net/eth0/device/vendor": "x",
    "sys/class/net/eth0/statistics/rx_bytes": "1000",
    "sys/class/net/eth0/statistics/tx_bytes": "junk",
    "sys/class/net/wlan0/type": "1",
    "sys/class/net/wlan0/operstate": "down",
    "sys/class/net/wlan0/address": "dc:a6:32:00:00:02",
    "sys/class/net/wlan0/wireless/x": "",
    "sys/class/net/wlan0/device/vendor": "x",
    "sys/class/net/ifb0/type": "1",
    "proc/net/route": ROUTES,
  };
  const open = (change: Fixture = {}) => {
    const time = new VirtualTime();
    const fixture = { ...base, ...change };
    const network = new LinuxNetwork({ files: fixtureFiles(fixture), clock: time, timers: time, osInterfaces: () => ({}) });
    return { time, fixture, network };
  };

  test("reports kinds, states and counters, but neither the loopback nor an unused queue device", async () => {
    const reading = await open().network.interfaces();
    expect(reading).toMatchObject({
      value: [
        { name: "eth0", kind: "ethernet", up: true, receivedBytes: 1_000, sentBytes: 0 },
        { name: "wlan0", kind: "wifi", up: false },
      ],
    });
  });

  test("reports the gateway with the lowest metric, of IPv4 before IPv6", async () => {
    expect(await open().network.gateway()).toMatchObject({ kind: "ok", value: "10.0.2.254" });
    const any = "0".repeat(32);
    const v6 = `${any} 00 ${any} 00 fe80000000000000000000000000fe01 00000400 00000001 00000000 00000003 eth0\n`;
    expect(await open({ "proc/net/route": "Iface\n", "proc/net/ipv6_route": v6 }).network.gateway()).toMatchObject({
      kind: "ok",
      value: "fe80::fe01",
    });
    expect(await open({ "proc/net/route": "Iface\n" }).network.gateway()).toMatchObject({ kind: "unknown" });
    expect(await open({ "proc/net/route": undefined }).network.gateway()).toMatchObject({ kind: "failed" });
  });

  test("notices a lost link once, and stops polling with the last listener", async () => {
    const { time, fixture, network } = open();
    let calls = 0;
    const undo = network.onChange(() => calls++);
    await time.advance(10_000);
    expect(calls).toBe(0);
    fixture["sys/class/net/eth0/operstate"] = "down";
    await time.advance(10_000);
    expect(calls).toBe(1);
    undo();
    expect(time.pending()).toEqual([]);
  });
});
