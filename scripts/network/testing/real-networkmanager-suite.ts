import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openNmcli, type NmcliPorts } from "../../../platform/linux/nmcli-network-settings.ts";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import { networkSettingsConformance, type NetworkSettingsBench } from "../../../platform/ports/network-settings.conformance.ts";
import type { AddressSettings, CurrentNetwork, NetworkChangeSettings, NetworkSettings } from "../../../platform/ports/network-settings.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";
import type { Result } from "../../../platform/ports/result.ts";
import { reportLeftOut } from "../../check/left-out.ts";
import { networkRoot, type Release } from "../network-roots.ts";
import { NetworkedMachine } from "./networked-machine.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const RULE = readFileSync(join(import.meta.dirname, "../../systemd/50-vitrine.rules"), "utf8");
const STATIC = { method: "static", address: "192.0.2.77/24", gateway: "192.0.2.1", dns: ["192.0.2.1"] } as const satisfies AddressSettings;
const wanted = (settings: AddressSettings = STATIC): NetworkChangeSettings => ({ interfaces: { eth0: settings } });

/** How eth0 is set before a test. */
const FIRST = {
  "NetworkManager's default profile": [],
  "a stored profile": ["nmcli connection add type ethernet ifname eth0 con-name Installed && nmcli connection up Installed"],
  "an address that another program has set": ["nmcli device disconnect eth0 && ip addr add 192.0.2.50/24 dev eth0 && ip link set eth0 up && ip route add default via 192.0.2.1 && for n in $(seq 100); do nmcli -t -f STATE device | grep -q '^connected (externally)' && break; sleep 0.05; done"],
} as const;

/** The real NetworkManager of a Debian release under the adapter. Each release has a test file, so that their waits pass side by side. */
export function realNetworkManagerSuite(release: Release): void {
  const root = process.getuid?.() === 0 ? networkRoot(release) : undefined;
  if (root === undefined) reportLeftOut(`the real NetworkManager of Debian ${release}`, "its Debian has not been made; as root on Debian, npm test makes it");

  describe.skipIf(root === undefined)(`NetworkManager of Debian ${release}`, () => {
    let machine: NetworkedMachine;
    let ports: NmcliPorts;
    const start = async (lines: readonly string[] = []): Promise<NetworkSettings> => {
      machine = await NetworkedMachine.start(root ?? "");
      for (const line of lines) await machine.bash(line);
      ports = done(await openNmcli(machine.runner(), systemClock).then((opened) => (opened === undefined ? { ok: false, error: { code: "network.refused", message: "not allowed" } } : { ok: true, value: opened })));
      return ports.networkSettings;
    };

    for (const [name, lines] of Object.entries(FIRST)) {
      networkSettingsConformance(`Debian ${release}, ${name}`, async (): Promise<NetworkSettingsBench> => {
        const settings = await start(lines);
        return { settings, time: realBenchTime(), wired: "eth0", boot: () => machine.powercut(), close: () => machine.close() };
      });
    }

    describe("its users and its ways", () => {
      afterEach(() => machine.close());

      const tried = async (settings: NetworkSettings, change = wanted()) => {
        const point = done(await settings.checkpoint(change));
        done(await settings.apply(change));
        return point;
      };
      const profiles = () => machine.ask("nmcli", "-t", "-f", "NAME", "connection", "show");

      test("a device whose software never starts again after a power cut in a trial is on its old network", async () => {
        const settings = await start();
        const before = await shown(settings);
        await tried(settings);
        await machine.powercut();
        expect(await shown(settings)).toEqual(before);
        expect(await machine.ask("ip", "-4", "-o", "address", "show", "eth0")).toContain("192.0.2.1");
      });

      test("a trial and the way back from it survive a restart of the daemon, and so does a change kept after it", async () => {
        const settings = await start();
        const before = await shown(settings);
        const point = await tried(settings);
        await machine.restart();
        expect((await shown(settings)).interfaces["eth0"]).toEqual(STATIC);
        done(await settings.restore(point));
        expect(await shown(settings)).toEqual(before);
        const again = await tried(settings);
        await machine.restart();
        done(await settings.keep(again));
        await machine.powercut();
        expect((await shown(settings)).interfaces["eth0"]).toEqual(STATIC);
      });

      test("addresses, routes and IPv6 of a profile that somebody deleted during the trial come back", async () => {
        const first: AddressSettings = { method: "static", address: "192.0.2.60/24", moreAddresses: ["10.9.9.5/24"], gateway: "192.0.2.1", dns: ["192.0.2.1"] };
        const settings = await start([
          "nmcli connection add save no type ethernet ifname eth0 con-name Installed ipv4.method manual ipv4.addresses 192.0.2.60/24,10.9.9.5/24 ipv4.gateway 192.0.2.1 ipv4.dns 192.0.2.1 ipv4.routes '10.1.0.0/16 192.0.2.1 50, 10.2.0.0/16' ipv6.method manual ipv6.addresses 2001:db8::5/64 && nmcli connection up Installed",
        ]);
        expect((await shown(settings)).interfaces["eth0"]).toEqual(first);
        const routes = () => machine.ask("sh", "-c", "ip route show 10.0.0.0/8; ip -6 -o address show dev eth0 scope global | cut -d' ' -f7; ip route show root 10.0.0.0/8");
        const before = await routes();
        expect(before).toContain("10.1.0.0/16 via 192.0.2.1");
        const point = await tried(settings);
        await machine.bash("nmcli connection delete Installed");
        for (let time = 0; time < 2; time += 1) done(await settings.restore(point));
        expect((await shown(settings)).interfaces["eth0"]).toEqual(first);
        await expect.poll(routes, { timeout: 20_000 }).toBe(before);
        expect(await profiles()).not.toContain("trial");
      });

      test("kept settings win at the next boot over an installed profile of a high priority that is locked to the MAC address, and leave it unchanged", async () => {
        const settings = await start(["nmcli connection add type ethernet con-name Installed ethernet.mac-address 02:00:00:00:00:10 connection.autoconnect-priority 500 && nmcli connection up Installed"]);
        for (const address of ["192.0.2.77/24", "192.0.2.78/24"]) {
          const change = wanted({ ...STATIC, address });
          done(await settings.keep(await tried(settings, change)));
          await machine.powercut();
          expect(await shown(settings)).toEqual(change);
        }
        expect(await machine.ask("nmcli", "-g", "connection.autoconnect-priority,connection.autoconnect,ipv4.method", "connection", "show", "Installed")).toBe("500\nyes\nauto");
        expect((await profiles()).split("\n").filter((name) => name.startsWith("vitrine"))).toEqual(["vitrine-eth0"]);
      });

      test("a device without a cable is connected by itself when the cable comes after a failed trial", async () => {
        const settings = await start(["ip -n site link set router0 down && for n in $(seq 200); do nmcli -t -f DEVICE,STATE device | grep -q eth0:unavailable && break; sleep 0.05; done"]);
        const point = done(await settings.checkpoint(wanted()));
        await settings.apply(wanted());
        done(await settings.restore(point));
        await machine.bash("ip -n site link set router0 up && nm-online -q -t 60");
        await expect.poll(async () => (await shown(settings)).interfaces["eth0"], { timeout: 30_000 }).toEqual({ method: "dhcp" });
        expect(await profiles()).not.toContain("vitrine");
      });

      test("the address of the router is refused, and the router keeps it", async () => {
        const settings = await start();
        const before = await shown(settings);
        const change = wanted({ ...STATIC, address: "192.0.2.1/24" });
        const point = done(await settings.checkpoint(change));
        expect(await settings.apply(change)).toMatchObject({ ok: false, error: { code: "network.no-address" } });
        expect(await machine.ask("ip", "-4", "-o", "address", "show", "eth0")).not.toContain("192.0.2.1/24");
        done(await settings.restore(point));
        expect(await shown(settings)).toEqual(before);
      });

      test("the shipped polkit rule lets the agent's user do what the ports need and nothing else, and the player's user nothing", async () => {
        await start();
        await machine.withUsers(["vitrine-agent", "vitrine-player"], RULE);
        const granted = async (user: string): Promise<readonly string[]> => {
          const said = done(await machine.runner(user)("nmcli", ["-t", "-f", "PERMISSION,VALUE", "general", "permissions"], 20_000));
          return said.split("\n").filter((line) => line.endsWith(":yes")).map((line) => line.slice("org.freedesktop.NetworkManager.".length, -":yes".length));
        };
        expect(await granted("vitrine-agent")).toEqual(["network-control", "settings.modify.system", "wifi.scan", "wifi.share.protected"]);
        const as = async (...args: readonly string[]): Promise<string> => {
          const said = await machine.runner("vitrine-agent")("nmcli", args, 20_000);
          return said.ok ? "ok" : said.error.message;
        };
        const refused = [["general", "hostname", "other"], ["networking", "off"], ["radio", "wifi", "off"], ["general", "reload"]];
        for (const args of refused) expect(await as(...args), args.join(" ")).toMatch(/privileges|Not authorized/);
        // NetworkManager asks polkit about an access point before it looks for a radio, which is not here.
        const opens = async (name: string, ...security: readonly string[]): Promise<string> => {
          expect(await as("connection", "add", "save", "no", "type", "wifi", "ifname", "wlan0", "con-name", name, "ssid", name, "802-11-wireless.mode", "ap", "ipv4.method", "shared", ...security)).toBe("ok");
          const path = (await machine.ask("nmcli", "-t", "-f", "NAME,DBUS-PATH", "connection", "show")).split("\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1) ?? "";
          const device = await machine.ask("nmcli", "-g", "GENERAL.DBUS-PATH", "device", "show", "eth0");
          const said = await machine.runner("vitrine-agent")("dbus-send", ["--system", "--print-reply", "--dest=org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager.ActivateConnection", `objpath:${path}`, `objpath:${device}`, "objpath:/"], 20_000);
          return said.ok ? "ok" : said.error.message;
        };
        expect(await opens("Open")).toContain("Not authorized to share");
        expect(await opens("Protected", "wifi-sec.key-mgmt", "wpa-psk", "wifi-sec.psk", "set-up password")).toContain("not compatible with device");
        await machine.bash("nmcli connection delete Open Protected");
        expect(await granted("vitrine-player")).toEqual([]);
        expect(await openNmcli(machine.runner("vitrine-player"), systemClock)).toBeUndefined();
        const settings = (await openNmcli(machine.runner("vitrine-agent"), systemClock))?.networkSettings;
        if (settings === undefined) throw new Error("the agent's user may not change settings");
        const before = await settings.current();
        const point = done(await settings.checkpoint(wanted()));
        done(await settings.apply(wanted()));
        expect((await shown(settings)).interfaces["eth0"]).toEqual(STATIC);
        done(await settings.restore(point));
        expect(await shown(settings)).toEqual(before.kind === "ok" && before.value);
        const again = done(await settings.checkpoint(wanted()));
        done(await settings.apply(wanted()));
        done(await settings.keep(again));
        await machine.powercut();
        expect((await shown(settings)).interfaces["eth0"]).toEqual(STATIC);
        const [stored = ""] = (await machine.ask("find", "/etc/NetworkManager/system-connections", "-type", "f")).split("\n");
        expect(await machine.runner("vitrine-agent")("cat", [stored], 20_000)).toMatchObject({ ok: false, error: { message: expect.stringContaining("Permission denied") as string } });
      });
    });
  });
}

function done<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

async function shown(settings: NetworkSettings): Promise<CurrentNetwork> {
  const reading = await settings.current();
  if (reading.kind !== "ok") throw new Error(`the settings cannot be seen: ${reading.kind}`);
  return reading.value;
}
