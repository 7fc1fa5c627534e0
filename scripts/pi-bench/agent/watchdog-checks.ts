import { expect } from "expect";
import type { Check } from "./checks.ts";

const RESTART_MS_MAX = 15 * 60_000;
const RESET_MS_MAX = 15 * 60_000;

/** What hangs is restarted or reset. They wait for the real limits of the product. */
export const WATCHDOG_CHECKS: readonly Check[] = [
  {
    name: "a hung agent is killed and restarted by systemd's watchdog, and is online again",
    slow: true,
    async run(player) {
      const show = async (): Promise<string> => player.read("systemctl show -P MainPID -P NRestarts -P ActiveState vitrine-agent | paste -sd ' '");
      const [pid = ""] = (await show()).split(" ");
      const startedMs = performance.now();
      await player.read(`kill -STOP ${pid}`);
      await player.until(
        "another process of the agent is ready",
        async () => {
          const [now = "0", , state] = (await show()).split(" ");
          return now !== "0" && now !== pid && state === "active" ? true : undefined;
        },
        RESTART_MS_MAX,
      );
      console.log(`    ready again ${((performance.now() - startedMs) / 1_000).toFixed(0)} s after it was stopped`);
      expect(await player.read("journalctl -u vitrine-agent -o cat --no-pager | grep -c 'Watchdog timeout'")).toBe("1");
      await player.online();
    },
  },
  {
    name: "a machine whose systemd hangs is reset by the watchdog device that systemd feeds, and comes back",
    slow: true,
    async run(player) {
      // Crashed, systemd feeds nothing any more and takes no orders.
      await player.read("modprobe softdog && mkdir -p /run/systemd/system.conf.d && printf '[Manager]\\nRuntimeWatchdogSec=30\\nWatchdogDevice=/dev/watchdog1\\n' > /run/systemd/system.conf.d/bench.conf && systemctl daemon-reexec");
      await player.until("systemd feeds the watchdog", async () => ((await player.run("journalctl -b -o cat --no-pager | grep -i 'watchdog.*timeout'")).status === 0 ? true : undefined));
      await player.run("kill -SEGV 1");
      if (!(await player.resetItself(RESET_MS_MAX))) throw new Error(`the machine was not reset within ${RESET_MS_MAX / 1_000} s`);
      await player.boot();
      await player.online();
    },
  },
];
