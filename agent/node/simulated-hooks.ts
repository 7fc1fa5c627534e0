import { readdirSync } from "node:fs";
import { readProc, readProcStat } from "../../platform/node/proc.ts";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import type { WorldHooks } from "../../platform/simulated/world-controls.ts";

/**
 * Effects of the simulated hardware on real processes; composed only with the simulated adapter. A power cut kills player
 * and agent; freezing stops the browser's renderers.
 */
export function simulatedHooks(playerPid: () => number | undefined, log: Log): WorldHooks {
  return {
    onPowerCut: () => {
      const pid = playerPid();
      if (pid !== undefined) signalTree(pid, "SIGKILL", log);
      process.kill(process.pid, "SIGKILL");
    },
    onFreezePlayer: () => {
      const pid = playerPid();
      if (pid !== undefined) signalRenderers(pid, "SIGSTOP", log);
    },
    onKillPlayer: () => {
      const pid = playerPid();
      if (pid !== undefined) signalTree(pid, "SIGKILL", log);
    },
  };
}

function signalTree(pid: number, signal: NodeJS.Signals, log: Log): void {
  for (const each of [...descendants(pid), pid]) send(each, signal, log);
}

/** Chromium's renderers draw the page. Stopping them freezes the picture while all other processes stay healthy. */
function signalRenderers(pid: number, signal: NodeJS.Signals, log: Log): void {
  for (const each of descendants(pid)) if (commandLine(each).includes("--type=renderer")) send(each, signal, log);
}

function send(pid: number, signal: NodeJS.Signals, log: Log): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    // ESRCH: the process has already ended.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") log.warn({ pid, signal, error: messageOf(thrown) }, "a simulated fault could not reach a process");
  }
}

/** All descendants of process `root`. */
function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? readProcStat(pid)?.parent : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  for (let level = children.get(root) ?? []; level.length > 0; level = level.flatMap((pid) => children.get(pid) ?? [])) found.push(...level);
  return found;
}

function commandLine(pid: number): string {
  return readProc(pid, "cmdline");
}
