import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect } from "expect";
import { judge, newLedger, type PageEntry } from "../../prove/harness/ledger.ts";
import type { Check } from "./checks.ts";
import type { EmulatedPlayer } from "./emulated-player.ts";

const RESET_MS_MAX = 5 * 60_000;
/** The forced reset comes three minutes after the command, by the machine's own clock, which is late on a busy host. */
const FORCED_MS_MAX = 15 * 60_000;
/** A service that never stops, as one does that waits for a driver. */
const HUNG_SERVICE = "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sleep infinity\nTimeoutStopSec=infinity\n";
/** Records per second offered by the page, more than an emulated Pi takes. */
const LOAD_PER_SECOND = 100;
const ACCEPTED_MIN = 300;

/** The machine goes down: by command, by a hang, by a power cut. */
export const POWER_CHECKS: readonly Check[] = [
  {
    name: "reboot: the machine goes down, and after it the command succeeds with both boot ids, once",
    async run(player) {
      const before = player.bootId;
      const sent = player.send("reboot", { reason: "the bench asks" });
      if (!(await player.resetItself(RESET_MS_MAX))) throw new Error(`the machine did not go down within ${RESET_MS_MAX / 1_000} s`);
      const after = await player.boot();
      const { state, error, result } = await player.outcome(sent);
      expect({ state, error, result }).toMatchObject({ state: "succeeded", result: { bootIdBefore: before, bootIdAfter: after } });
      await player.online();
    },
  },
  {
    name: "after the reboot no command ran again: the pins are as the boot left them and the TV heard no order",
    async run(player) {
      expect(await player.read("grep -h '^pin 17 ' /sys/kernel/debug/pinctrl/*/pins")).not.toContain("gpio_out");
      expect(await player.read("grep -cE 'STANDBY|VIEW_ON' /run/tv.log || true")).toBe("0");
      const outcomes = player.cloud.records(player.deviceId).flatMap(({ command }) => command ?? []);
      expect(outcomes).toHaveLength(new Set(outcomes).size);
    },
  },
  {
    name: "reboot: an orderly shutdown that hangs is ended by the forced reset, and the command succeeds",
    slow: true,
    async run(player) {
      const before = player.bootId;
      await player.read(`printf '${HUNG_SERVICE}' > /run/systemd/system/bench-hung.service && systemctl daemon-reload && systemctl start bench-hung`);
      const sent = player.send("reboot", { reason: "the bench asks" });
      const wasForced = player.printed(/sysrq: Resetting/, FORCED_MS_MAX);
      if (!(await player.resetItself(FORCED_MS_MAX))) throw new Error(`the machine was not reset within ${FORCED_MS_MAX / 1_000} s`);
      expect(await wasForced).toBe(true);
      const after = await player.boot();
      const { state, error, result } = await player.outcome(sent);
      expect({ state, error, result }).toMatchObject({ state: "succeeded", result: { bootIdBefore: before, bootIdAfter: after } });
      await player.online();
    },
  },
  {
    name: "power cut under load: it starts again by itself, and nothing it had accepted is lost or stored twice",
    async run(player) {
      const ledger = newLedger();
      const accepted = await underLoad(player, ledger.pages);
      expect(accepted).toBeGreaterThanOrEqual(ACCEPTED_MIN);
      await player.boot();
      await player.online();
      const status = await player.until("everything is sent", async () => {
        const seen = await player.status();
        return seen !== undefined && [seen.outbox.play, seen.outbox.event].every(({ oldest, newest }) => oldest > newest) ? seen : undefined;
      });
      expect(status.bootId).toBe(player.bootId);
      ledger.reuses.push(...player.cloud.reusesOf(player.cloud.records(player.deviceId)));
      const { violations, acknowledged } = judge(ledger, player.cloud.records(player.deviceId));
      expect(violations).toEqual([]);
      console.log(`    ${acknowledged} records were accepted before the cut, ${accepted} of them told`);
    },
  },
];

/** Lets the page emit until enough is accepted, then cuts the power. Returns how many were accepted. */
async function underLoad(player: EmulatedPlayer, pages: Map<string, PageEntry>): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    let rest = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      // The cut ends the last line anywhere; only whole lines were told.
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const entry = JSON.parse(line) as PageEntry;
        pages.set(entry.id, entry);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stored = (): number => [...pages.values()].filter(({ fate }) => fate.kind === "stored").length;
  try {
    const { port } = server.address() as AddressInfo;
    await player.read(`systemd-run --uid=vitrine-player -p SupplementaryGroups=vitrine-link /usr/local/bin/node /run/job/player.mjs /run/vitrine pi ${LOAD_PER_SECOND} 10.0.2.2:${port}`);
    await player.until("the page's records are accepted", () => (stored() >= ACCEPTED_MIN ? true : undefined));
    await player.cutPower();
    return stored();
  } finally {
    server.close();
  }
}
