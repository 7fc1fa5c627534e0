import { childrenSeconds, kilobytes, sumOfRunTimes } from "../../bench/harness/proc-files.ts";
import type { Figure } from "../figures.ts";
import type { EmulatedPlayer } from "./emulated-player.ts";

/** An emulated agent is busy with its start for minutes. */
const SETTLE_MS = 150_000;
const WINDOW_MS = 60_000;
const MEMORY_TIMES_MAX = 1.6;
const CPU_PERCENT_MAX = 1;

/**
 * The agent, connected and claimed, beside a Node that does nothing: resident memory, and processor time over a minute with that of its
 * children. An emulated processor is many times slower than a Pi's and shares the host, so the minute is also given in starts of a bare
 * Node on the same machine.
 */
export async function agentFigures(player: EmulatedPlayer): Promise<readonly Figure[]> {
  const agent = await player.read("systemctl show -P MainPID vitrine-agent");
  await player.read("systemd-run --unit=bench-bare /usr/local/bin/node -e 'setInterval(()=>{},1e6)'");
  await pass(SETTLE_MS);
  const bare = await player.read("systemctl show -P MainPID bench-bare");
  const before = await look(player, [agent, bare]);
  await pass(WINDOW_MS);
  const after = await look(player, [agent, bare]);
  await player.read("systemctl stop bench-bare");
  const start = Number(await player.read("TIMEFORMAT='%U %S'; { time /usr/local/bin/node -e 0; } 2>&1 | awk '{ print $1 + $2 }'"));
  const elapsedS = after.uptimeS - before.uptimeS;
  const percent = (pid: string): number => (100 * ((after.processes.get(pid)?.seconds ?? Number.NaN) - (before.processes.get(pid)?.seconds ?? Number.NaN))) / elapsedS;
  const idleMinuteS = 0.6 * percent(agent);
  const mib = (pid: string): number => (after.processes.get(pid)?.rssKib ?? Number.NaN) / 1024;
  const beside = (value: number, peerValue: number) => ({ value, peer: "bare Node", peerValue, ratio: value / peerValue });
  return [
    { name: "pi.agent-memory", unit: "MiB", ...beside(mib(agent), mib(bare)), target: MEMORY_TIMES_MAX },
    { name: "pi.agent-idle-cpu", unit: "% of a core", ...beside(percent(agent), percent(bare)), target: CPU_PERCENT_MAX, of: "value" },
    { name: "pi.agent-idle-minute", unit: "s of processor time", value: idleMinuteS, peer: "one start of bare Node", peerValue: start, ratio: idleMinuteS / start },
  ];
}

interface Look {
  readonly uptimeS: number;
  readonly processes: ReadonlyMap<string, { readonly seconds: number; readonly rssKib: number }>;
}

/** All from one script, so that the machine's own clock is read at the same time. */
async function look(player: EmulatedPlayer, pids: readonly string[]): Promise<Look> {
  const parts = pids.map((pid) => `cat /proc/${pid}/task/*/schedstat; echo ==; cat /proc/${pid}/stat; echo ==; cat /proc/${pid}/status; echo ==`);
  const [uptime = "", ...texts] = (await player.read(`cat /proc/uptime; echo ==; ${parts.join("; ")}`)).split("==\n");
  const processes = pids.map((pid, at) => {
    const [tasks = "", stat = "", status = ""] = texts.slice(at * 3);
    return [pid, { seconds: sumOfRunTimes(tasks.split("\n")) + childrenSeconds(stat), rssKib: kilobytes(status, "VmRSS") }] as const;
  });
  return { uptimeS: Number.parseFloat(uptime), processes: new Map(processes) };
}

function pass(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
