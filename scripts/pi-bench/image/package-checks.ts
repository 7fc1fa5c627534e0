import { expect } from "expect";
import type { Check } from "../agent/checks.ts";
import type { ImageBench } from "./image-bench.ts";

/** Processes of the player's user whose command line has this text. */
const BROWSER = (type: string): string => `pgrep -u vitrine-player -f -- '--type=${type}'`;
const AS_PLAYER = "setpriv --reuid=vitrine-player --regid=vitrine-link --init-groups";
/** In memory the journal may have 16 MiB, in files of 4 MiB, one of which may be more than it. */
const JOURNAL_MIB_MAX = 20;
/** Lines of 40 kB of random text: twice the journal's limit, below its limit of lines. */
const FLOOD = "for n in $(seq 900); do head -c 30000 /dev/urandom | base64 -w0; echo; done | systemd-cat -t bench-flood";

/** The package as dpkg installed it: users, units and limits, on a real systemd. */
export const PACKAGE_CHECKS: readonly Check<ImageBench>[] = [
  {
    name: "the agent runs as its own user, without rights, under its unit and systemd's watchdog, and `vitrine status` answers",
    needed: true,
    async run({ pi }) {
      const properties = ["User=vitrine-agent", "NoNewPrivileges=yes", "ProtectSystem=strict", "WatchdogUSec=2min", "NRestarts=0"];
      expect((await pi.read(`systemctl show vitrine-agent --property=${properties.map((each) => each.split("=")[0]).join(",")}`)).split("\n").sort()).toEqual([...properties].sort());
      // The unit may do nothing as root, whatever it runs.
      expect(await pi.read("grep -E '^(Uid|CapBnd|NoNewPrivs|Seccomp):' /proc/$(systemctl show -P MainPID vitrine-agent)/status | tr -d '\\t'")).toMatch(/^Uid:[1-9]\d*.*\nCapBnd:0+\nNoNewPrivs:1\nSeccomp:2$/);
      const status = await pi.until("the agent answers", () => pi.status());
      expect(status).toMatchObject({ adapter: pi.adapter, bootId: pi.bootId, owner: { kind: "claimed" } });
    },
  },
  {
    name: "the player's user can read neither the key nor the queue, and nobody else the agent's socket",
    async run({ pi }) {
      expect(await pi.read("stat -c '%n %a %U:%G' /var/lib/vitrine /var/lib/vitrine-content /run/vitrine/run/agent.sock /run/vitrine/run/player.sock")).toBe(
        "/var/lib/vitrine 700 vitrine-agent:vitrine-agent\n/var/lib/vitrine-content 2750 vitrine-agent:vitrine-link\n/run/vitrine/run/agent.sock 600 vitrine-agent:vitrine-agent\n/run/vitrine/run/player.sock 660 vitrine-agent:vitrine-link",
      );
      expect((await pi.run(`${AS_PLAYER} ls /var/lib/vitrine`)).status).not.toBe(0);
      expect((await pi.run(`${AS_PLAYER} ls /var/lib/vitrine-content`)).status).toBe(0);
      expect((await pi.run("setpriv --reuid=nobody --regid=nogroup --clear-groups ls /var/lib/vitrine-content")).status).not.toBe(0);
    },
  },
  {
    name: "the journal holds its limit when a program floods it, and is in memory only",
    async run({ pi }) {
      await pi.read(FLOOD, 15 * 60_000);
      await pi.read("journalctl --sync", 15 * 60_000);
      const [kib = "", last = ""] = (await pi.read("du -sk /run/log/journal | cut -f1; journalctl -t bench-flood -o cat -n 1 | wc -c")).split("\n");
      expect(Number(last)).toBeGreaterThan(40_000);
      expect(Number(kib) / 1024).toBeLessThanOrEqual(JOURNAL_MIB_MAX);
      expect((await pi.run("ls -A /var/log/journal 2> /dev/null")).output).toBe("");
    },
  },
];

/** The player in its session, with a browser. */
export const PLAYER_CHECKS: readonly Check<ImageBench>[] = [
  {
    name: "the player runs as its own user in a session with a screen, without rights, under its unit",
    async run({ pi }) {
      // systemd prints them in an order of its own.
      expect((await pi.read("systemctl show vitrine-player --property=User,NoNewPrivileges,ActiveState,ProtectSystem")).split("\n").sort()).toEqual(["ActiveState=active", "NoNewPrivileges=yes", "ProtectSystem=strict", "User=vitrine-player"]);
      expect(await pi.read("grep -E '^(CapBnd|NoNewPrivs):' /proc/$(systemctl show -P MainPID vitrine-player)/status | tr -d '\\t'")).toMatch(/^CapBnd:0+\nNoNewPrivs:1$/);
      expect(await pi.read("loginctl list-sessions --no-legend | grep vitrine-player")).toMatch(/seat0/);
    },
  },
  {
    name: "the browser's own sandbox holds: its renderers are in namespaces of their own and under its filter",
    async run({ pi }) {
      expect(await pi.read("pgrep -u vitrine-player -f -- --no-sandbox | wc -l")).toBe("0");
      const [mine = "", ...theirs] = (await pi.read(`readlink /proc/1/ns/pid; for p in $(${BROWSER("renderer")}); do readlink /proc/$p/ns/pid /proc/$p/ns/net | paste -sd ' '; grep -E '^Seccomp:' /proc/$p/status | tr -d '\\t'; done`)).split("\n");
      expect(theirs.length).toBeGreaterThanOrEqual(2);
      for (const line of theirs) expect(line.startsWith("Seccomp") ? line : line.split(" ")[0] !== mine).toBe(line.startsWith("Seccomp") ? "Seccomp:2" : true);
    },
  },
];
